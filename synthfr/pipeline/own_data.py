"""Parameters for the user's own data: files and columns, language, base, and values that the demo's
size does not suit.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthfr import corpora, hub
from synthfr.corpora.files.sections import FileSource
from synthfr.corpora.reading import read_columns
from synthfr.disk import read_yaml
from synthfr.errors import UserError
from synthfr.models.base import Base
from synthfr.pipeline import layout, private_files, profiles
from synthfr.pipeline.column_guess import NEEDED, OURS, Side, guess, list_separator
from synthfr.pipeline.data_fit import fits
from synthfr.pipeline.findings import Weight
from synthfr.pipeline.parameters import Params, parse
from synthfr.pipeline.profiles import EMBEDDED, Whole
from synthfr.text.language_names import known_languages

TINY = "tiny"
BACKUP = "params.yaml.before-init"
# a report that stays empty is left out: so many more are written than the largest size asks for
SPARE = 1.2
PASSES = 2  # a value that stops a run hides what would be seen after it


@dataclass(frozen=True)
class Source:
    """A file of the user's. `names`: its columns, in order; `columns`: ours -> theirs."""

    side: Side
    path: Path
    names: tuple[str, ...]
    columns: Mapping[str, str]
    separator: str | None  # between the codes of one cell, where that can be seen

    @property
    def missing(self) -> list[str]:
        """What must be mapped, and is not."""
        return [name for name in NEEDED[self.side] if name not in self.columns]


@dataclass(frozen=True)
class Choice:
    """What the user told. `base`: ``tiny``, a folder, or ``owner/name@commit``."""

    sources: Sequence[Source]
    language: str
    base: str

    def settings(self) -> dict[str, Any]:
        """As values of parameters, by dotted name."""
        made: dict[str, Any] = {"seed.source": "files", "seed.language": self.language}
        for source in self.sources:
            name = f"seed.files.{source.side}"
            renamed = {ours: theirs for ours, theirs in source.columns.items() if ours != theirs}
            made |= {f"{name}.path": str(source.path), f"{name}.columns": Whole(renamed)}
            if source.side == "private" and source.separator:
                made["seed.files.list_separator"] = source.separator
        return made | base_settings(self.base)


@dataclass(frozen=True)
class Changed:
    """A value that was scaled to the data, and why."""

    name: str
    before: Any
    after: Any
    why: str


@dataclass(frozen=True)
class Scaled:
    """What `scale` did, and what stops a run that no value mends."""

    changed: tuple[Changed, ...]
    stops: tuple[str, ...]


def look(path: Path, side: Side, language: str, told: Mapping[str, str]) -> Source:
    """The file, and what its columns probably are; `told` (ours -> theirs) is no guess.

    Raises:
        UserError: if the file cannot be read, or has no column of a name that was told.
    """
    columns = read_columns(path)
    for ours, theirs in told.items():
        if ours not in OURS[side]:
            raise UserError(
                f"--columns: '{ours}' is no column of the {side} side: choose one of "
                f"{', '.join(OURS[side])}."
            )
        if theirs not in columns:
            raise UserError(f"--columns: {path} has no column '{theirs}' for {ours}: correct it.")
    free = {name: cells for name, cells in columns.items() if name not in told.values()}
    guessed = {
        ours: theirs for ours, theirs in guess(free, side, language).items() if ours not in told
    }
    mapped = {ours: {**guessed, **told}[ours] for ours in OURS[side] if ours in {**guessed, **told}}
    coded = columns.get(mapped.get("codes", ""), [])
    return Source(side, path, tuple(columns), mapped, list_separator(coded))


def told_columns(
    told: Sequence[str], files: Mapping[Side, Path | None]
) -> dict[Side, dict[str, str]]:
    """What ``ours=theirs`` and ``private.ours=theirs`` say of each file.

    One without a side holds for every file that has such a column. One that holds for none is a
    UserError.
    """
    there = {side: path for side, path in files.items() if path is not None}
    names = {side: set(read_columns(path)) for side, path in there.items()} if told else {}
    found: dict[Side, dict[str, str]] = {side: {} for side in there}
    for one in told:
        ours, equals, theirs = one.partition("=")
        place, _, name = ours.rpartition(".")
        if not (equals and theirs) or place not in ("", *there):
            raise UserError(
                f"--columns: '{one}' is not ours=theirs, such as text=letter, or "
                "private.text=letter for one of the files that are named."
            )
        meant = [
            side
            for side in there
            if place == side or (not place and name in OURS[side] and theirs in names[side])
        ]
        if not meant:
            raise UserError(f"--columns: '{one}': no file has such a column: correct it.")
        for side in meant:
            found[side][name] = theirs
    return found


