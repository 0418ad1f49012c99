"""How a coder fares with rare and with frequent codes: macro-F1 by bands of code frequency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synthfr import seeding
from synthfr.bootstrap import DRAWS, crossed
from synthfr.coding.errors.disclosure import Limit
from synthfr.coding.judged import Judged
from synthfr.coding.weighted import statistic
from synthfr.stats import Interval

FEWEST_LABELS = 3  # a mean over fewer is the figure of single codes
BANDS = ("rare", "middle", "frequent")


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
    limit: Limit,
    random_seed: int,
    draws: int = DRAWS,
) -> dict[str, Band]:
    """Macro-F1 of each band, thirds of the labels from rare to frequent, except that labels of one
    count stand together.

    Args:
        judged: one step's coders with one label space and the same documents, one for each seed.
        counts: documents of each label, by which bands are made; a label without is in 0. They are
            told, so they must be counts that may leave (`labels.exported_counts`), and the same
            for all steps that are compared.
        limit: of the documents, in the order of the first of `judged`; its patients are drawn for
            the limits of macro-F1.

    A band of fewer than three labels, or whose labels too few holdout patients have, is left out;
    and, as macro-F1 over all labels is told elsewhere, so are others until none that is left out
    follows from it.
    """
    first = judged[0]
    found = {}
    all_bands = columns_of_bands(first.label_space, counts)
    shown = _shown(all_bands, first, limit)
    for name, columns in all_bands.items():
        if name not in shown:
            continue
        own = [counts.get(first.label_space[column], 0) for column in columns]
        macro_f1 = crossed(
            [statistic("macro_f1", one.in_order(first.document_ids).narrowed(columns))
             for one in judged],
            limit.owners,
            seeding.rng(random_seed, "bootstrap of documents"),
            draws,
        )  # fmt: skip
        found[name] = Band(min(own), max(own), columns, macro_f1)
    return found


def _shown(all_bands: Mapping[str, Sequence[int]], judged: Judged, limit: Limit) -> set[str]:
    held = {
        name: np.asarray(judged.truth[:, list(columns)].any(axis=1))
        for name, columns in all_bands.items()
    }
    small = [name for name, columns in all_bands.items() if len(columns) < FEWEST_LABELS]
    return limit.told(held, small, none_alone=True)


def columns_of_bands(
    label_space: Sequence[str], counts: Mapping[str, int]
) -> dict[str, tuple[int, ...]]:
    """Columns of each band, named ``rare``, ``middle``, ``frequent``. Bands without a label are not
    there.
    """
    own = np.array([counts.get(label, 0) for label in label_space], dtype=np.int64)
    if not own.size:
        return {}
    limits = np.quantile(own, [1 / 3, 2 / 3], method="higher")
    band = np.searchsorted(limits, own, side="right")
    columns = {name: tuple(np.flatnonzero(band == at).tolist()) for at, name in enumerate(BANDS)}
    return {name: columns_ for name, columns_ in columns.items() if columns_}
