"""Does a report express the codes that it carries, in words that real reports express them in?

A coder learns from real reports (one half of those that the loop has used) and reads three corpora
that it has not seen: synthetic reports, the other half, and `holdout`. A corpus whose reports do
not say their codes has less of all figures than real reports; one that says them in the same few
stereotyped words has more: an easy reading that no real ward has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.coding.labels import categories, matrix
from synthfr.coding.tfidf import TfidfCoder, TfidfSettings
from synthfr.keywords.disclosure import shared

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MOST_LABELS = 50


@dataclass(frozen=True)
class Coded:
    """Texts, the ICD-10 codes that each carries, and whom each is about."""

    texts: Sequence[str]
    codes: Sequence[Sequence[str]]
    owners: Sequence[str]


@dataclass(frozen=True)
class Expressed:
    """Means over reports that carry one of the coder's labels and lack another, in [0, 1].

    Attributes:
        probability: the coder's, of a code that the report carries.
        other_probability: of a code that it does not carry: a random other one.
        ranked_right: share of (own, other) pairs of codes in which the own one is likelier, ties
            half; .5 is chance.
        micro_f1: of as many likeliest codes as each report carries, against those that it carries.
    """

    probability: float
    other_probability: float
    ranked_right: float
    micro_f1: float


def expressed(
    learnt: Coded, sides: Mapping[str, Coded], fewest: int, random_seed: int
) -> tuple[dict[str, Expressed | None], int]:
    """What a coder that learns from `learnt` reads in each side (None: no report of it can be
    judged), and how many labels it has: the most frequent categories that reports of at least
    `fewest` patients of `learnt` carry, and not all reports.

    The coder is a logistic regression per label over TF-IDF of words and word pairs, classes
    weighted alike, so that a probability of .5 is "as likely as not" for rare codes too.
    """
    space = _space(learnt, fewest)
    if len(space) < 2:
        return dict.fromkeys(sides), len(space)
    texts = [*learnt.texts]
    rows = {}
    for name, side in sides.items():
        rows[name] = np.arange(len(texts), len(texts) + len(side.texts))
        texts += side.texts
    seed = seeding.derive(random_seed, "fidelity coder")
    coder = TfidfCoder(texts, TfidfSettings(model="logistic"), seed)
    truth = matrix(categories(learnt.codes), space)
    own = np.arange(len(learnt.texts))
    scores = coder.scores(own, truth, np.arange(len(own), len(texts)))
    return {
        name: _judged(scores[rows[name] - len(own)], matrix(categories(side.codes), space))
        for name, side in sides.items()
    }, len(space)


def as_figures(found: Mapping[str, Expressed | None]) -> dict[str, dict[str, float]]:
    """``{figure: {side: value}}`` of the sides that could be judged."""
    figures: dict[str, dict[str, float]] = {}
    for name, one in found.items():
        for figure, value in asdict(one).items() if one else ():
            figures.setdefault(figure, {})[name] = value
    return figures


def _space(learnt: Coded, fewest: int) -> list[str]:
    held = categories(learnt.codes)
    counts = Counter(code for own in held for code in own)
    common = shared(held, learnt.owners, fewest)
    kept = [code for code, n in counts.items() if code in common and n < len(learnt.texts)]
    return sorted(kept, key=lambda code: (-counts[code], code))[:MOST_LABELS]


def _judged(scores: Floats, truth: Bools) -> Expressed | None:
    from scipy.special import expit

    rows = truth.any(axis=1) & ~truth.all(axis=1)
    if not rows.any():
        return None
    scores, truth = scores[rows], truth[rows]
    chances = expit(scores)
    n_own = truth.sum(axis=1)
    n_other = truth.shape[1] - n_own
    right = np.zeros(len(truth))
    for column in range(truth.shape[1]):
        carried = truth[:, column]
        mine, rest = scores[carried, column, None], scores[carried]
        higher = (mine > rest) + (mine == rest) / 2
        right[carried] += (higher * ~truth[carried]).sum(axis=1)
    place = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1, kind="stable")
    hits = (truth & (place < n_own[:, None])).sum()
    return Expressed(
        probability=float(((chances * truth).sum(axis=1) / n_own).mean()),
        other_probability=float(((chances * ~truth).sum(axis=1) / n_other).mean()),
        ranked_right=float((right / (n_own * n_other)).mean()),
        micro_f1=float(hits / n_own.sum()),
    )
