"""``synth-fr init``: the user's files, columns, language and base become params.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from synthfr.errors import UserError
from synthfr.pipeline import own_data
from synthfr.pipeline.column_guess import OURS, Side
from synthfr.pipeline.own_data import Choice, Source
from synthfr.pipeline.parameters import load_params
from synthfr.pipeline.profiles import EMBEDDED
from synthfr.redact import failure, private_stage

PARAMS = Path("params.yaml")
SIDES: tuple[Side, ...] = ("public", "private", "codes")
_WHAT: Mapping[Side, str] = {
    "public": "File with reports that may be shared",
    "private": "File with private reports",
    "codes": "Code list (empty: the language's own, or what lies in data/public/codes)",
}


def run(
    files: Mapping[Side, Path | None],
    language: str | None,
    base: str | None,
    columns: Sequence[str],
    *,
    ask: bool,
    force: bool,
) -> None:
    """Write the parameters, and tell what was guessed and what was scaled.

    What is not told and stands in the parameters already (an earlier ``init``, a profile) stays.
    """
    if not force:
        own_data.refuse_changed(PARAMS)
    now = load_params(PARAMS)
    former = {side: own_data.former_file(now, side) for side in SIDES}
    files = {side: _file(side, files[side], former[side], ask) for side in SIDES}
    language = language or (
        typer.prompt("Language of the reports", default=now.seed.language)
        if ask
        else now.seed.language
    )
    own_data.check_language(language)
    base = base or (
        typer.prompt(
            "Base: tiny, a folder, or owner/name@commit", default=own_data.base_word(now.base)
        )
        if ask
        else own_data.base_word(now.base)
    )
    own_data.base_settings(base)  # else wrong answers are told after a minute
    try:
        with private_stage():
            told = own_data.told_columns(columns, files)
            for side in told:
                if files[side] == former[side]:
                    told[side] = {**own_data.former_columns(now, side), **told[side]}
            sources = [
                _source(path, side, language, told[side], ask)
                for side in SIDES
                if (path := files[side]) is not None
            ]
            own_data.write(PARAMS, Choice(sources, language, base))
            typer.echo(f"params.yaml is written; as it was: {own_data.BACKUP}.")
            _scale()
    except (UserError, typer.Abort):
        raise
    except Exception as error:  # its message may quote a report
        typer.echo(f"synth-fr init: an error that was not foreseen: {failure(error)}", err=True)
        raise typer.Exit(1) from None
    _tell_base(base)


def _file(side: Side, given: Path | None, former: Path | None, ask: bool) -> Path | None:
    if given is None and ask:
        default = str(former) if former else "" if side == "codes" else None
        answer = typer.prompt(_WHAT[side], default=default)
        given = Path(answer).expanduser() if answer else None
    given = given or former
    if given is None and side != "codes":
        raise UserError(f"--{side} is wanted: name the file with the {side} reports.")
    return given


def _source(path: Path, side: Side, language: str, told: dict[str, str], ask: bool) -> Source:
    """The file with its columns, as far as nobody has told them confirmed or asked for."""
    source = own_data.look(path, side, language, told)
    if source.columns:
        typer.echo(f"{side}: {path}, {len(source.names)} columns")
    for ours, theirs in source.columns.items():
        typer.echo(f"  {ours:<12} column '{theirs}'{'' if ours in told else ' (guessed)'}")
    if ask and source.columns and not typer.confirm("  Is that right?", default=True):
        source = own_data.look(path, side, language, _asked(source))
    for ours in source.missing:
        if not ask:
            raise UserError(
                f"{path}: no column was recognised as {ours}: name it with --columns "
                f"{side}.{ours}=NAME."
            )
        told = {**source.columns, ours: _column(source, ours, needed=True)}
        source = own_data.look(path, side, language, told)
    return source


def _asked(source: Source) -> dict[str, str]:
    """Every column, asked for one by one; an empty answer leaves one out."""
    answers = {ours: _column(source, ours, needed=False) for ours in OURS[source.side]}
    return {ours: theirs for ours, theirs in answers.items() if theirs}


def _column(source: Source, ours: str, *, needed: bool) -> str:
    default = source.columns.get(ours) or (None if needed else "")
    while True:
        theirs: str = typer.prompt(
            f"  Column of the {source.side} file for {ours}", default=default
        )
        if theirs in source.names or (not theirs and not needed):
            return theirs
        typer.echo("  There is no such column.")


def _scale() -> None:
    """Fit the values to the data; where the files have mistakes, `check-data` tells them all."""
    typer.echo("Reading the files, and measuring them against the base (a minute or so) ...")
    try:
        done = own_data.scale(PARAMS)
    except UserError as error:
        typer.echo(f"No value was fitted to the data: {error}")
        typer.echo("Next: synth-fr check-data (all that is wrong), then synth-fr init --force")
        return
    for one in done.changed:
        typer.echo(f"  {one.name}: {one.before} -> {one.after}: {one.why}")
    for text in done.stops:
        typer.echo(f"  to mend: {text}")
    typer.echo("Next: synth-fr check-data, then dvc repro")


def _tell_base(base: str) -> None:
    if base == own_data.TINY:
        typer.echo("The tiny base tries the road; it cannot write real medicine.")
        return
    if "@" in base:
        typer.echo("Where there is a network, first: synth-fr prefetch")
    if load_params(PARAMS).tracking.profile == EMBEDDED:
        typer.echo(
            "Learning rates, batches and engine are still those of the tiny base: `synth-fr "
            "profile list` names sets for real ones; apply one, then synth-fr init --force."
        )
