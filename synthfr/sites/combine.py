"""Several hospitals' answers to one question become one table.

A prompt that one hospital alone answered keeps that answer: hospitals whose prompts are their own
are simply put together. Where several answered about the same prompt, scores are averaged and
choices voted on, each hospital weighing as many as the documents that it declares.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from synthfr import records
from synthfr.errors import UserError
from synthfr.sites import figures
from synthfr.sites.exchanges import Answer

if TYPE_CHECKING:
    import pandas as pd

Row = tuple[Any, ...]


def released(answers: Sequence[Answer]) -> pd.DataFrame:
    """One table of what all `answers` let out, all ORDERS or all SCORES, sorted by its key.

    Raises:
        UserError: some answers are choices and others scores, which have no common measure.
    """
    import pandas as pd

    frames = [answer.tables["released"] for answer in answers]
    kinds = [records.kind_of(frame, records.ORDERS, records.SCORES) for frame in frames]
    if len({kind.name for kind in kinds}) > 1:
        raise UserError(
            "Some hospitals answered with orders and others with scores, which cannot be combined: "
            "agree on one score.release, and have the question answered again."
        )
    if len(frames) == 1:
        return frames[0]
    kind = kinds[0]
    key = list(kind.key)
    rest = [name for name in frames[0].columns if name not in key]
    given: dict[Row, list[tuple[Row, int]]] = defaultdict(list)
    for frame, answer in zip(frames, answers, strict=True):
        ids = zip(*(frame[name].tolist() for name in key), strict=True)
        values = zip(*(frame[name].tolist() for name in rest), strict=True)
        for one, row in zip(ids, values, strict=True):
            given[one].append((row, answer.documents))
    one_of = _vote if kind is records.ORDERS else _mean
    rows = [
        (*one, *(votes[0][0] if len(votes) == 1 else one_of(votes)))
        for one, votes in sorted(given.items())
    ]
    frame = pd.DataFrame(rows, columns=frames[0].columns)
    return frame.astype(dict(frames[0].dtypes))


def measures(answers: Sequence[Answer]) -> dict[str, Any]:
    """Numbers of several answers as one, each as `figures` says: documents are added, shares
    averaged by documents, of epsilons the largest taken. None where an answer has none; left out
    what means nothing beside another's.
    """
    if len(answers) == 1:
        return dict(answers[0].measures)
    weights = [answer.documents for answer in answers]
    one: dict[str, Any] = _tree("", [answer.measures for answer in answers], weights)
    return one


def _tree(path: str, values: Sequence[Any], weights: Sequence[int]) -> Any:
    if not any(isinstance(value, Mapping) for value in values):
        return _one(figures.together(path), values, weights)
    trees = [value if isinstance(value, Mapping) else {} for value in values]
    found = {}
    for name in sorted({name for tree in trees for name in tree}):
        inner = f"{path}/{name}" if path else name
        if figures.together(inner) != "alone" or any(
            isinstance(one.get(name), Mapping) for one in trees
        ):
            found[name] = _tree(inner, [tree.get(name) for tree in trees], weights)
    return found


def _one(how: figures.Together, values: Sequence[Any], weights: Sequence[int]) -> Any:
    if any(value is None for value in values):
        return None
    if how == "add":
        return sum(values)
    if how == "most":
        return max(values)
    if how == "least":
        return min(values)
    if how == "same":
        return values[0] if len(set(values)) == 1 else None
    return float(np.average(values, weights=weights))


def _mean(votes: Sequence[tuple[Row, int]]) -> Row:
    """Of scores, by documents; null where one is."""
    rows, weights = zip(*votes, strict=True)
    return tuple(np.average(np.array(rows, dtype=np.float64), axis=0, weights=weights).tolist())


def _vote(votes: Sequence[tuple[Row, int]]) -> Row:
    """Of choices, by documents: the best candidate, and the pair as a whole, so that its two sides
    are never the same. Of equal votes the lower numbers win, and some choice over none.
    """
    best = _most([(row[:1], weight) for row, weight in votes])
    pair = _most([(row[1:], weight) for row, weight in votes])
    return (*best, *pair)


def _most(votes: Sequence[tuple[Row, int]]) -> Row:
    import pandas as pd

    weights: dict[Row, int] = defaultdict(int)
    for choice, weight in votes:
        weights[tuple(None if pd.isna(one) else one for one in choice)] += weight

    def rank(choice: Row) -> tuple[Any, ...]:
        return -weights[choice], tuple((one is None, one or 0) for one in choice)

    return tuple(pd.NA if one is None else one for one in min(weights, key=rank))
