"""Similarity of a candidate to one private document: as a whole, and where it is worst."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from synthfr.scoring.raters import Encoder

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]
Vectors: TypeAlias = "NDArray[np.float32] | csr_matrix"


class DocumentSimilarity:
    """Rates a candidate by its similarity to the document `against` which its prompt is scored, by
    id: see `similarities`. The encoder is fitted.
    """

    def __init__(
        self,
        encoder: Encoder,
        against: Mapping[str, str],
        window_tokens: int,
        stride_tokens: int,
        within_tokens: int | None = None,
    ) -> None:
        self._encoder, self._against = encoder, against
        self._window_tokens, self._stride_tokens = window_tokens, stride_tokens
        self._within_tokens = within_tokens
        self.weights: Path | None = encoder.weights
        self.measures: Mapping[str, Any] = encoder.measures

    def rate(self, texts: Sequence[str], prompt_ids: Sequence[str]) -> Floats:
        """See `Rater.rate`. Each document is encoded once for all its candidates."""
        used = sorted(set(prompt_ids))
        place = {key: index for index, key in enumerate(used)}
        return similarities(
            self._encoder,
            texts,
            [self._against[key] for key in used],
            np.array([place[key] for key in prompt_ids], dtype=np.int64),
            self._window_tokens,
            self._stride_tokens,
            self._within_tokens,
        )

    def with_all(
        self, texts: Sequence[str], documents: Sequence[str], at_once: int
    ) -> Iterator[Floats]:
        """Of each document in turn, its similarity to every candidate (see `similarities`), shape
        (n_texts,). `at_once` documents are compared together, and yet nothing of one's numbers,
        not the last bit, depends on the others: each is encoded by itself, and the products of
        vectors in steps of 2^-20 are exact.
        """
        encoder = self._encoder
        pieces, owners = _pieces(
            encoder, texts, self._window_tokens, self._stride_tokens, self._within_tokens
        )
        vectors = _stepped(encoder.encode([*texts, *pieces]))
        whole_texts, windows = vectors[: len(texts)], vectors[len(texts) :]
        blank = _blank(texts)
        # windows of a candidate follow each other
        windowed, first = np.unique(owners, return_index=True)
        for start in range(0, len(documents), at_once):
            each = [_dense(encoder.encode([one])) for one in documents[start : start + at_once]]
            compared = _stepped(np.vstack(each)).astype(np.float64)
            whole = _products(compared, whole_texts)
            worst = whole.copy()
            if len(owners):
                least = np.minimum.reduceat(_products(compared, windows), first, axis=1)
                worst[:, windowed] = least
            yield from np.where(blank, 0.0, (whole + worst) / 2)


def similarities(
    encoder: Encoder,
    candidates: Sequence[str],
    documents: Sequence[str],
    document_of: NDArray[np.int64],
    window_tokens: int,
    stride_tokens: int,
    within_tokens: int | None = None,
) -> Floats:
    """Mean of whole-document cosine and worst-window cosine (the original Synth-FR), in [-1, 1],
    shape (n_candidates,).

    The worst window is the least cosine of any window of the candidate (of its first
    `within_tokens` tokens, where that is a number) with the whole document.
    Everything is encoded in one pass, each document once for all its candidates. A blank candidate
    is similar to nothing: 0.

    Args:
        candidates, documents: texts, headings already stripped where that is wanted.
        document_of: index into `documents` for each candidate, shape (n_candidates,).
    """
    pieces, owners = _pieces(encoder, candidates, window_tokens, stride_tokens, within_tokens)
    vectors = encoder.encode([*documents, *candidates, *pieces])
    n_documents, n_whole = len(documents), len(documents) + len(candidates)
    whole = cosines(vectors[n_documents:n_whole], vectors[document_of])
    worst = whole.copy()
    if len(owners):
        windowed = np.unique(owners)
        worst[windowed] = np.inf
        np.minimum.at(worst, owners, cosines(vectors[n_whole:], vectors[document_of[owners]]))
    return np.where(_blank(candidates), 0.0, (whole + worst) / 2)


def _pieces(
    encoder: Encoder,
    candidates: Sequence[str],
    window_tokens: int,
    stride_tokens: int,
    within_tokens: int | None,
) -> tuple[list[str], NDArray[np.int64]]:
    """Windows of all candidates that have several, and which candidate each is of."""
    pieces: list[str] = []
    owner: list[int] = []
    for index, text in enumerate(candidates):
        cut = encoder.windows(text, window_tokens, stride_tokens, within_tokens)
        if cut != [text]:  # the candidate itself is encoded anyway
            pieces += cut
            owner += [index] * len(cut)
    return pieces, np.array(owner, dtype=np.int64)


def _blank(texts: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([not text.strip() for text in texts], dtype=np.bool_)


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


_STEPS = np.float32(1 << 20)  # of 1; products are multiples of 2^-40, and 53 bits hold their sums
_ROWS_AT_ONCE = 1 << 14  # in double precision


def _stepped(vectors: Vectors) -> Vectors:
    """Each number rounded to a multiple of 2^-20."""
    if isinstance(vectors, np.ndarray):
        return np.asarray(np.rint(vectors * _STEPS) / _STEPS)
    stepped = vectors.copy()
    stepped.data = np.rint(stepped.data * _STEPS) / _STEPS
    return stepped


def _dense(vectors: Vectors) -> NDArray[np.float32]:
    return vectors if isinstance(vectors, np.ndarray) else np.asarray(vectors.toarray())


def _products(documents: Floats, candidates: Vectors) -> Floats:
    """Dot products of all pairs of vectors in steps of 2^-20 and length 1 or less, exact, shape
    (n_documents, n_candidates).
    """
    found = np.empty((len(documents), candidates.shape[0]))
    for start in range(0, candidates.shape[0], _ROWS_AT_ONCE):
        rows = candidates[start : start + _ROWS_AT_ONCE].astype(np.float64)
        found[:, start : start + rows.shape[0]] = np.asarray(rows @ documents.T).T
    return np.clip(found, -1.0, 1.0)
