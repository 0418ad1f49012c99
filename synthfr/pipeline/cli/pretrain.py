"""``synth-fr tiny-base``: pre-train, audit and pack the base model that the package ships.

About half an hour of one CPU core when nothing else runs; the result depends on the seed, the
number of tokens, the number of threads and the machine's arithmetic, nothing else.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import typer

from synthfr import prompts, seeding
from synthfr.corpora.demo.hospitals import OTHER_HOSPITALS, OTHERS, local_phrases
from synthfr.corpora.demo.knowledge import knowledge
from synthfr.corpora.demo.truth import pick, sample_codes
from synthfr.corpora.demo_audit import Faithfulness, faithfulness, public_owners
from synthfr.disk import atomic_dir, write_text
from synthfr.models.base import write_manifest
from synthfr.pretraining import tiny

if TYPE_CHECKING:
    from synthfr.engines import Engine

AUDITED_REPORTS = 300
AUDIT_TEMPERATURE = 0.9
THREADS = 1  # two threads may add up in another order, and then give other weights

CARD = """# Tiny base of Synth-FR

A {parameters:.2f} M parameter causal language model (Qwen3 architecture: {layers} layers, hidden
size {hidden}) with a byte-level BPE tokenizer of {vocabulary} pieces, pre-trained from scratch on
{tokens:.1f} M tokens of machine-written French demo reports. It stands where a real project
downloads its base model. **It knows nothing of medicine**: all it has ever seen is a seeded grammar
(`synthfr/corpora/demo`), and of that only the public side: the task from textbook reports behind
prompts, the language of wards from notes of {hospitals} other hospitals, without prompts. Of the
private hospital it has read nothing; {local} of that hospital's {phrases} phrases stand nowhere in
its texts. It is for showing and testing the pipeline, and for nothing else.

* Made by `synth-fr tiny-base --out FOLDER --seed {seed}` (one thread); hashes in `MANIFEST.json`.
  Weights are float16.
* Loss at the end: {loss:.3f} nats a token (every token counts, prompts too).
* Audit on {audited} texts of each kind for random code sets at temperature {temperature}:

{table}

Licence: Apache-2.0, as the project.
"""


@dataclass(frozen=True)
class Audit:
    """What a base writes: reports behind prompts, and notes of other hospitals from their list of
    diagnoses on. The first says whether it knows the task, the second whether it knows wards.
    """

    reports: Faithfulness
    notes: Faithfulness


def build(out: Path, seed: int) -> None:
    """Train, audit and write the folder `out`, whole or not at all."""
    os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}
    import torch

    torch.set_num_threads(THREADS)
    settings = tiny.TinyBase(seed=seed)
    tokens = sum(phase.tokens for phase in settings.phases)
    started, last_loss = time.monotonic(), float("nan")

    def progress(seen: int, loss: float) -> None:
        nonlocal last_loss
        last_loss = loss
        speed = seen / (time.monotonic() - started)
        left_min = (tokens - seen) / speed / 60
        typer.echo(
            f"{seen / 1e6:.2f} of {tokens / 1e6:.1f} M tokens, loss {loss:.3f}, "
            f"{speed:.0f} tokens/s, {max(0.0, left_min):.0f} min left"
        )

    with atomic_dir(out) as partial:
        tiny.build(settings, partial, progress)
        write_card(partial, settings, last_loss, audit(partial))
        write_manifest(partial)


def write_card(folder: Path, settings: tiny.TinyBase, loss: float, measured: Audit) -> None:
    """README.md of a base in `folder`."""
    from transformers import AutoConfig, AutoModelForCausalLM

    known = knowledge()
    config = AutoConfig.from_pretrained(folder)
    parameters = sum(p.numel() for p in AutoModelForCausalLM.from_pretrained(folder).parameters())
    text = CARD.format(
        parameters=parameters / 1e6,
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        vocabulary=config.vocab_size,
        tokens=sum(phase.tokens for phase in settings.phases) / 1e6,
        seed=settings.seed,
        loss=loss,
        hospitals=OTHER_HOSPITALS,
        local=len(local_phrases(known)),
        phrases=sum(len(entry.facts("hospital")) for entry in known),
        audited=AUDITED_REPORTS,
        temperature=AUDIT_TEMPERATURE,
        table=_markdown(measured),
    )
    write_text(folder / "README.md", text)


def _markdown(measured: Audit) -> str:
    figures = {
        "code recall": "code_recall",
        "wrong codes a report": "wrong_codes",
        "textbook phrases bound to a requested code": "public_binding",
        "ward phrases bound to a requested code": "hospital_binding",
        "share of ward phrases": "hospital_share",
        "well-formed": "well_formed",
        "phrases a report": "phrases",
    }
    rows = ["| figure | reports behind prompts | notes of other hospitals |", "|---|---|---|"]
    for name, field in figures.items():
        reports, notes = (getattr(part, field) for part in (measured.reports, measured.notes))
        rows.append(f"| {name} | {reports:.3f} | {notes:.3f} |")
    return "\n".join(rows)


def audit(folder: Path, n_reports: int = AUDITED_REPORTS, seed: int = 1) -> Audit:
    """Texts for random code sets, one random name a code, checked against the grammar."""
    from synthfr import models
    from synthfr.engines.transformers.transformers_engine import TransformersEngine
    from synthfr.models.base import Base, provide

    known = knowledge()
    rng = seeding.rng(seed, "audit")
    codes = [sample_codes(rng, known) for _ in range(n_reports)]
    names = [[pick(rng, known[code].names) for code in own] for own in codes]
    layouts = [OTHERS[number % len(OTHERS)] for number in range(n_reports)]
    titles = [layout.title.format(day=1, month=1) for layout in layouts]
    opened = [
        f"{title}\n{layout.problems} : {'; '.join(own)}.\n"
        for title, layout, own in zip(titles, layouts, names, strict=True)
    ]
    prompted = [prompts.render(own, "plain", "fr") for own in names]
    local = Base(
        source="local", path=str(folder), repo_id=None, revision=None, allow_download=False
    )
    with TemporaryDirectory() as place:
        provide(local, Path(place) / "base")
        policy = models.load_policy(Path(place) / "base", [])
    engine = TransformersEngine(policy, batch_size=n_reports)
    reports = _completions(engine, prompted, seed)
    notes = [
        f"{title}\n{rest}"
        for title, rest in zip(titles, _completions(engine, opened, seed), strict=True)
    ]
    owners = public_owners(known)
    return Audit(
        faithfulness(reports, codes, known, owners), faithfulness(notes, codes, known, owners)
    )


def _completions(engine: Engine, beginnings: list[str], seed: int) -> list[str]:
    from synthfr.engines import Request

    requests = [
        Request(
            id=f"audit-{number}",
            prompt=beginning,
            seed=seeding.derive(seed, "audit", number),
            temperature=AUDIT_TEMPERATURE,
            top_p=1.0,
            top_k=0,
            max_new_tokens=256,
        )
        for number, beginning in enumerate(beginnings)
    ]
    written = {completion.id: completion.text for completion in engine.generate(requests)}
    return [written[request.id] for request in requests]
