"""What an outsider can compute of a suspect's text and the public candidates: the scores that each
prompt's candidates would have if this text were the document behind the prompt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthfr.scoring.lexical import EPSILON, Smoothing

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from synthfr.scoring.raters import Encoder

Floats = NDArray[np.float64]
_ORDERS = 4  # BLEU-4


def bleus(
    candidates: Sequence[str], documents: Sequence[str], smoothing: Smoothing = "exponential"
) -> Floats:
    """`scoring.lexical.bleu` of every candidate against every document, shape (n_documents,
    n_candidates), without comparing them one by one.

    The k-th occurrence of an n-gram in a text is a feature of its own, so that the clipped matches
    of two texts, Σ min(count, count), are one product of 0-1 matrices.
    """
    read, said = ([_tokens(text, smoothing) for text in side] for side in (documents, candidates))
    reference, written = (
        np.array([len(one) for one in side], dtype=np.float64) for side in (read, said)
    )
    matches = [_matches(read, said, n) for n in range(1, _ORDERS + 1)]
    logs = np.zeros_like(matches[0])
    halvings = np.zeros_like(matches[0])
    orders = np.zeros(len(written))
    for n, found in enumerate(matches, start=1):
        possible = np.maximum(written - n + 1, 0)
        if smoothing == "epsilon":
            possible = np.maximum(possible, 1)
        counted = possible > 0
        orders += counted
        if smoothing == "epsilon":
            smoothed = np.full_like(found, EPSILON)
        else:
            halvings += (found == 0) & counted
            smoothed = 0.5**halvings
        logs += counted * np.log(np.where(found > 0, found, smoothed) / np.maximum(possible, 1))
    with np.errstate(divide="ignore", over="ignore"):
        brevity = np.exp(np.minimum(0.0, 1 - reference[:, None] / np.maximum(written, 1e-9)))
    any_match = np.sum(matches, axis=0) > 0
    return np.asarray(np.where(any_match, brevity * np.exp(logs / np.maximum(orders, 1)), 0.0))


def similarities(
    encoder: Encoder,
    candidates: Sequence[str],
    documents: Sequence[str],
    window_tokens: int,
    stride_tokens: int,
    within_tokens: int | None = None,
) -> Floats:
    """`scoring.similarity.similarities` of every candidate against every document, shape
    (n_documents, n_candidates): mean of the whole candidate's cosine and its worst window's.
    """
    pieces: list[str] = []
    starts = []
    for text in candidates:
        starts.append(len(pieces))
        pieces += encoder.windows(text, window_tokens, stride_tokens, within_tokens)
    vectors = encoder.encode([*documents, *candidates, *pieces])
    own, rest = vectors[: len(documents)], vectors[len(documents) :]
    whole = _cosines(own, rest[: len(candidates)])
    windows = _cosines(own, rest[len(candidates) :])
    worst = np.minimum.reduceat(windows, starts, axis=1)
    blank = np.array([not text.strip() for text in candidates], dtype=np.bool_)
    return np.where(blank, 0.0, (whole + worst) / 2)


def _tokens(text: str, smoothing: Smoothing) -> list[str]:
    if smoothing == "epsilon":
        return text.split()
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

    tokenizer: Callable[[str], str] = Tokenizer13a()  # type: ignore[no-untyped-call]
    return tokenizer(text.rstrip()).split()


def _matches(documents: Sequence[list[str]], candidates: Sequence[list[str]], n: int) -> Floats:
    """Clipped n-gram matches, shape (n_documents, n_candidates)."""
    known: dict[tuple[tuple[str, ...], int], int] = {}
    one, other = (_features(side, n, known) for side in (documents, candidates))
    one.resize(len(documents), max(len(known), 1))
    return np.asarray((one @ other.T).toarray(), dtype=np.float64)


def _features(
    texts: Sequence[list[str]], n: int, known: dict[tuple[tuple[str, ...], int], int]
) -> csr_matrix:
    from scipy.sparse import csr_matrix

    columns: list[int] = []
    ends = [0]
    for tokens in texts:
        seen: Counter[tuple[str, ...]] = Counter()
        for gram in zip(*(islice(tokens, start, None) for start in range(n)), strict=False):
            seen[gram] += 1
            columns.append(known.setdefault((gram, seen[gram]), len(known)))
        ends.append(len(columns))
    ones = np.ones(len(columns), dtype=np.float32)
    return csr_matrix((ones, columns, ends), shape=(len(texts), max(len(known), 1)))


def _cosines(
    one: NDArray[np.float32] | csr_matrix, other: NDArray[np.float32] | csr_matrix
) -> Floats:
    """Dot products of unit vectors, shape (n_one, n_other)."""
    if isinstance(one, np.ndarray):
        products = one.astype(np.float64) @ np.asarray(other, dtype=np.float64).T
    else:
        products = np.asarray((one @ other.T).toarray(), dtype=np.float64)
    return np.asarray(np.clip(products, -1.0, 1.0))
