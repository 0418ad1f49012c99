"""``synth-fr tiny-base``: pre-train, audit and pack the base model that the package ships.

An hour or two of one CPU core; the result depends on the seed, the number of tokens, the number of
threads and the machine's arithmetic, nothing else.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from synthfr import prompts, seeding
from synthfr.corpora.demo.audit import Faithfulness, faithfulness
from synthfr.corpora.demo.knowledge import knowledge
from synthfr.corpora.demo.truth import pick, sample_codes
from synthfr.files import atomic_dir, write_text
from synthfr.models import tiny
from synthfr.models.base import write_manifest

AUDITED_REPORTS = 300
AUDIT_TEMPERATURE = 0.9
THREADS = 1  # two threads may add up in another order, and then give other weights

CARD = """# Tiny base of Synth-FR

A {parameters:.2f} M parameter causal language model (Qwen3 architecture: {layers} layers, hidden
size {hidden}) with a byte-level BPE tokenizer of {vocabulary} pieces, pre-trained from scratch on
{tokens:.1f} M tokens of machine-written French demo reports. It stands where a real project
downloads its base model. **It knows nothing of medicine**: all it has ever seen is a seeded grammar
(`synthfr/corpora/demo`), and of that only the public side. It is for showing and testing the
pipeline, and for nothing else.

* Made by `synth-fr tiny-base --seed {seed}` (one thread); hashes in `MANIFEST.json`. Weights are
  float16.
* Loss at the end: {loss:.3f} nats a token (every token counts, prompts too).
* Audit on {audited} reports for random code sets at temperature {temperature}:

{table}

Licence: Apache-2.0, as the project.
"""


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


def write_card(folder: Path, settings: tiny.TinyBase, loss: float, measured: Faithfulness) -> None:
    """README.md of a base in `folder`."""
    from transformers import AutoConfig, AutoModelForCausalLM

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
        audited=AUDITED_REPORTS,
        temperature=AUDIT_TEMPERATURE,
        table=_markdown(measured),
    )
    write_text(folder / "README.md", text)


def _markdown(measured: Faithfulness) -> str:
    figures = {
        "code recall": measured.code_recall,
        "wrong codes a report": measured.wrong_codes,
        "public phrases bound to a requested code": measured.binding["public"],
        "hospital phrases bound": measured.binding["hospital"],
        "hospital share of phrases": measured.hospital_share,
        "well-formed": measured.well_formed,
        "phrases a report": measured.phrases,
    }
    rows = ["| figure | value |", "|---|---|"]
    return "\n".join(rows + [f"| {name} | {value:.3f} |" for name, value in figures.items()])


def audit(folder: Path, n_reports: int = AUDITED_REPORTS, seed: int = 1) -> Faithfulness:
    """Reports for random code sets, one random name a code, checked against the grammar."""
    from synthfr import generation, models
    from synthfr.generation.transformers_engine import TransformersEngine
    from synthfr.models.base import provide
    from synthfr.params import Base

    known = knowledge()
    rng = seeding.rng(seed, "audit")
    codes = [sample_codes(rng, known) for _ in range(n_reports)]
    names = [[pick(rng, known[code].names) for code in own] for own in codes]
    requests = [
        generation.Request(
            id=f"audit-{number}",
            prompt=prompts.render(own, "plain", "fr"),
            seed=seeding.derive(seed, "audit", number),
            temperature=AUDIT_TEMPERATURE,
            top_p=1.0,
            top_k=0,
            max_new_tokens=256,
        )
        for number, own in enumerate(names)
    ]
    local = Base(
        source="local", path=str(folder), repo_id=None, revision=None, allow_download=False
    )
    with TemporaryDirectory() as place:
        provide(local, Path(place) / "base")
        policy = models.load_policy(Path(place) / "base", [])
    engine = TransformersEngine(policy, batch_size=n_reports)
    written = {completion.id: completion.text for completion in engine.generate(requests)}
    return faithfulness([written[request.id] for request in requests], codes, known)
