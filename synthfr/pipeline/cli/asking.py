"""``synth-fr bundle``, ``accept`` and ``outside``: the side that has no private documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from synthfr import signing
from synthfr.disk import atomic_path
from synthfr.pipeline import exchange as asked
from synthfr.pipeline import layout
from synthfr.pipeline import outside as graph
from synthfr.pipeline.parameters import load_params
from synthfr.sites import evaluation, exchanges
from synthfr.sites.coders import by_seed
from synthfr.sites.exchanges import Exchange


def outside() -> None:
    """Rewrite dvc.yaml, and say which stages changed."""
    changed = graph.rewrite()
    if not changed:
        typer.echo("dvc.yaml has no private stage: it is already that of a clone outside.")
        return
    typer.echo(f"dvc.yaml: answers stand for {', '.join(changed)} now. Commit it in this clone.")


def ask(exchange: Exchange, item: str | None, out: Path, key: Path, site: str | None) -> None:
    """Write a question as a bundle, and say what is in it."""
    params = load_params()
    question = asked.question(exchange, item, params, site)
    if exchange == "evaluation":
        trained = params.train_coder if params.has("train_coder") else None
        evaluation.check_coders(question, trained, params.classify, params.random_seed)
        if params.train_coder.seeds and not question.coders:
            typer.echo(
                f"The step's kept coders are not asked about: {site} let out no code of some label "
                "that they have.",
                err=True,
            )
    data = exchanges.ask(question, key)
    with atomic_path(out) as partial:
        partial.write_bytes(data)
    rows = ", ".join(f"{name} {len(frame)}" for name, frame in question.tables.items())
    kept = f", with {n} kept coders" if (n := len(by_seed(question.coders))) else ""
    typer.echo(
        f"{out}: {question.name}, rows: {rows}{kept}. Send it with {signing.public_half(key)}."
    )


def accept(bundles: Sequence[Path], senders: Sequence[Path]) -> None:
    """Put answers in place, one after the other; the first that is refused ends it."""
    params = load_params()
    for path in bundles:
        new = asked.accept(path, senders, params)
        place = layout.answers(new.manifest.exchange, new.manifest.item)
        typer.echo(f"{path}: the answer of {new.site} is in {place}.")
    typer.echo(f"Commit {layout.EXCHANGE}, and go on with `dvc repro`.")
