"""All that the n-gram audits say of one data set beside private reports, for the metrics file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from synthfr.privacy import overlap
from synthfr.privacy.best_match import BestMatches, Index, Side, best_matches
from synthfr.privacy.coded import Coded
from synthfr.privacy.embedding_distance import Embed, distances
from synthfr.privacy.leave_one_out import Figure, Nearest, as_dict
from synthfr.privacy.near_duplicates import near_duplicates
from synthfr.privacy.ngrams import patients_with
from synthfr.privacy.settings import Privacy
from synthfr.privacy.sides import Sides

if TYPE_CHECKING:
    import pandas as pd

COMPANION_TOP = 122  # highest recalls that Kiefer et al. 2025 average


def describe(
    synthetic: Sequence[str],
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    sides: Sides,
    settings: Privacy,
    random_seed: int,
    embed: Embed | None = None,
) -> dict[str, object]:
    """Numbers for the metrics file: overlap and its gap (`overlap.Audit`), 5-gram best match,
    near-duplicates, embedding distances.

    Frames have report_id and text; `sides` are of them. UserError where there is no synthetic
    report.
    """
    shared = overlap.audit(synthetic, train, holdout, sides, settings.ngram).as_dict()
    index = Index(sides.texts)
    texts = index.vocabulary.code(synthetic)
    copying = settings.copying
    return {
        **shared,
        "best_match": _best_match(index, texts, sides, copying.boilerplate_patients),
        "near_duplicates": _near(index, texts, sides, copying.near_duplicate, random_seed),
        "embedding": distances(synthetic, sides, random_seed, embed),
    }


def _best_match(index: Index, texts: Coded, sides: Sides, boilerplate: int) -> dict[str, object]:
    n_train = int(sides.is_train.sum())
    spans: tuple[Side, Side] = ((0, n_train), (n_train, len(sides.texts)))
    found = best_matches(index, texts, spans)
    nearest = [
        nearest_of(one, sides, side) for one, side in zip(found, ("train", "holdout"), strict=True)
    ]
    top = max(round(len(texts) / 100), 1)
    figures = {
        "mean": [side.mean() for side in nearest],
        "mean_of_top_percent": [side.mean_of_highest(top) for side in nearest],
        f"mean_of_top_{COMPANION_TOP}": [side.mean_of_highest(COMPANION_TOP) for side in nearest],
    }
    recall = {name: as_dict(used, unused) for name, (used, unused) in figures.items()}
    sources = _document_frequency(index, texts, found, sides, boilerplate)
    return {
        "recall": recall,
        **{
            name: {
                "recall": overlap.spread(side.first),
                "precision": float(own.precisions[:, 0].mean()),
                "f_measure": float(own.f_measures[:, 0].mean()),
                "shared_ngrams_of": source,
            }
            for name, side, own, source in zip(
                ("train", "holdout"), nearest, found, sources, strict=True
            )
        },
    }


def _document_frequency(
    index: Index, texts: Coded, found: Sequence[BestMatches], sides: Sides, boilerplate: int
) -> list[dict[str, float]]:
    """Of the n-grams that synthetic reports share with their best match on each side: the share
    that stand in the reports of one patient only (what a leak looks like), of fewer than
    `boilerplate` patients, and of more (formulas). Patients of both sides.
    """
    patients = sides.patients[index.coded.text_of].astype(np.int32)
    n_patients, _ = patients_with(index.ids, patients, index.n_different)
    kind = np.digitize(n_patients[index.ngram_of], [2, max(boilerplate, 2)])
    counts = np.zeros((len(found), 3))
    for which, items in index.blocks(texts, np.zeros(index.n_items, np.int64), "their sources"):
        for own, side in zip(counts, found, strict=True):
            best = side.reports[which, 0]
            there = np.flatnonzero(best >= 0)
            both = items[there].multiply(index.items[best[there]]).tocsr()
            own += np.bincount(kind[both.indices], minlength=3)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = ("one_patient", "few_patients", "boilerplate")
    return [dict(zip(names, map(float, own), strict=True)) for own in shares]


def _near(
    index: Index, texts: Coded, sides: Sides, threshold: float, random_seed: int
) -> dict[str, object]:
    """Share of synthetic reports with a near-duplicate on each side."""
    rows, reports, _ = near_duplicates(index, texts, threshold, random_seed)
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


def nearest_of(found: BestMatches, sides: Sides, side: str) -> Nearest:
    """Recall of each synthetic report's best match, and of the best one of any other patient (0
    where none of the `KEPT` nearest is of another: the interval is then too wide, never too
    narrow).
    """
    split = sides.train_patients
    first, count = (0, split) if side == "train" else (split, sides.n_patients - split)
    patients = np.append(sides.patients, -1)[found.reports]
    other = (patients != patients[:, :1]) & (patients >= 0)
    recalls = found.recalls
    at = other.argmax(axis=1)
    second = np.where(other.any(axis=1), recalls[np.arange(len(at)), at], 0.0)
    owner = np.where(patients[:, 0] >= 0, patients[:, 0] - first, -1)
    return Nearest(recalls[:, 0], owner, second, count)