def former_file(params: Params, side: Side) -> Path | None:
    """The file of a side that the parameters name; None for the demo's parameters, a folder, and a
    file that is not there any more.
    """
    path = _table(params, side).path
    if params.seed.source != "files" or path is None:
        return None
    return Path(path) if Path(path).is_file() else None


def former_columns(params: Params, side: Side) -> dict[str, str]:
    """Of the columns (ours -> theirs) that the parameters map for `former_file`, those it has."""
    path = former_file(params, side)
    names = read_columns(path) if path else {}
    mapped = _table(params, side).columns.items()
    return {ours: theirs for ours, theirs in mapped if theirs in names}


def _table(params: Params, side: Side) -> FileSource:
    files = params.seed.files
    return {"public": files.public, "private": files.private, "codes": files.codes}[side]


def base_word(base: Base) -> str:
    """The word for a base of the parameters: what `base_settings` takes apart."""
    if base.source == "tiny":
        return TINY
    return base.path or "" if base.source == "local" else f"{base.repo_id}@{base.revision}"


def base_settings(base: str) -> dict[str, Any]:
    """The values of the section `base` that a word stands for: ``tiny``, a folder, or
    ``owner/name@commit``; anything else is a UserError.
    """
    own: dict[str, Any] = {"base.path": None, "base.repo_id": None, "base.revision": None}
    if base == TINY:
        return {"base.source": TINY, **own}
    found = hub.parse(base, "--base")
    if isinstance(found, Path):
        return {**own, "base.source": "local", "base.path": base}
    told = {"base.repo_id": found.repo_id, "base.revision": found.revision}
    return {**own, "base.source": "hub", **told}


def refuse_changed(params: Path) -> None:
    """UserError if the parameter file holds changes that its repository does not know."""
    asked = subprocess.run(
        ["git", "status", "--porcelain", "--", params.name],
        cwd=params.resolve().parent, capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    if asked.returncode == 0 and asked.stdout.strip():
        raise UserError(
            f"{params} holds changes of yours (git diff {params}): commit them, or let `synth-fr "
            f"init --force` write over them; what they were is then kept in {BACKUP}."
        )


def write(params: Path, choice: Choice) -> None:
    """Lay the user's choice over the parameter file; a copy of it stays beside it.

    Raises:
        UserError: for parameters that are not valid, and for private reports where git would take
            them; nothing is written then.
    """
    overlay = profiles.nested(choice.settings())
    data = read_yaml(params)
    profiles.overlay_on(data, overlay)
    private_files.refuse_exposed(parse(data, str(params)).seed, layout.PRIVATE)
    shutil.copyfile(params, params.with_name(BACKUP))
    profiles.write(params, overlay)


def scale(params_path: Path) -> Scaled:
    """Set what the data and the base ask for in the parameter file, by `data_fit`.

    Raises:
        UserError: for what is wrong with the user's files; no value is changed then.
    """
    data = read_yaml(params_path)
    params = parse(data, str(params_path))
    corpus = corpora.load(params.seed, params.random_seed)
    changed: dict[str, Changed] = {}
    for _ in range(PASSES):
        found = list(fits(corpus, params))
        for one in found:
            for name, after in one.settings.items():
                changed[name] = Changed(name, _value(params, name), after, one.finding.text)
        params = _with(data, changed, params_path)
        stops = [one for one in found if one.finding.weight == Weight.STOP]
        if not any(one.settings for one in stops):
            break
    changed |= {fewer.name: fewer for fewer in _fewer_reports(params)}
    _with(data, changed, params_path)
    profiles.write(params_path, _overlay(changed))
    return Scaled(
        tuple(changed.values()), tuple(one.finding.text for one in stops if not one.settings)
    )


def _with(data: dict[str, Any], changed: Mapping[str, Changed], where: Path) -> Params:
    profiles.overlay_on(data, _overlay(changed))
    return parse(data, str(where))


def _overlay(changed: Mapping[str, Changed]) -> dict[str, Any]:
    return profiles.nested({name: one.after for name, one in changed.items()})


def _value(params: Params, name: str) -> Any:
    value: Any = params
    for part in name.split("."):
        value = value[part] if isinstance(value, Mapping) else getattr(value, part)
    return value


def _fewer_reports(params: Params) -> Iterator[Changed]:
    """A data set of the demo's size is more than small sizes use."""
    largest, now = max(params.classify.sizes), params.synthesize.reports
    wanted = round(largest * SPARE)
    if params.tracking.profile == EMBEDDED and wanted < now:
        why = (
            f"the largest of classify.sizes is {largest}, and a report that stays empty is left out"
        )
        yield Changed("synthesize.reports", now, wanted, why)


def check_language(language: str) -> str:
    """The language, if there are resources for it."""
    if language not in known_languages():
        raise UserError(
            f"--language: there are no resources for '{language}': choose one of "
            f"{', '.join(known_languages())}, or add a file to synthfr/text/languages."
        )
    return language
