"""The gate in the wall: what may leave the private side after scoring, and nothing else.

Each check returns the table unchanged, if and only if it may leave. Its columns are those of its
schema, its ids those of the public candidates, so that no id can carry text, and its rows are
sorted by them, so that no order can carry a rank. Anything else is NotReleasable, whose message
names columns, never values.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synthfr.records import ORDERS, SCORES, Table

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.preferences import Pair
    from synthfr.scoring.scores import Score


class NotReleasable(Exception):
    """A table holds something other than public ids and what may be told of them: a fault of the
    program, never of the user.
    """


@dataclass(frozen=True)
class Books:
    """What a release with noise is made and paid with.

    Attributes:
        round_name: that its answer is written down under.
        secret_file: the hospital's; its ledger lies beside it.
        known_entries: of the ledger, as far as earlier releases tell (`ledger.charge`).
        patients_known: whether any private document says whom it is about.
    """

    round_name: str
    secret_file: Path
    known_entries: int
    patients_known: bool


@dataclass(frozen=True)
class ScoredRound:
    """One round on the private side: every score of every candidate (PRIVATE_SCORES), the public
    `candidates` (CANDIDATES), and what decides about them.
    """

    scores: pd.DataFrame
    candidates: pd.DataFrame
    params: Score
    pair: Pair
    random_seed: int  # of this round
    min_documents: int  # `keywords.min_documents`: smaller counts stay
    books: Books | None


@dataclass(frozen=True)
class Released:
    """What leaves: `table`, of the kind `kind`, numbers about the round, and a line about them for
    who runs it.
    """

    table: pd.DataFrame
    kind: Table
    measures: dict[str, Any]
    told: str


def scores_may_leave(
    table: pd.DataFrame, candidates: pd.DataFrame, parts: Collection[str]
) -> pd.DataFrame:
    """SCORES: a row for every candidate; `total` and the named `parts` are float32, null or in
    [-1, 1], so that no number can carry more than a score; all other parts are null.
    """
    key = list(SCORES.key)
    _check_ids(table, SCORES, _rows(candidates, key))
    for name in table.columns.drop(key):
        values = table[name]
        if values.dtype != np.float32:
            raise NotReleasable(f"score column '{name}' is {values.dtype}, not float32")
        if (values.abs() > 1).any():
            raise NotReleasable(f"score column '{name}' has values outside [-1, 1]")
        if name != "total" and name not in parts and values.notna().any():
            raise NotReleasable(f"score column '{name}' has values, and no weight in the total")
    return table


def orders_may_leave(table: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    """ORDERS: a row for every prompt of the candidates; numbers are null or those of its
    candidates; chosen and rejected are two, or none.
    """
    key = list(ORDERS.key)
    _check_ids(table, ORDERS, set(_rows(candidates, key)))
    known = set(_rows(candidates, list(SCORES.key)))
    for name in table.columns.drop(key):
        if str(table[name].dtype) != "Int8":
            raise NotReleasable(f"order column '{name}' is {table[name].dtype}, not Int8")
        if not known.issuperset(_rows(table[[*key, name]].dropna(), [*key, name])):
            raise NotReleasable(f"order column '{name}' has numbers of no candidate of the prompt")
    if not table["chosen"].isna().equals(table["rejected"].isna()):
        raise NotReleasable("a row of the orders table has one side of a pair, and not the other")
    if (table["chosen"] == table["rejected"]).any():
        raise NotReleasable("a row of the orders table pairs a candidate with itself")
    return table


def _check_ids(table: pd.DataFrame, kind: Table, wanted: Collection[tuple[Any, ...]]) -> None:
    if list(table.columns) != kind.schema.names:
        raise NotReleasable(f"the {kind.name} table has other columns than its schema")
    ids = _rows(table, list(kind.key))
    if len(set(ids)) < len(ids) or set(ids) != set(wanted):
        raise NotReleasable(
            f"the {kind.name} table has other ids than the candidates that were scored"
        )
    if ids != sorted(ids):
        raise NotReleasable(f"the rows of the {kind.name} table are not sorted by their ids")


def _rows(frame: pd.DataFrame, names: list[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(frame[name].tolist() for name in names), strict=True))
