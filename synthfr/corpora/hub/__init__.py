"""Source ``hub``: public reports, and the code list where one is named, of data sets of the Hugging
Face hub; all else, the private reports above all, of the user's own files (`seed.files`).

A private side never comes from a hub. What is wrong with either is told as for files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthfr.corpora import files, hub_table
from synthfr.corpora.corpus import Corpus
from synthfr.corpora.files.code_list import CodeRows
from synthfr.corpora.files.reports import COLUMNS, Reports, checked, required
from synthfr.corpora.problems import UserErrors, sentences
from synthfr.errors import UserError

if TYPE_CHECKING:
    from synthfr.corpora import Seed

_CODE_COLUMNS = ("code", "label", "synonyms")


def corpus(params: Seed, random_seed: int) -> Corpus:
    """The hub's public reports and the user's private ones, these split by patient.

    Raises:
        UserErrors: with everything that is wrong; never any text of a report.
    """
    reading = read(params, random_seed)
    if reading.corpus is None:
        raise UserErrors(reading.problems)
    return reading.corpus


def read(params: Seed, random_seed: int) -> files.Reading:
    """Read the data sets and the files, and find all that is wrong with each and between them."""
    own_list = params.hub.codes.repo_id is not None
    return files.read(
        params, random_seed, _public(params), (lambda: _codes(params)) if own_list else None
    )


def _public(params: Seed) -> Reports:
    source = params.hub.public
    path = hub_table.name(source)
    try:
        table = hub_table.read(
            source, "seed.hub.public", source.columns, COLUMNS, required("public")
        )
    except UserError as error:
        return Reports(path, None, sentences(error))
    return checked(path, table, "public", params.language, params.files.list_separator)


def _codes(params: Seed) -> CodeRows:
    source = params.hub.codes
    table = hub_table.read(
        source, "seed.hub.codes", source.columns, _CODE_COLUMNS, _CODE_COLUMNS[:2]
    )
    return CodeRows(str(hub_table.name(source)), table.columns)
