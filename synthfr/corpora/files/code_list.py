"""The list of ICD-10 codes with labels and synonyms: the language's own table, or a file.

Labels only: a bare code among the synonyms is dropped, so that a string such as "à 87" in a report
never counts as the code A87.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr import icd10, text
from synthfr.corpora.reading import FORMATS, missing_column, read_columns
from synthfr.errors import UserError
from synthfr.text.language_resources import CodeTable

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.corpora.files import FileSource


def code_list(source: FileSource, language: str, list_separator: str) -> pd.DataFrame:
    """A CODES table: from the user's file, or the one file of the user's folder; without a file,
    the list that the language's resources name.

    Codes without a label are left out: they cannot be found in a text.
    """
    if (file := _file(source)) is not None:
        return _from_file(file, source.columns, list_separator)
    table = text.language(language).code_table
    if table is None:
        raise UserError(
            f"No full ICD-10 list comes with language '{language}': name a file with code and "
            "label columns in seed.files.codes.path."
        )
    return _from_distribution(table)


def _file(source: FileSource) -> Path | None:
    """The user's code list, None where there is none: no path, or a folder without a table."""
    if source.path is None:
        return None
    path = Path(source.path)
    if not path.is_dir():
        return path
    tables = sorted(file for file in path.iterdir() if file.suffix.lower() in FORMATS)
    if len(tables) > 1:
        raise UserError(
            f"seed.files.codes.path: {path} holds {len(tables)} tables: leave one code list there, "
            "or name the file."
        )
    return tables[0] if tables else None


def _from_file(path: Path, columns: dict[Any, str], list_separator: str) -> pd.DataFrame:
    theirs = read_columns(path)
    for name in ("code", "label"):
        if columns.get(name, name) not in theirs:
            raise missing_column(
                path, columns.get(name, name), name, "seed.files.codes.columns", list(theirs)
            )
    codes, labels = (theirs[columns.get(name, name)] for name in ("code", "label"))
    synonyms = theirs.get(columns.get("synonyms", "synonyms"), [None] * len(codes))
    rows = []
    for row, (code, label, others) in enumerate(zip(codes, labels, synonyms, strict=True)):
        if isinstance(others, str):
            others = others.split(list_separator)
        rows.append((f"{path}, row {row + 1}", str(code or ""), [label, *(others or ())]))
    return _table(rows, str(path))


def _from_distribution(table: CodeTable) -> pd.DataFrame:
    """Read the table out of an installed distribution, without importing (and so running) it."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        path = Path(str(distribution(table.distribution).locate_file(table.resource)))
        content = gzip.decompress(path.read_bytes())
    except (PackageNotFoundError, OSError):
        raise UserError(
            f"The ICD-10 list of {table.distribution} is not installed: `pip install "
            f"'synthfr[{table.extra}]'`, or name a file of your own in seed.files.codes.path."
        ) from None
    reader = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))
    where = f"{table.distribution} {table.resource}"
    return _table(
        (
            (f"{where}, row {row}", entry[table.code], [entry[name] for name in table.labels])
            for row, entry in enumerate(reader, start=1)
        ),
        where,
    )


def _table(rows: Iterable[tuple[str, str, list[Any]]], name: str) -> pd.DataFrame:
    """CODES from (place, code, names), the first name being the label."""
    import pandas as pd

    labels: dict[str, list[str]] = {}
    for where, code, names in rows:
        try:
            code = icd10.normalise_code(code)
        except UserError:
            raise UserError(
                f"{where}: its code is not an ICD-10 code: correct it or remove the row."
            ) from None
        if code in labels:
            raise UserError(
                f"{where}: the code {code} is there twice: keep one row, with further names in a "
                "synonyms column."
            )
        label, *synonyms = (str(name or "").strip() for name in names)
        if label:
            labels[code] = _distinct([label, *synonyms])
    table = pd.DataFrame(
        [
            {"code": code, "label": names[0], "synonyms": names}
            for code, names in sorted(labels.items())
        ],
        columns=["code", "label", "synonyms"],
    )
    if table.empty:
        raise UserError(f"{name}: no code has a label: map 'label' in seed.files.codes.columns.")
    return table


def _distinct(names: list[str]) -> list[str]:
    """Names that differ in normal form and number, without bare codes; the label always stays."""
    kept: dict[tuple[str, ...], str] = {}
    for place, name in enumerate(names):
        if place == 0 or (name and not icd10.is_code(name)):
            kept.setdefault((text.normalise(name), *filter(str.isdigit, name)), name)
    return list(kept.values())
