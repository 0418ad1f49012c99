"""Codes and code sets of the user's own, to ask for in a step's data set."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from synthfr.corpora import cells
from synthfr.corpora.problems import UserErrors
from synthfr.corpora.reading import missing_column, read_file
from synthfr.errors import UserError
from synthfr.section import NOTHING_TO_WATCH, Section

_Column = Annotated[str, Field(min_length=1)]
_SEPARATOR = ","  # of the codes in a text cell; other signs are understood
_FORM = "it as in I10 or E11.9, commas between several"


class CodeFile(Section):
    """A table of codes (Parquet, CSV, TSV or JSONL); None: there is none."""

    path: Annotated[str, Field(min_length=1)] | None = None
    watch: str = NOTHING_TO_WATCH


class CodeListFile(CodeFile):
    """Parameters `synthesize.code_list`: see the comments in params.yaml."""

    column: _Column = "code"


class CodeSetFile(CodeFile):
    """Parameters `synthesize.given`: see the comments in params.yaml."""

    column: _Column = "codes"


def listed_codes(file: CodeListFile, known: Collection[str]) -> list[str]:
    """The distinct codes of a list, sorted.

    Args:
        file: the list: one code a row, repeats allowed.
        known: the codes that have names.

    Raises:
        UserError: naming file, row and remedy; never a cell.
    """
    found: set[str] = set()
    for where, codes in _rows(file, "code", "synthesize.code_list", known):
        if len(codes) > 1:
            raise UserError(
                f"{where}: {len(codes)} codes in a list of single ones: give each a row of its own."
            )
        found.update(codes)
    return sorted(found)


def given_code_sets(file: CodeSetFile, known: Collection[str], max_codes: int) -> list[list[str]]:
    """The code sets of a file, in its order: each row's distinct codes, in theirs.

    Args:
        file: one set a row: a list, or a text with signs between the codes.
        known: the codes that have names.
        max_codes: of a set.

    Raises:
        UserError: naming file, row and remedy; never a cell.
    """
    sets = []
    for where, codes in _rows(file, "codes", "synthesize.given", known):
        if len(codes) > max_codes:
            raise UserError(
                f"{where}: {len(codes)} codes, and synthesize.max_codes is {max_codes}: raise it, "
                "or shorten the row."
            )
        sets.append(codes)
    return sets


def _rows(
    file: CodeListFile | CodeSetFile, name: str, setting: str, known: Collection[str]
) -> Iterator[tuple[str, list[str]]]:
    """Where each row is, and its codes, normalised; at least one."""
    path = Path(file.path or "")
    if not path.is_file():
        raise UserError(f"{setting}.path: there is no file {path}: correct it.")
    table = read_file(path, {file.column})
    if table.problems:
        raise UserErrors(table.problems)
    if file.column not in table.columns:
        raise missing_column(path, file.column, name, f"{setting}.column", table.names)
    for number, cell in zip(table.rows, table.columns[file.column], strict=True):
        where = f"{path}, row {number}"
        try:
            codes, wrong = cells.codes(cell, _SEPARATOR)
        except TypeError:
            raise UserError(f"{where}: the cell is {cells.NO_LIST}: write {_FORM}.") from None
        if wrong:
            raise UserError(f"{where}: item {wrong[0]} is no ICD-10 code: write {_FORM}.")
        if unknown := [at for at, code in enumerate(codes, start=1) if code not in known]:
            raise UserError(
                f"{where}: code {unknown[0]} is not in the code table, so that it has no name: "
                "correct it, or add it to the code list (seed.files.codes)."
            )
        if not codes:
            raise UserError(f"{where}: there is no code: give one, or remove the row.")
        yield where, codes
