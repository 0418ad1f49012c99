"""All that the n-gram audits say of one data set beside private reports, for the metrics file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synthfr.privacy import best_match_figures, overlap
from synthfr.privacy.best_match import BestMatches, Index
from synthfr.privacy.coded import Coded
from synthfr.privacy.embedding_distance import distances
from synthfr.privacy.leave_one_out import Figure, Nearest, as_dict
from synthfr.privacy.near_duplicates import near_duplicates
from synthfr.privacy.settings import Privacy
from synthfr.privacy.sides import Sides

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Description:
    """`figures`: numbers for the metrics file. `closest`: the train reports nearest to each
    synthetic one (positions in `Sides`): private.
    """

    figures: Mapping[str, object]
    closest: BestMatches


def describe(
    synthetic: Sequence[str],
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    sides: Sides,
    index: Index,
    settings: Privacy,
    random_seed: int,
) -> Description:
    """Overlap and its gap (`overlap.Audit`), 5-gram best match, near-duplicates, and distances
    in an embedding.

    Frames have report_id and text; `sides` are of them, `index` is of the texts of `sides`.
    UserError where there is no synthetic report.
    """
    shared = overlap.audit(synthetic, train, holdout, sides, settings.ngram).as_dict()
    texts = index.vocabulary.code(synthetic)
    copying = settings.copying
    found = best_match_figures.of_sides(index, texts, sides)
    figures = {
        **shared,
        "best_match": best_match_figures.figures(
            found, index, texts, sides, copying.boilerplate_patients, random_seed
        ),
        "near_duplicates": _near(index, texts, sides, copying.near_duplicate, random_seed),
        "embedding": distances(synthetic, sides, random_seed),
    }
    return Description(figures, found[0])


def _near(
    index: Index, texts: Coded, sides: Sides, threshold: float, random_seed: int
) -> dict[str, object]:
    """Share of synthetic reports with a near-duplicate on each side."""
    rows, reports = near_duplicates(index, texts, threshold, random_seed)
    patients, split = sides.patients[reports], sides.train_patients
    shares: list[Figure] = []
    for first, last in ((0, split), (split, sides.n_patients)):
        here = (patients >= first) & (patients < last)
        low, high = np.full(len(texts), sides.n_patients), np.full(len(texts), -1)
        np.minimum.at(low, rows[here], patients[here])
        np.maximum.at(high, rows[here], patients[here])
        near = Nearest(
            (high >= 0).astype(np.float64),
            np.where(high >= 0, high - first, -1),
            (high > low).astype(np.float64),
            last - first,
        )
        shares.append(near.mean())
    return {"reports": as_dict(*shares), "threshold": threshold}
