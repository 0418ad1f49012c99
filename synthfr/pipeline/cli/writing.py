"""``synth-fr sample``: one report, written before your eyes."""

from __future__ import annotations

import os

import typer

from synthfr.errors import UserError
from synthfr.pipeline import layout
from synthfr.pipeline.parameters import load_params


def sample(
    step: str,
    keywords: str,
    seed: int,
    *,
    temperature: float | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
) -> None:
    """Stream a report of `step`'s policy to stdout; the same arguments give the same report.

    What is None is as the step's data set is written (section `synthesize`).
    """
    terms = [term for part in keywords.split(",") if (term := part.strip())]
    if not terms:
        raise UserError('--keywords holds no term: name some, as in --keywords "toux, fièvre".')
    if top_p is not None and not 0 < top_p <= 1:  # NaN passes the option's own limits
        raise UserError(f"--top-p {top_p:g} leaves no token to choose: take more than 0, up to 1.")
    params = load_params()
    if step not in params.steps:
        raise UserError(f"There is no step '{step}': params.yaml knows {', '.join(params.steps)}.")
    os.environ["HF_HUB_OFFLINE"] = "1"

    from synthfr import models, prompts, seeding
    from synthfr.engines import stream

    policy = models.load_policy(layout.BASE, models.adapter_chain(layout.MODELS, step))
    how = params.synthesize
    pieces = stream(
        policy,
        prompts.render(terms, params.prompt.template, params.seed.language),
        seed=seeding.derive(params.random_seed, "sample", seed),
        temperature=how.temperature if temperature is None else temperature,
        top_p=how.top_p if top_p is None else top_p,
        top_k=how.top_k if top_k is None else top_k,
        max_new_tokens=how.max_new_tokens,
    )
    for piece in pieces:
        typer.echo(piece, nl=False)
    typer.echo("")
