"""How a coder fares with rare and with frequent codes: macro-F1 by bands of code frequency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from synthfr import seeding
from synthfr.bootstrap import DRAWS, crossed
from synthfr.coding.judged import Judged
from synthfr.coding.weighted import statistic
from synthfr.stats import Interval

FEWEST_LABELS = 3  # a mean over fewer is the figure of single codes
_THIRDS = ("rare", "middle", "frequent")


@dataclass(frozen=True)
class Band:
    """Labels that occur about as often: `fewest` to `most` documents; `columns` of the label space;
    `macro_f1` over them with its 95 % limits.
    """

    fewest: int
    most: int
    columns: tuple[int, ...]
    macro_f1: Interval

    def as_dict(self) -> dict[str, object]:
        """Numbers for the metrics file."""
        return {
            "fewest_documents": self.fewest,
            "most_documents": self.most,
            "labels": len(self.columns),
            "macro_f1": self.macro_f1.as_dict(),
        }


def bands(
    judged: Sequence[Judged],
    counts: Mapping[str, int],
    min_documents: int,
    random_seed: int,
    edges: Sequence[int] = (),
    draws: int = DRAWS,
) -> dict[str, Band]:
    """Macro-F1 of each band of the labels, from rare to frequent.

    Args:
        judged: one step's coders with one label space and the same documents, one for each seed.
        counts: documents of each label, by which bands are made; a label without is in 0. They are
            told, so they must be counts that may leave (`labels.exported_counts`), and the same
            for all steps that are compared.
        min_documents: of `keywords`.
        edges: counts at which the next band begins, ascending; without, thirds of the labels,
            except that labels of one count stand together.

    A band of fewer than three labels, or whose labels fewer than `min_documents` holdout reports
    have, is left out.
    """
    first = judged[0]
    found = {}
    for name, columns in columns_of_bands(first.label_space, counts, edges).items():
        reports = int(first.truth[:, list(columns)].any(axis=1).sum())
        if len(columns) < FEWEST_LABELS or reports < min_documents:
            continue
        own = [counts.get(first.label_space[column], 0) for column in columns]
        macro_f1 = crossed(
            [statistic("macro_f1", one.in_order(first.document_ids).narrowed(columns))
             for one in judged],
            len(first.document_ids),
            seeding.rng(random_seed, "bootstrap of documents"),
            draws,
        )  # fmt: skip
        found[name] = Band(min(own), max(own), columns, macro_f1)
    return found


def columns_of_bands(
    label_space: Sequence[str], counts: Mapping[str, int], edges: Sequence[int] = ()
) -> dict[str, tuple[int, ...]]:
    """Columns of each band, named ``rare``, ``middle``, ``frequent``, or by `edges`: ``below_10``,
    ``10_to_99``, ``from_100``. Bands without a label are not there.
    """
    own = np.array([counts.get(label, 0) for label in label_space], dtype=np.int64)
    if not own.size:
        return {}
    if edges:
        limits, names = np.array(edges), _names(edges)
    else:
        limits, names = np.quantile(own, [1 / 3, 2 / 3], method="higher"), list(_THIRDS)
    band = np.searchsorted(limits, own, side="right")
    columns = {name: tuple(np.flatnonzero(band == at).tolist()) for at, name in enumerate(names)}
    return {name: columns_ for name, columns_ in columns.items() if columns_}


def _names(edges: Sequence[int]) -> list[str]:
    if list(edges) != sorted(set(edges)):
        raise ValueError(f"edges of bands ascend, these do not: {list(edges)}")
    between = [f"{low}_to_{high - 1}" for low, high in pairwise(edges)]
    return [f"below_{edges[0]}", *between, f"from_{edges[-1]}"]
