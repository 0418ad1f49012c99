"""``synth-fr export``: a step's policy as a plain model folder, for servers and other tools."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import typer

from synthfr.errors import UserError
from synthfr.pipeline import layout
from synthfr.pipeline.parameters import load_params


def export(step: str, out: Path, dtype: Literal["float32", "bfloat16", "float16"]) -> None:
    """Write the base with the adapters of all steps up to `step` merged into it to `out`."""
    params = load_params()
    if step not in params.steps:
        raise UserError(f"There is no step '{step}': params.yaml knows {', '.join(params.steps)}.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is there already: name a new folder.")
    os.environ["HF_HUB_OFFLINE"] = "1"

    from synthfr import models
    from synthfr.models.merged import write_merged

    chain = models.adapter_chain(layout.MODELS, step)
    write_merged(models.policy_files(layout.BASE, chain), out, dtype)
    typer.echo(f"{out} holds the policy of {step}. Serve it, then set engine: openai:")
    typer.echo(f"  vllm serve {out} --served-model-name {step}")
