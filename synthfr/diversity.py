"""How far a text repeats what was chosen too often already: the diversity term of `preferences`.

DPO over-optimises by repeating the same few safest phrases in every report. Picking each prompt's
chosen text on its own cannot see that; this keeps the books across prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from synthfr.text.tokens import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NGRAM_WORDS = 3
PRIOR_TEXTS = 20  # pool-like texts taken as chosen beforehand: the first few choices weigh little
_WORD_BITS = 21  # three word ids in one 64-bit number: room for 2 million distinct words


class Novelty:
    """Word 3-grams of a pool of texts: how often the pool holds them, and the texts taken so far.

    An n-gram with share p of the pool's texts and share q of the taken ones (shrunk towards p by
    `PRIOR_TEXTS`) is overused by max(0, q - p) / q, in [0, 1): 0 where the taken texts use it no
    more than the pool does, near 1 where it is almost only theirs.
    """

    def __init__(self, pool: Sequence[str]) -> None:
        import numpy as np

        self._words: dict[str, int] = {}
        packed = {text: self._packed(text) for text in dict.fromkeys(pool)}
        known = np.unique(np.concatenate([*packed.values(), np.empty(0, np.int64)]))
        self._grams = {text: np.searchsorted(known, grams) for text, grams in packed.items()}
        in_pool = np.zeros(len(known))
        for text in pool:
            in_pool[self._grams[text]] += 1
        self._share = in_pool / max(len(pool), 1)
        self._taken = np.zeros(len(known))
        self._n_taken = 0

    def overuse(self, text: str) -> float:
        """Mean overuse of the distinct n-grams of `text`, a text of the pool; 0 if it has none."""
        import numpy as np

        grams = self._grams[text]
        if not len(grams):
            return 0.0
        pool = self._share[grams]
        taken = (self._taken[grams] + PRIOR_TEXTS * pool) / (self._n_taken + PRIOR_TEXTS)
        return float((np.maximum(taken - pool, 0.0) / taken).mean())

    def take(self, text: str) -> None:
        """Enter `text`, a text of the pool, in the books as chosen."""
        self._taken[self._grams[text]] += 1
        self._n_taken += 1

    def _packed(self, text: str) -> NDArray[np.int64]:
        """The distinct n-grams of `text`, each as one number."""
        import numpy as np

        found = (self._words.setdefault(word, len(self._words)) for word in words(text.lower()))
        ids = np.fromiter(found, np.int64)
        n_grams = max(len(ids) - NGRAM_WORDS + 1, 0)
        packed = np.zeros(n_grams, np.int64)
        for offset in range(NGRAM_WORDS):
            packed = (packed << _WORD_BITS) | ids[offset : offset + n_grams]
        return np.unique(packed)
