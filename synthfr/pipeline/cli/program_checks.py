"""What `synth-fr doctor` tells of the programs that params.yaml names: models and engines."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from synthfr import hub
from synthfr.errors import UserError
from synthfr.pipeline import layout, prefetch
from synthfr.pipeline.findings import Finding, Weight
from synthfr.scoring import token_limits

if TYPE_CHECKING:
    from synthfr.pipeline.parameters import Params
    from synthfr.scoring.scores import Score

WRITERS = ("generate", "synthesize")  # sections that name an engine


def installed(package: str) -> str | None:
    """The version of a package, None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def findings(params: Params) -> Iterator[Finding]:
    """Models, and the engines that run them."""
    if params.has("base"):
        yield from _models(params)
    if params.has("score") and params.score.evaluator.kind == "sentence_transformers":
        yield from _text_encoder(params.score)
    engines = {getattr(params, name).engine for name in WRITERS if params.has(name)}
    for engine in engines - {"transformers"}:
        if not any(installed(package) for package in (engine, f"{engine}-cpu")):
            text = f"the engine {engine} is not installed: pip install -e '.[{engine}]'"
            yield Finding("engine", Weight.STOP, text)


def _models(params: Params) -> Iterator[Finding]:
    base = params.base
    if base.source == "local" and base.path and not Path(base.path).is_dir():
        yield Finding("base", Weight.STOP, f"base.path {base.path} is no folder")
    for model in prefetch.wanted(params):
        if model.where == "base.revision" and (layout.BASE.is_dir() or base.allow_download):
            continue
        try:
            prefetch.verify(model)
        except UserError as error:
            yield Finding("models", Weight.STOP, str(error))
        else:
            yield Finding("models", Weight.OK, f"{model.reference} is here and whole")


def _text_encoder(score: Score) -> Iterator[Finding]:
    """Whether the encoder of `score` reads as many tokens of a text as it is asked to."""
    params = score.evaluator.sentence_transformers
    name = params.model or ""
    try:
        folder = hub.resolve(name, f"{token_limits.SECTION}.model")
    except UserError:  # told by `_models`
        return
    try:
        limits = token_limits.TokenLimits.published(folder)
        read = token_limits.tokens_read(
            limits, params.own_limit, params.max_tokens, score.window_tokens, name
        )
    except UserError as error:
        yield Finding("encoder", Weight.STOP, str(error))
    else:
        accepted = "" if read == params.max_tokens else ", its own limit: own_limit is accept"
        text = f"{name} reads {read} tokens of a text (max_tokens {params.max_tokens}{accepted})"
        yield Finding("encoder", Weight.OK, text)
