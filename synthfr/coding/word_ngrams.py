"""Words and word n-grams of many texts, counted.

The counts are those of scikit-learn's CountVectorizer, the oracle of the tests; but Python walks
through each text once, and an n-gram is a pair of numbers: the n-gram without its last word, and
that word.
"""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthfr.coding.columns import numbered, only

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# not `text.tokens.words`: a term is one feature whatever mark stands beside it; but clinicians
# write findings with signs alone: "+++", "<"
TOKEN_PATTERN = r"(?u)\w+|[+><]+"
_Numbers = NDArray[np.int64]


def counted(texts: Sequence[str], max_ngram: int, fewest: int) -> csr_matrix:
    """How often each n-gram of 1 to `max_ngram` words stands in each text, shape (n_texts,
    n_ngrams): n-grams that at least `fewest` texts have, in the alphabetical order of their words
    in lower case; entries of a row in that order.

    ValueError where no text has a word.
    """
    import pandas as pd
    from scipy.sparse import csr_matrix, hstack

    word, lengths, n_words = _words(texts)
    document = np.repeat(np.arange(len(texts)), lengths)
    end = np.repeat(np.cumsum(lengths), lengths)
    start, ngram = np.arange(len(word)), word  # of each n-gram in the texts
    spelt: _Numbers = np.arange(n_words)[:, None]  # words of each distinct one
    counts, spellings = [], []
    for n in range(1, max_ngram + 1):
        if n > 1:
            fits = start + n <= end[start]
            start, ngram = start[fits], ngram[fits]
            pair = ngram * n_words + word[start + n - 1]
            ngram, distinct = pd.factorize(pair)
            shorter, last = np.divmod(distinct, n_words)
            spelt = np.column_stack([spelt[shorter], last])
        ends = np.cumsum(np.bincount(document[start], minlength=len(texts)))
        own = csr_matrix(
            (np.ones(len(ngram), dtype=np.int32), ngram, np.concatenate([[0], ends])),
            shape=(len(texts), len(spelt)),
        )
        own.sum_duplicates()
        frequent = np.bincount(own.indices, minlength=len(spelt)) >= fewest
        number = numbered(frequent)
        counts.append(only(own, number))
        spelt = spelt[frequent]
        spellings.append(np.pad(spelt, ((0, 0), (0, max_ngram - n)), constant_values=-1))
        # what a rare n-gram begins is as rare
        ngram = number[ngram].astype(np.int64)
        start, ngram = start[ngram >= 0], ngram[ngram >= 0]
    # as strings are sorted too: the space between words comes before all that words are made of
    order = np.lexsort(np.concatenate(spellings).T[::-1])
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order))
    found = only(hstack(counts, format="csr"), place)
    found.sort_indices()
    return found


def _words(texts: Sequence[str]) -> tuple[_Numbers, _Numbers, int]:
    """The words of all texts one behind the other, numbered in alphabetical order; how many each
    text has; how many different ones there are.
    """
    seen: defaultdict[str, int] = defaultdict()
    seen.default_factory = seen.__len__
    find = re.compile(TOKEN_PATTERN).findall
    flat, lengths = array("i"), []
    for text in texts:
        found = find(text.lower())
        flat.extend(map(seen.__getitem__, found))
        lengths.append(len(found))
    if not seen:
        raise ValueError("the texts hold no word")
    rank = np.empty(len(seen), dtype=np.int64)
    rank[[seen[word] for word in sorted(seen)]] = np.arange(len(seen))
    return rank[np.frombuffer(flat, dtype=np.intc)], np.array(lengths, dtype=np.int64), len(seen)
