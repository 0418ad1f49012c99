"""How a report is written, in kinds of features that name nothing: lengths, marks, digits,
capitals, layout, headings, how sentences begin, words, pairs of words.

A kind is what is told of a comparison; the features themselves (words of private reports) are not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthfr.fidelity.content import headings
from synthfr.fidelity.sentences import sentences
from synthfr.text.tokens import alphanumeric_words, words

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]

MARKS = ".,;:!?()/-+%=<>«»\"'’*"
FEWEST_REPORTS = 2  # a feature of fewer reports tells of those, not of style


@dataclass(frozen=True)
class Styles:
    """Features of some texts by kind: `measured`, numbers, each of shape (n_texts, n_features); and
    `counted`, how often each word, pair, ... stands in each text.
    """

    measured: Mapping[str, Floats]
    counted: Mapping[str, csr_matrix]


def styles(texts: Sequence[str], languages: Sequence[str]) -> Styles:
    """The features of texts, each in its language."""
    split = [sentences(text, language) for text, language in zip(texts, languages, strict=True)]
    measured = {
        "lengths": [_lengths(text, own) for text, own in zip(texts, split, strict=True)],
        "punctuation": [_marks(text) for text in texts],
        "digits": [_digits(text) for text in texts],
        "casing": [_casing(text) for text in texts],
        "layout": [_layout(text) for text in texts],
    }
    own_headings = [headings(*one) for one in zip(texts, languages, strict=True)]
    starts = [[own.split()[0] for own in parts] for parts in split]
    spoken = [alphanumeric_words(text) for text in texts]
    counted = {
        "headings": _counts(own_headings),
        "sentence_starts": _counts(starts),
        "words": _counts(spoken),
        "word_pairs": _counts([list(pairwise(own)) for own in spoken]),
    }
    return Styles(
        {kind: np.array(rows, dtype=np.float64) for kind, rows in measured.items()},
        {kind: counts for kind, counts in counted.items() if counts is not None},
    )


def _lengths(text: str, split: Sequence[str]) -> list[float]:
    n_words, n_lines = len(words(text)), text.count("\n") + 1
    per_sentence = n_words / max(1, len(split))
    letters = sum(map(len, words(text))) / max(1, n_words)
    return [float(np.log1p(one)) for one in (n_words, len(split), n_lines, per_sentence, letters)]


def _marks(text: str) -> list[float]:
    return [100 * text.count(mark) / max(1, len(text)) for mark in MARKS]


def _digits(text: str) -> list[float]:
    own = words(text)
    having = sum(any(map(str.isdigit, word)) for word in own)
    return [_share(text, str.isdigit), having / max(1, len(own))]


def _casing(text: str) -> list[float]:
    own = words(text)
    shouted = sum(len(word) > 1 and word.isupper() for word in own)
    capital = sum(word[0].isupper() for word in own)
    lines = [line.lstrip() for line in text.splitlines() if line.strip()]
    small = sum(line[0].islower() for line in lines)
    return [
        _share(text, str.isupper),
        shouted / max(1, len(own)),
        capital / max(1, len(own)),
        small / max(1, len(lines)),
    ]


def _layout(text: str) -> list[float]:
    lines = text.split("\n")
    n = len(lines)
    return [
        sum(not line.strip() for line in lines) / n,
        sum(":" in line for line in lines) / n,
        sum(line != line.lstrip() for line in lines) / n,
        sum(line.rstrip()[-1:] in ".!?…" for line in lines if line.strip()) / n,
        float("  " in text),
    ]


def _share(text: str, holds: Callable[[str], bool]) -> float:
    return sum(map(holds, text)) / max(1, len(text))


def _counts(rows: Sequence[Sequence[object]]) -> csr_matrix | None:
    """Shape (n_texts, n_different); None where nothing stands in enough texts."""
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(analyzer=_as_it_is, min_df=FEWEST_REPORTS, dtype=np.float64)
    try:
        return counter.fit_transform(rows).tocsr()
    except ValueError:  # scikit-learn's name for "no terms remain"
        return None


def _as_it_is(row: Sequence[object]) -> Sequence[object]:
    return row
