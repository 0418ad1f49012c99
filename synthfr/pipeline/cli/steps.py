"""The command line of one step: ``synth-fr sample``, ``export`` and ``publish``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from synthfr.errors import UserError


def sample(
    step: Annotated[str, typer.Option(help="Whose policy writes: base, step0, dpo1, ...")],
    keywords: Annotated[str, typer.Option(help="Clinical terms, separated by commas.")],
    temperature: Annotated[
        float | None, typer.Option(min=0, help="Default: synthesize.temperature.")
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Above 0, at most 1. Default: synthesize.top_p."),
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(min=0, help="0: off. Default: synthesize.top_k.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another report.")] = 0,
) -> None:
    """Write one report from keywords, shown as it is written."""
    from synthfr.pipeline.cli import writing

    writing.sample(step, keywords, seed, temperature=temperature, top_p=top_p, top_k=top_k)


class Dtype(StrEnum):
    """Of written weights."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


def export(
    step: Annotated[str, typer.Option(help="Whose policy: base, step0, dpo1, ...")],
    out: Annotated[Path, typer.Option(help="A new folder.")],
    dtype: Annotated[Dtype, typer.Option(help="Of the weights.")] = Dtype.BFLOAT16,
    lora: Annotated[
        bool, typer.Option("--lora", help="One LoRA adapter instead, all steps' composed.")
    ] = False,
) -> None:
    """Write a step's policy as a plain model folder, adapters merged, as `vllm serve` wants it."""
    from synthfr.pipeline.cli import publishing

    publishing.export(step, out, dtype.value, lora=lora)


def publish(
    step: Annotated[str, typer.Option(help="Whose: base, step0, dpo1, ...")],
    out: Annotated[Path, typer.Option(help="A new folder.")],
    dataset: Annotated[
        bool, typer.Option("--dataset", help="Its reports (unless told otherwise).")
    ] = False,
    adapter: Annotated[
        bool, typer.Option("--adapter", help="Its policy, as one LoRA adapter on the base.")
    ] = False,
    merged: Annotated[bool, typer.Option("--merged", help="Its policy, as plain weights.")] = False,
    license_: Annotated[
        str | None,
        typer.Option("--license", help="The hub's short name of it; default: the base's own."),
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="What the adapter calls its base; default: base.repo_id.")
    ] = None,
    dtype: Annotated[Dtype, typer.Option(help="Of merged weights.")] = Dtype.BFLOAT16,
    repo: Annotated[str | None, typer.Option(help="owner/name on the hub.")] = None,
    upload: Annotated[
        bool, typer.Option("--upload", help="Also send it there, private if it is new.")
    ] = False,
    accept_privacy_failure: Annotated[
        str | None,
        typer.Option(
            metavar='"NAME: REASON"',
            help="Let out what fails the privacy gate; the card says who answers for it, and why.",
        ),
    ] = None,
) -> None:
    """Write a step's data set or policy as a folder that the Hugging Face hub takes as it is."""
    from synthfr.pipeline.cli import publishing

    if dataset + adapter + merged > 1:
        raise UserError("--dataset, --adapter and --merged are three folders: choose one of them.")
    kind: publishing.Kind = "adapter" if adapter else "merged" if merged else "dataset"
    accepted = None
    if accept_privacy_failure is not None:
        from synthfr.privacy.gate import Acceptance

        accepted = Acceptance.read(accept_privacy_failure)
    target = publishing.Target(out, license_, base, repo, dtype.value, accepted)
    publishing.publish(step, kind, target, upload=upload)
