"""The command line of the privacy gate: ``synth-fr gate``, ``dossier`` and ``verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def gate() -> None:
    """Look at the privacy audits of all that a push would send; status 1 where one failed.

    The hook before `git push` runs it. Before a `dvc push` typed by hand: `synth-fr gate && dvc
    push`.
    """
    from synthfr.pipeline import audited
    from synthfr.pipeline.parameters import load_params

    for note in audited.refuse_push(load_params().privacy.gate.rounds == "refuse"):
        typer.echo(note, err=True)


def dossier(
    step: Annotated[str, typer.Argument(help="Whose data set: base, step0, dpo1, ...")],
    key: Annotated[Path, typer.Option(help="To sign with; `synth-fr key FILE` makes one.")],
    language: Annotated[str, typer.Option(help="fr or en.")] = "fr",
    out: Annotated[
        Path | None, typer.Option(help="Default: dossier-STEP-LANGUAGE.html here.")
    ] = None,
) -> None:
    """Write a signed privacy dossier of a step for the data-protection officer: FILE, FILE.dsse."""
    from synthfr.pipeline.cli import dossiers

    dossiers.write(step, language, key, out or Path(f"dossier-{step}-{language}.html"))


def verify(
    file: Annotated[Path, typer.Argument(metavar="DOSSIER", help="FILE.dsse lies beside it.")],
    key: Annotated[Path, typer.Option(help="The signer's public key, FILE.pub.")],
) -> None:
    """Tell whether a dossier is the one that was signed; needs no checkout and no network."""
    from synthfr.publishing import dossier

    dossier.verify(file, key)
    typer.echo(f"{file} is what the owner of {key} signed.")
