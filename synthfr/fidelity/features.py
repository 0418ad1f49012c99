"""Statistics of a corpus, the same for any language: eight features, lengths, repetition.

Tokens are words (with inner apostrophes and hyphens) and single punctuation marks, as written; for
sentences see `fidelity.sentences`. Both rules are approximations; they are the same on both sides
of a comparison.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from synthfr.fidelity.sentences import sentences
from synthfr.text.tokens import words

# Kiefer et al. count punctuation marks as tokens
_TOKEN = re.compile(r"\w+(?:['’\-]\w+)*|[^\w\s]")

Tokens = list[str]


def tokens(text: str) -> Tokens:
    """Words and punctuation marks of `text`, case kept."""
    return _TOKEN.findall(text)


@dataclass(frozen=True)
class Corpus:
    """Texts with their counts; `texts` in an order that does not depend on the file's.
    `languages`: the code of each text's language; none: sentences know no titles.
    """

    texts: Sequence[str]
    languages: Sequence[str] = ()

    @cached_property
    def tokens(self) -> list[Tokens]:
        """Tokens of each text."""
        return [tokens(text) for text in self.texts]

    @cached_property
    def n_tokens(self) -> int:
        """Tokens of all texts."""
        return sum(map(len, self.tokens))

    @cached_property
    def n_sentences(self) -> int:
        """Sentences of all texts."""
        languages: Sequence[str | None] = self.languages or [None] * len(self.texts)
        return sum(
            len(sentences(text, language))
            for text, language in zip(self.texts, languages, strict=True)
        )

    def first(self, n_tokens: int) -> list[Tokens]:
        """The first `n_tokens` tokens, text by text: corpora are compared at equal size where
        size matters.
        """
        found: list[Tokens] = []
        for text in self.tokens:
            if n_tokens <= 0:
                break
            found.append(text[:n_tokens])
            n_tokens -= len(text)
        return found


def statistical(corpus: Corpus) -> dict[str, float]:
    """The eight features of Kiefer et al. (RANLP 2025); unique tokens are case-sensitive."""
    n_documents, n_tokens = len(corpus.texts), corpus.n_tokens
    types = len({token for text in corpus.tokens for token in text})
    return {
        "documents": n_documents,
        "sentences_per_document": _ratio(corpus.n_sentences, n_documents),
        "tokens_per_document": _ratio(n_tokens, n_documents),
        "tokens_per_sentence": _ratio(n_tokens, corpus.n_sentences),
        "sentences": corpus.n_sentences,
        "tokens": n_tokens,
        "unique_tokens": types,
        "unique_token_ratio": _ratio(types, n_tokens),
    }


def lengths(corpus: Corpus) -> dict[str, float]:
    """Words a text: mean, standard deviation and median."""
    sizes = np.array([len(words(text)) for text in corpus.texts])
    return {
        "words_mean": float(sizes.mean()),
        "words_sd": float(sizes.std()),
        "words_median": float(np.median(sizes)),
    }


def variety(corpus: Corpus, n_tokens: int) -> dict[str, float]:
    """How little a corpus repeats itself: 1 is no repetition.

    `unique_token_ratio_at_equal_size` and `distinct_3` (different / all token 3-grams within texts;
    Li et al. 2016) are over the first `n_tokens` tokens, because they fall with size.
    `distinct_texts`: different texts / texts.
    """
    part = corpus.first(n_tokens)
    triples = [triple for text in part for triple in zip(text, text[1:], text[2:], strict=False)]
    return {
        "unique_token_ratio_at_equal_size": _ratio(
            len({token for text in part for token in text}), sum(map(len, part))
        ),
        "distinct_3": _ratio(len(set(triples)), len(triples)),
        "distinct_texts": _ratio(len(set(corpus.texts)), len(corpus.texts)),
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
