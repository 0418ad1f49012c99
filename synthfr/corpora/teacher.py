"""Reports written by a larger model from keywords, to distil from: tables of the user's, or a data
set of the hub.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from synthfr import prompts
from synthfr.corpora import hub_table
from synthfr.corpora.formats import Columns
from synthfr.corpora.hub_table import HubSplit
from synthfr.corpora.reading import FORMATS, missing_column, read_columns, tables_of
from synthfr.disk import digest
from synthfr.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

Column = Literal["report_id", "keywords", "text"]
COLUMNS: tuple[Column, ...] = ("report_id", "keywords", "text")
_FOLDER = "data/public/teacher"


class Teacher(HubSplit):
    """Parameters `sft.teacher`: see the comments in params.yaml."""

    path: Annotated[str, Field(min_length=1)] = _FOLDER
    columns: dict[Column, str] = {}
    list_separator: Annotated[str, Field(min_length=1)] = ","
    share: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @model_validator(mode="after")
    def _one_place(self) -> Teacher:
        if self.repo_id is not None and self.path != _FOLDER:
            raise ValueError(
                f"'repo_id' and 'path' name two places: with a repo_id, leave path at {_FOLDER}"
            )
        return self


ID_PREFIX = "teacher:"  # no report of the public seed is called so


def inputs(params: Teacher) -> list[Path]:
    """What is read for it of our own files: nothing when its share is 0, or when it is a data set
    of the hub, whose commit is among the parameters.
    """
    return [Path(params.path)] if params.share and params.repo_id is None else []


def rows(params: Teacher, template: str, language: str) -> pd.DataFrame | None:
    """The teacher's reports as SFT rows, their prompts rendered like those of the public seed; None
    when its share is 0.

    Without ``report_id``, a report is named by its content, and said twice counts once.
    UserError: naming file, row and remedy; never any text.
    """
    import pandas as pd

    if not params.share:
        return None
    made: dict[str, dict[str, Any]] = {}
    for file, columns in _tables(params):
        given = "report_id" in columns
        for number, cells in enumerate(_records(columns), start=1):
            where = f"{file}, row {number}"
            text, keywords = cells["text"], _keywords(cells["keywords"], params.list_separator)
            if not isinstance(text, str) or not text.strip():
                raise UserError(f"{where}: the text is empty: fill it in or remove the row.")
            if not keywords:
                raise UserError(f"{where}: there are no keywords: give some or remove the row.")
            name = cells["report_id"] if given else digest([keywords, text])[:16]
            report_id = ID_PREFIX + ("" if name is None else str(name).strip())
            if given and (report_id == ID_PREFIX or report_id in made):
                raise UserError(
                    f"{where}: the report_id is empty or another report's: give every report an "
                    "id of its own."
                )
            made[report_id] = {
                "prompt": prompts.render(keywords, template, language),
                "completion": text,
                "keywords": keywords,
            }
    return pd.DataFrame([{"report_id": report_id, **row} for report_id, row in made.items()])


def _tables(params: Teacher) -> Iterator[tuple[Path, Columns]]:
    """Every table under our names, and what it is called in messages."""
    if params.repo_id is not None:
        table = hub_table.read(params, "sft.teacher", params.columns, COLUMNS, COLUMNS[1:])
        yield hub_table.name(params), table.columns
        return
    for file in _files(Path(params.path)):
        yield file, _mapped(file, params)


def _files(path: Path) -> list[Path]:
    """The table itself, or all tables of a folder."""
    if path.is_dir():
        if tables := tables_of(path):
            return tables
        raise UserError(
            f"sft.teacher.path: {path} holds no table ({', '.join(FORMATS)}): put the teacher's "
            "reports there, or set sft.teacher.share to 0."
        )
    if not path.is_file():
        raise UserError(
            f"sft.teacher.path: {path} is not there: correct it, or set sft.teacher.share to 0."
        )
    return [path]


def _mapped(file: Path, params: Teacher) -> Columns:
    """The file's columns under our names."""
    theirs = read_columns(file)
    ours: Columns = {}
    for name in COLUMNS:
        column = dict(params.columns.items()).get(name, name)
        if column in theirs:
            ours[name] = theirs[column]
        elif name in params.columns or name != "report_id":
            raise missing_column(file, column, name, "sft.teacher.columns", list(theirs))
    return ours


def _records(columns: Columns) -> list[dict[str, Any]]:
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _keywords(cell: Any, separator: str) -> list[str]:
    """A list as it is, a text cut at the separator."""
    if cell is None or cell != cell:
        return []
    parts = cell.split(separator) if isinstance(cell, str) else cell
    return [str(part).strip() for part in parts if part is not None and str(part).strip()]
