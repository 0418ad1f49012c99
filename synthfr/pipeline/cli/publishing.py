"""``synth-fr publish`` and ``export``: a step's data set or policy as a folder for others."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from synthfr.disk import read_json
from synthfr.errors import UserError
from synthfr.pipeline import audited, layout, origins, private_files
from synthfr.pipeline.parameters import Params, load_params

if TYPE_CHECKING:
    from synthfr.privacy.gate import Acceptance
    from synthfr.publishing.origin import Origin
    from synthfr.publishing.terms import Terms

Kind = Literal["dataset", "adapter", "merged"]
Dtype = Literal["float32", "bfloat16", "float16"]

_REPO = re.compile(r"[\w.-]+/[\w.-]+")
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]*")
_SERVED_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # limits that vLLM takes


@dataclass(frozen=True)
class Target:
    """Where a folder goes, and under which names."""

    out: Path
    licence: str | None = None  # None: the base's
    base: str | None = None  # what an adapter calls its base; None: the base's hub name
    repo: str | None = None  # of the hub
    dtype: Dtype = "bfloat16"
    accepted: Acceptance | None = None  # who answers for a data set that fails the privacy gate


def publish(step: str, kind: Kind, target: Target, *, upload: bool) -> None:
    """Write what is asked for of `step` to a new folder, and send it to the hub if `upload`."""
    if upload and target.repo is None:
        raise UserError("--upload wants --repo owner/name: say where to.")
    if target.repo is not None and not _REPO.fullmatch(target.repo):
        raise UserError(f"--repo: '{target.repo}' is no hub name: write owner/name.")
    if target.licence is not None and not _LICENCE.fullmatch(target.licence):
        raise UserError(
            f"--license: '{target.licence}' is no short name of a licence as the hub has them: "
            "write one like apache-2.0, cc-by-4.0 or other."
        )
    if not upload:
        os.environ["HF_HUB_OFFLINE"] = "1"
    write(step, kind, target, for_others=True)
    if not upload or target.repo is None:
        name = target.repo or "owner/name"
        typer.echo(f"{target.out} is ready. Look at it, then send it or have it sent (--upload):")
        typer.echo(f"  hf upload {name} {target.out} --repo-type {_repo_type(kind)}")
        return

    from synthfr.publishing.upload import upload as send

    typer.echo(f"{target.out} is at {send(target.out, target.repo, _repo_type(kind))}")


def export(step: str, out: Path, dtype: Dtype, *, lora: bool) -> None:
    """Write a step's policy for a server on this machine, as `publish` does for others."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    base = str(layout.BASE.resolve())
    write(
        step, "adapter" if lora else "merged", Target(out, base=base, dtype=dtype), for_others=False
    )
    typer.echo(f"{out} holds the policy of {step}. Serve it, then set engine: openai:")
    if lora:
        rank = read_json(out / "adapter_config.json")["r"]
        limit = next((one for one in _SERVED_RANKS if one >= rank), rank)
        typer.echo(
            f"  vllm serve {layout.BASE} --enable-lora --lora-modules {step}={out} "
            f"--max-lora-rank {limit}"
        )
    else:
        typer.echo(f"  vllm serve {out} --served-model-name {step}")


def write(step: str, kind: Kind, target: Target, *, for_others: bool) -> None:
    """The folder, after all that can be refused was looked at. What is `for_others` must pass the
    privacy gate.
    """
    params = load_params()
    if step not in params.steps:
        raise UserError(f"There is no step '{step}': params.yaml knows {', '.join(params.steps)}.")
    from synthfr import models
    from synthfr.models import licences
    from synthfr.publishing.folder import refuse_taken
    from synthfr.publishing.terms import Terms

    seed = params.seed if params.has("seed") else None
    private_files.refuse_published(target.out, seed)
    refuse_taken(target.out)
    chain = models.adapter_chain(layout.MODELS, step)
    for path in (layout.synthetic(step), layout.BASE, *chain):
        private_files.refuse_published(path, seed)
    audit, origin = audited.audit_of(step), origins.origin_of(step)
    licence = (
        {"license": target.licence}
        if target.licence
        else licences.licence(layout.BASE, origin.base)
    )
    if licence["license"] == licences.UNKNOWN and not target.licence:
        typer.echo("No licence: the base's card names none, say which with --license.", err=True)
    if for_others:
        _let_out(step, audit, target.accepted)
    terms = Terms(licence, audit, target.repo, target.accepted)
    if kind == "dataset":
        from synthfr.publishing.dataset import write_dataset

        write_dataset(layout.synthetic(step), target.out, origin, terms)
        return
    _write_model(params, kind, chain, target, origin, terms)


def _let_out(step: str, audit: Mapping[str, Any] | None, accepted: Acceptance | None) -> None:
    """UserError if the step's audit failed and nobody answers for it; says what else to know."""
    from synthfr.privacy import gate

    if audit is None or gate.verdict(audit) is None:
        text = f"No privacy verdict of {step}, and the card says so: `dvc repro privacy@{step}`."
        typer.echo(text, err=True)
        return
    if (against := gate.refusal(step, audit)) is not None and accepted is None:
        raise UserError(
            f'{against} {gate.OVERRIDE} "NAME: REASON" lets it out all the same, and the card says '
            "who answers for it."
        )
    if (note := gate.warning(step, audit)) is not None:
        typer.echo(note, err=True)


def _write_model(
    params: Params,
    kind: Literal["adapter", "merged"],
    chain: list[Path],
    target: Target,
    origin: Origin,
    terms: Terms,
) -> None:
    named = target.base or origin.base["repo_id"]
    if kind == "adapter" and named is None:
        raise UserError(
            f"The base ({origin.base['source']}) is none of the hub, so nobody could load the "
            "adapter: name the base with --base (owner/name, or a folder), or use --merged."
        )
    from synthfr import models, prompts
    from synthfr.publishing.model import Use, write_model

    language = params.seed.language
    template = prompts.template_text(params.prompt.template, language)
    write_model(
        models.policy_files(layout.BASE, chain),
        target.out,
        kind,
        origin,
        Use(template, language, params.synthesize),
        terms,
        dtype=target.dtype,
        base=named,
    )


def _repo_type(kind: Kind) -> Literal["dataset", "model"]:
    return "dataset" if kind == "dataset" else "model"
