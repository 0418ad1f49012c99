"""One side's reports from one file: the good rows, and all that is wrong with the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from synthfr.corpora import cells
from synthfr.corpora.files.sections import FileSource
from synthfr.corpora.formats import FileTable
from synthfr.corpora.problems import UserErrors, places, sentences
from synthfr.corpora.reading import FORMATS, missing_column, only_table, read_file
from synthfr.errors import UserError
from synthfr.text.language_names import known_languages

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("report_id", "text", "codes", "keywords", "language", "patient_id")
_MISREAD = ("Ã©", "Ã¨", "Ã\xa0", "â€™", "Ð°", "\ufffd")  # UTF-8 read as another encoding


@dataclass(frozen=True)
class Reports:
    """What was read of one side.

    `frame` is a REPORTS table of the rows without a mistake, its index the row's number in the file
    (from 1); without a column of theirs, codes and keywords are empty. None: nothing could be read.
    """

    path: Path | None
    frame: pd.DataFrame | None
    problems: tuple[str, ...] = ()  # each stops a run
    notes: tuple[str, ...] = ()

    def ids(self) -> dict[int, str]:
        """Row number to report_id."""
        if self.frame is None:
            return {}
        return dict(zip(map(int, self.frame.index), self.frame["report_id"], strict=True))


def read_reports(
    source: FileSource,
    side: Literal["public", "private"],
    language: str,
    list_separator: str,
) -> Reports:
    """Read one side's file; whatever is wrong is among the problems, all kinds at once.

    A private side must have codes. A message repeats nothing of the file but cut ids.
    """
    setting = f"seed.files.{side}"
    if source.path is None:
        told = f"{setting}.path is not set: name the file with the {side} reports."
        return Reports(None, None, (told,))
    path = Path(source.path)
    try:
        found = only_table(path, setting)
        if found is None:
            raise UserError(
                f"{setting}.path: the folder {path} holds no table ({', '.join(FORMATS)}): put all "
                "reports of this side there, or name the file."
            )
        path = found
        table = _mapped(source, path, setting, required(side))
    except UserError as error:
        return Reports(path, None, sentences(error))
    return checked(path, table, side, language, list_separator)


def required(side: Literal["public", "private"]) -> tuple[str, ...]:
    """The columns that a side's table must have, by our names."""
    return ("report_id", "text", *(["codes"] if side == "private" else []))


def _mapped(source: FileSource, path: Path, setting: str, required: Sequence[str]) -> FileTable:
    """The file with its columns under our names; UserErrors with all that are missing."""
    mapping: dict[str, str] = dict(source.columns.items())
    theirs = {name: mapping.get(name, name) for name in COLUMNS}
    table = read_file(path, set(theirs.values()))
    missing = [
        str(missing_column(path, column, name, f"{setting}.columns", table.names))
        for name, column in theirs.items()
        if column not in table.columns and (name in mapping or name in required)
    ]
    if missing:
        raise UserErrors([*table.problems, *(missing if table.names else [])])
    ours = {name: table.columns[own] for name, own in theirs.items() if own in table.columns}
    return replace(table, columns=ours)


@dataclass
class _Mistakes:
    """Gathers rows by the kind of mistake. A row is named by its place in the columns, from 1, and
    told by its number in the file.
    """

    path: Path
    numbers: Sequence[int]
    ids: Mapping[int, str]  # by place
    told: list[str] = field(default_factory=list)
    rows: set[int] = field(default_factory=set)  # that have any

    def add(
        self, rows: Iterable[int], what: str, remedy: str, notes: Mapping[int, str] | None = None
    ) -> None:
        if found := list(rows):
            self.told.append(f"{self.path}, {self.where(found, notes)}: {what}: {remedy}")
            self.rows |= set(found)

    def where(self, rows: Sequence[int], notes: Mapping[int, str] | None = None) -> str:
        """The rows as they are told."""
        number = {row: self.numbers[row - 1] for row in rows}
        ids = {number[row]: self.ids[row] for row in rows}
        about = {number[row]: note for row, note in (notes or {}).items()}
        return places(list(number.values()), ids, about)


def checked(path: Path, read: FileTable, side: str, language: str, list_separator: str) -> Reports:
    """One side's reports from a table with our names of columns, which `path` names in messages."""
    import pandas as pd

    columns = read.columns
    ids = {row: cells.identity(cell) for row, cell in enumerate(columns["report_id"], start=1)}
    mistakes = _Mistakes(path, read.rows, ids, list(read.problems))
    _check_ids(ids, mistakes)
    texts = columns["text"]
    _check_texts(texts, mistakes)
    nothing = [None] * len(ids)
    table: dict[str, list[Any]] = {"report_id": list(ids.values()), "text": texts}
    table["codes"] = _codes(columns.get("codes", nothing), list_separator, mistakes)
    table["keywords"] = _keywords(columns.get("keywords", nothing), list_separator, mistakes)
    table["language"] = _languages(columns.get("language", nothing), language, mistakes)
    if "patient_id" in columns:
        table["patient_id"] = [cells.identity(cell) for cell in columns["patient_id"]]
        mistakes.add(
            (row for row, patient in enumerate(table["patient_id"], 1) if not patient),
            "the patient is missing",
            "fill in the patient's id, or map no patient_id at all (the split is then by report).",
        )
    good = [row for row in ids if row not in mistakes.rows]
    problems = [*mistakes.told, *_of_all(path, table, side, good)]
    frame = pd.DataFrame(
        {name: [column[row - 1] for row in good] for name, column in table.items()},
        index=[read.rows[row - 1] for row in good],
    )
    notes = tuple(_misread(texts, good, mistakes))
    return Reports(path, frame, tuple(problems), notes)


