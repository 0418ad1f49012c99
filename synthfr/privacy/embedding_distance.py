"""How near synthetic reports come to private ones in an embedding space. A description, never part
of a verdict: sets that pass such distances leak what membership attacks find (Yao et al. 2025,
arXiv 2505.01524).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.privacy.leave_one_out import Nearest, as_dict
from synthfr.privacy.sides import Sides

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = NDArray[np.float32]
# texts -> vectors, shape (n_texts, n_dimensions)
Embed = Callable[[Sequence[str]], Floats]

DIMENSIONS = 100
MOST_TERMS = 20_000
_ROWS = 256


def distances(synthetic: Sequence[str], sides: Sides, random_seed: int) -> dict[str, object]:
    """`of_vectors` by TF-IDF and latent semantic analysis, fitted on the synthetic texts."""
    embed = lexical(synthetic, random_seed)
    return of_vectors(embed(synthetic), embed(sides.texts), sides)


def of_vectors(synthetic: Floats, private: Floats, sides: Sides) -> dict[str, object]:
    """Numbers for the metrics file, over synthetic reports, from the vectors of these, shape
    (n_texts, n_dimensions), and of the reports of `sides`, shape (n_reports, n_dimensions).

    dcr: mean distance to the closest private report, 1 - cosine, in [0, 2].
    nndr: mean ratio of that distance to the one to the closest report of any other patient, in
        [0, 1]; 1 where both are 0: neither is closer.
    nearer_to_train: share of synthetic reports that are nearer to train than to holdout, ties half;
        .5 is chance.
    """
    ours, real = _unit(synthetic), _unit(private)
    split, n_train = sides.train_patients, int(sides.is_train.sum())
    train = _nearest(ours, real[:n_train], sides.patients[:n_train], split)
    holdout = _nearest(
        ours, real[n_train:], sides.patients[n_train:] - split, sides.n_patients - split
    )
    closer = (train.first > holdout.first) + (train.first == holdout.first) / 2
    return {
        "dcr": as_dict(_distance(train).mean(), _distance(holdout).mean()),
        "nndr": {"train": _ratio(train), "holdout": _ratio(holdout)},
        "nearer_to_train": float(closer.mean()),
    }


def lexical(texts: Sequence[str], random_seed: int) -> Embed:
    """TF-IDF of words and latent semantic analysis, fitted on these texts; the zero vector of a
    text that has none of their words.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    from synthfr.text.tokens import alphanumeric_words

    weigh = TfidfVectorizer(
        analyzer=alphanumeric_words, max_features=MOST_TERMS, sublinear_tf=True, dtype=np.float32
    )
    try:
        weighed: csr_matrix = weigh.fit_transform(texts)
    except ValueError:  # no text has a word
        return lambda texts: np.zeros((len(texts), 1), dtype=np.float32)
    if min(weighed.shape) <= DIMENSIONS:  # nothing to reduce
        return lambda texts: weigh.transform(texts).toarray().astype(np.float32)
    seed = seeding.derive(random_seed, "latent semantic analysis") % 2**32
    reduce = TruncatedSVD(DIMENSIONS, random_state=seed).fit(weighed)
    return lambda texts: reduce.transform(weigh.transform(texts)).astype(np.float32)


def _nearest(ours: Floats, real: Floats, patients: NDArray[np.int64], n_patients: int) -> Nearest:
    """Cosine with the nearest report, and with the nearest one of any other patient."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    first, second = np.zeros(len(ours)), np.zeros(len(ours))
    whose = np.zeros(len(ours), dtype=np.int64)
    for start in tqdm(range(0, len(ours), _ROWS), "distances", unit="block", disable=None):
        part = slice(start, start + _ROWS)
        cosine = ours[part] @ real.T
        rows, best = np.arange(len(cosine)), cosine.argmax(axis=1)
        first[part], whose[part] = cosine[rows, best], patients[best]
        cosine[patients[None, :] == whose[part, None]] = -1
        second[part] = cosine.max(axis=1)
    return Nearest(first, whose, second, n_patients)


def _distance(cosine: Nearest) -> Nearest:
    # of vectors that are equal, rounding leaves a cosine beside 1
    first, second = (np.maximum(1 - one.round(6), 0) for one in (cosine.first, cosine.second))
    return Nearest(first, cosine.patient, second, cosine.n_patients)


def _ratio(cosine: Nearest) -> float:
    distance = _distance(cosine)
    ratio = np.divide(
        distance.first,
        distance.second,
        out=np.ones_like(distance.first),
        where=distance.second > 0,
    )
    return float(ratio.mean())


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0))
