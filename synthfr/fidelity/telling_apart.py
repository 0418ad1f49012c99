"""Can a classifier tell synthetic reports from real ones, and by which kinds of features?

A linear classifier, cross-validated by patient: it is judged on reports of nobody that it has
learnt from. AUC .5 is as good as it gets for a corpus; between two real samples it is off that
only by chance. Far below .5 tells of near copies, or of a few texts many times.
(`scoring.discriminator` is another: it knows private reports from public ones, and rewards.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.bootstrap import DRAWS, document_weights, percentile_interval
from synthfr.fidelity.style import FEWEST_REPORTS, Styles, styles
from synthfr.privacy.comparison import auc_of
from synthfr.stats import Interval

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Owner = tuple[str, str]  # side, id

FOLDS = 5
C = 10.0  # inverse regularisation
MAX_ITERATIONS = 10_000
VOCABULARY = ("words", "word_pairs")


@dataclass(frozen=True)
class Reports:
    """Reports of one side: their texts, languages, and whom each is about (equal texts that a model
    wrote are one's: a copy in another fold would be known by heart).
    """

    texts: Sequence[str]
    languages: Sequence[str]
    owners: Sequence[str]


@dataclass(frozen=True)
class ToldApart:
    """AUC on held-out reports, mean over folds, with limits over patients (those of these five
    classifiers: others would have learnt from other reports); and by kind: `shares` of what the
    classifier says (they sum to 1; one may be a little below 0), and the AUC of a classifier that
    has this kind `alone`.
    """

    auc: Interval
    shares: Mapping[str, float]
    alone: Mapping[str, float]


def told_apart(real: Reports, other: Reports, random_seed: int) -> ToldApart | None:
    """How well `other` is told from `real`, of as many reports each.

    The classifier is a logistic regression over all kinds, each scaled to the same weight: numbers
    by mean and standard deviation, counts as TF-IDF, both learnt in the training folds. With z_k
    what kind k adds to the log-odds z, its share is Cov(z_k, z) / Var(z) over held-out reports.
    None where a side has fewer than `FOLDS` owners.
    """
    owners = _owners(real, other)
    fold = _folds(owners, len(real.texts), random_seed)
    if fold is None:
        return None
    features = styles([*real.texts, *other.texts], [*real.languages, *other.languages])
    is_other = np.arange(len(real.texts) + len(other.texts)) >= len(real.texts)
    said = np.zeros(len(fold))
    shares: dict[str, list[float]] = defaultdict(list)
    alone: dict[str, list[float]] = defaultdict(list)
    for held in range(FOLDS):
        learn, judged = fold != held, fold == held
        blocks = _scaled(features, learn, is_other)
        by_kind = _log_odds(list(blocks.values()), is_other, learn)
        whole = by_kind.sum(axis=0)
        said[judged] = whole[judged]
        for kind, part in zip(blocks, by_kind, strict=True):
            shares[kind].append(_share(part[judged], whole[judged]))
            only = _log_odds([blocks[kind]], is_other, learn)[0]
            alone[kind].append(_auc(is_other[judged], only[judged]))
    return ToldApart(
        _over_patients(is_other, said, fold, owners, random_seed),
        {kind: float(np.mean(values)) for kind, values in shares.items()},
        {kind: float(np.mean(values)) for kind, values in alone.items()},
    )


def _owners(real: Reports, other: Reports) -> list[Owner]:
    """Of each report, real ones first. A copy of a real text is its owner's: in another fold it
    would be known by heart, as real.
    """
    owners = [("real", owner) for owner in real.owners]
    owner_of = dict(zip(real.texts, owners, strict=True))
    return owners + [
        owner_of.get(text, ("other", owner))
        for text, owner in zip(other.texts, other.owners, strict=True)
    ]


def _tiers(owners: Sequence[Owner], n_real: int) -> list[set[Owner]]:
    """Owners of reports of both sides, of real ones alone, of others alone."""
    one, other = set(owners[:n_real]), set(owners[n_real:])
    return [one & other, one - other, other - one]


def _folds(owners: Sequence[Owner], n_real: int, random_seed: int) -> NDArray[np.int64] | None:
    """The fold of each report, with owners of both sides in each; None where a side has too few."""
    both, *rest = _tiers(owners, n_real)
    if min(map(len, rest)) + len(both) < FOLDS:
        return None
    fold_of: dict[Owner, int] = {}
    for tier, before in ((both, 0), *((one, len(both)) for one in rest)):
        drawn = sorted(tier, key=lambda one: (seeding.derive(random_seed, "told apart", *one), one))
        fold_of |= {one: place % FOLDS for place, one in enumerate(drawn, start=before)}
    return np.array([fold_of[one] for one in owners], dtype=np.int64)


def _over_patients(
    is_other: Bools,
    said: Floats,
    fold: NDArray[np.int64],
    owners: Sequence[Owner],
    random_seed: int,
) -> Interval:
    """Mean AUC over folds; limits: percentiles over patients of each side drawn anew (Efron 1979),
    each with all reports, and as far out as the side with fewer patients asks for. A fold of which
    a draw has no report of a side is left out of it.
    """
    rng = seeding.rng(random_seed, "told apart, patients")
    both, *rest = _tiers(owners, int((~is_other).sum()))
    tiers = [sorted(tier) for tier in (both, *rest) if tier]
    place = {one: at for at, one in enumerate(chain.from_iterable(tiers))}
    times = [np.concatenate([*document_weights(len(tier), rng, DRAWS)]) for tier in tiers]
    drawn = np.concatenate(times, axis=1)[:, [place[owner] for owner in owners]].T
    aucs, of_draws = [], []
    for held in range(FOLDS):
        rows = fold == held
        weights, others = drawn[rows].astype(np.float64), is_other[rows, None]
        aucs.append(_auc(is_other[rows], said[rows]))
        with np.errstate(invalid="ignore"):  # NaN: none of a side
            of_draws.append(auc_of(said[rows])(weights * others, weights * ~others))
    defined = np.isfinite(of_draws)
    total, count = np.where(defined, of_draws, 0.0).sum(axis=0), defined.sum(axis=0)
    means = np.divide(total, count, out=np.full(DRAWS, np.nan), where=count > 0)
    fewest = len(both) + min(map(len, rest))
    return percentile_interval(float(np.mean(aucs)), means, fewest)


def _scaled(features: Styles, learn: Bools, is_other: Bools) -> dict[str, csr_matrix]:
    """Each kind with rows of a length about 1, as the reports `learn` have it. Vocabulary is two
    kinds: what reports of both sides have, and what those of one side alone do.
    """
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.preprocessing import StandardScaler

    found = {}
    for kind, numbers in features.measured.items():
        scaled = StandardScaler().fit(numbers[learn]).transform(numbers)
        found[kind] = csr_matrix(np.clip(scaled, -5.0, 5.0) / np.sqrt(numbers.shape[1]))
    for kind, counts in features.counted.items():
        having = np.array(
            [counts[learn & (is_other == side)].getnnz(axis=0) for side in (False, True)]
        )
        both = having.min(axis=0) >= FEWEST_REPORTS
        known = having.sum(axis=0) >= FEWEST_REPORTS
        for name, columns in _split(kind, both, known).items():
            own = counts[:, np.flatnonzero(columns)]
            if own.shape[1]:
                own = TfidfTransformer(sublinear_tf=True).fit(own[learn]).transform(own)
            found[name] = own
    return found


def _split(kind: str, both: Bools, known: Bools) -> dict[str, Bools]:
    if kind not in VOCABULARY:
        return {kind: known}
    return {f"common_{kind}": both, f"one_sided_{kind}": known & ~both}


def _log_odds(blocks: Sequence[csr_matrix], is_other: Bools, learn: Bools) -> Floats:
    """What each block adds to the log-odds of being `other`, shape (n_blocks, n_reports); blocks
    without a feature add nothing.
    """
    from scipy.sparse import hstack
    from sklearn.linear_model import LogisticRegression

    added = np.zeros((len(blocks), len(is_other)))
    together = hstack(blocks, format="csr")
    if not together.shape[1]:
        return added
    model = LogisticRegression(
        C=C, class_weight="balanced", solver="liblinear", max_iter=MAX_ITERATIONS
    )
    model.fit(together[learn], is_other[learn])
    ends = np.cumsum([block.shape[1] for block in blocks])
    for row, (block, own) in enumerate(
        zip(blocks, np.split(model.coef_[0], ends[:-1]), strict=True)
    ):
        added[row] = block @ own
    return added


def _share(part: Floats, whole: Floats) -> float:
    """Share of the variance of `whole` that `part` accounts for; of a constant none."""
    spread = float(whole.var())
    return float(np.mean((part - part.mean()) * (whole - whole.mean()))) / spread if spread else 0.0


def _auc(truth: Bools, scores: Floats) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, scores))