def _check_ids(ids: Mapping[int, str], mistakes: _Mistakes) -> None:
    mistakes.add(
        (row for row, one in ids.items() if not one),
        "the report has no id",
        "give every report one of its own.",
    )
    first: dict[str, int] = {}
    repeated = {
        row: f"as in row {mistakes.numbers[first[one] - 1]}"
        for row, one in ids.items()
        if one and first.setdefault(one, row) != row
    }
    mistakes.add(
        repeated,
        "the report_id is that of an earlier row",
        "give every report an id of its own, or map report_id to the column that holds ids.",
        repeated,
    )


def _check_texts(texts: Sequence[Any], mistakes: _Mistakes) -> None:
    def rows(wrong: Callable[[Any], bool]) -> list[int]:
        return [row for row, text in enumerate(texts, start=1) if wrong(text)]

    mistakes.add(
        rows(lambda text: not text.strip() if isinstance(text, str) else cells.is_missing(text)),
        "the text is empty",
        "fill it in or remove the row.",
    )
    mistakes.add(
        rows(lambda text: not isinstance(text, str) and not cells.is_missing(text)),
        "the text is no text but a number, a list or an object",
        "map text to the column that holds the reports.",
    )


def _codes(column: Sequence[Any], separator: str, mistakes: _Mistakes) -> list[list[str]]:
    found: list[list[str]] = []
    unread: list[int] = []
    wrong: dict[int, str] = {}
    for row, cell in enumerate(column, start=1):
        try:
            codes, misread = cells.codes(cell, separator)
        except TypeError:
            codes, misread = [], []
            unread.append(row)
        found.append(codes)
        if misread:
            wrong[row] = f"item {misread[0]}"
    mistakes.add(
        wrong,
        "an item of its codes is not an ICD-10 code",
        "write codes as I10 or E11.9, and set seed.files.list_separator to what stands between "
        "them.",
        wrong,
    )
    _add_no_list(unread, "codes", mistakes)
    return found


def _keywords(column: Sequence[Any], separator: str, mistakes: _Mistakes) -> list[list[str]]:
    found: list[list[str]] = []
    unread: list[int] = []
    for row, cell in enumerate(column, start=1):
        try:
            found.append(cells.keywords(cell, separator))
        except TypeError:
            found.append([])
            unread.append(row)
    _add_no_list(unread, "keywords", mistakes)
    return found


def _add_no_list(rows: Sequence[int], name: str, mistakes: _Mistakes) -> None:
    mistakes.add(
        rows,
        f"its {name} are {cells.NO_LIST}",
        "write a list, or one text with seed.files.list_separator between the items.",
    )


def _languages(column: Sequence[Any], default: str, mistakes: _Mistakes) -> list[str]:
    read = [
        default
        if cells.is_missing(cell) or not cell
        else cell.strip().lower() or default
        if isinstance(cell, str)
        else ""
        for cell in column
    ]
    known = known_languages()
    mistakes.add(
        (row for row, own in enumerate(read, 1) if own not in known and own != default),
        f"its language is none of those known ({', '.join(known)})",
        "correct it, leave it empty for seed.language, or map no language column.",
    )
    return read


def _of_all(
    path: Path, table: Mapping[str, Sequence[Any]], side: str, good: Sequence[int]
) -> list[str]:
    """What is wrong with no row, but with all of them together."""
    told = []
    if len(good) > 1 and len({table["text"][row - 1].strip() for row in good}) == 1:
        told.append(
            f"{path}: all {len(good)} texts are equal: map text to the column that holds the "
            "reports."
        )
    if side == "private" and good and not any(table["codes"][row - 1] for row in good):
        told.append(
            f"{path}: no report has a code, and without codes no coder can be trained or compared: "
            "map codes to the column that holds them, or fill it in."
        )
    return told


def _misread(texts: Sequence[str], good: Sequence[int], mistakes: _Mistakes) -> Iterable[str]:
    rows = [row for row in good if any(sign in texts[row - 1] for sign in _MISREAD)]
    if rows:
        yield (
            f"{mistakes.path}, {mistakes.where(rows)}: letters look misread (as in 'Ã©' for 'é', "
            "or '\ufffd'): export the file anew as UTF-8; as it is, its reports teach these signs."
        )
