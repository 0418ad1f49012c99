"""Similarity of a candidate to its private document: as a whole, and where it is worst."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthfr.scoring.evaluators import Evaluator

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]


def similarities(
    evaluator: Evaluator,
    candidates: Sequence[str],
    documents: Sequence[str],
    document_of: NDArray[np.int64],
    window_tokens: int,
    stride_tokens: int,
) -> Floats:
    """Mean of whole-document cosine and worst-window cosine (the original Synth-FR), in [-1, 1],
    shape (n_candidates,).

    The worst window is the least cosine of any window of the candidate with the whole document.
    Everything is encoded in one pass, each document once for all its candidates. A blank candidate
    is similar to nothing: 0.

    Args:
        candidates, documents: texts, headings already stripped where that is wanted.
        document_of: index into `documents` for each candidate, shape (n_candidates,).
    """
    pieces: list[str] = []
    owner: list[int] = []
    for index, text in enumerate(candidates):
        cut = evaluator.windows(text, window_tokens, stride_tokens)
        if len(cut) > 1:  # a single window is the candidate itself, which is encoded anyway
            pieces += cut
            owner += [index] * len(cut)
    vectors = evaluator.encode([*documents, *candidates, *pieces])
    n_documents, n_whole = len(documents), len(documents) + len(candidates)
    whole = cosines(vectors[n_documents:n_whole], vectors[document_of])
    worst = whole.copy()
    if owner:
        owners = np.array(owner)
        windowed = np.unique(owners)
        worst[windowed] = np.inf
        np.minimum.at(worst, owners, cosines(vectors[n_whole:], vectors[document_of[owners]]))
    blank = np.array([not text.strip() for text in candidates], dtype=np.bool_)
    return np.where(blank, 0.0, (whole + worst) / 2)


def cosines(
    one: NDArray[np.float32] | csr_matrix, other: NDArray[np.float32] | csr_matrix
) -> Floats:
    """Row-wise dot products of unit vectors, shape (n,), dense or sparse."""
    if isinstance(one, np.ndarray):
        products = np.einsum("ij,ij->i", one, other, dtype=np.float64)
    else:
        products = np.asarray(one.multiply(other).sum(axis=1), dtype=np.float64).ravel()
    clipped: Floats = np.clip(products, -1.0, 1.0)  # single precision may pass 1 by a little
    return clipped
