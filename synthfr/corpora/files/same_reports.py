"""Which private reports are also public: word for word but for the writing, or in large part.

Two texts are equal when the same letters and digits stand in them in the same order: case, white
space, accents and punctuation do not count. They are near when they share passages, each of
`PASSAGE` words in a row: copies with other dates and names, or an excerpt.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Hashes = npt.NDArray[np.uint64]
    Places = npt.NDArray[np.int32]

PASSAGE = 8  # words; two writers rarely choose eight in a row alike
# words in passages that both have; fewer are a stock phrase
MIN_WORDS = 20
# reports of the public side that may have a passage; what more have is a form's text, and says
# nothing of two reports
MAX_HOLDERS = 50
_BLOCK = 500  # texts worked on at once
_WORDS_KEPT = 300_000  # in memory with their forms
_LETTERS = {"œ": "oe", "æ": "ae"}


@dataclass(frozen=True)
class Same:
    """A private report that is also public; `private` and `public` are places in the lists."""

    private: int
    public: int
    share: float  # of the passages of the shorter report, those that both have; 1.0 where equal
    equal: bool


@dataclass(frozen=True)
class Overlap:
    """What two sides have in common; all numbers are places in the lists of texts."""

    same: list[Same]  # one a private report, beside the public one that it is most like
    public: list[int]  # every public report that some private one is
    twice: list[int]  # private reports that are equal to an earlier private one


def overlap(public: Iterable[str], private: Iterable[str], near: float) -> Overlap:
    """Each private report that is equal to a public one, or shares more than `near` (0-1) of the
    shorter one's passages with it.

    Passages that more than `MAX_HOLDERS` public reports have do not count. Exact but for hashes of
    64 bits. Takes some 30 s and 0.7 GiB for twice 50 000 reports of 300 words.
    """
    words = _Words()
    index = _Index(public, words)
    same, twice = [], []
    involved: set[int] = set()
    seen: dict[bytes, int] = {}
    for block in _blocks(private, words):
        close = index.close(block, near)
        for place, key in enumerate(block.keys):
            row = block.first + place
            if key and seen.setdefault(key, row) != row:
                twice.append(row)
            near_ones = close.get(place, {})
            involved |= near_ones.keys()
            if twins := index.equal.get(key):
                involved |= set(twins)
                same.append(Same(row, twins[0], 1.0, equal=True))
            elif near_ones:
                other = max(near_ones, key=lambda one: near_ones[one])
                same.append(Same(row, other, near_ones[other], equal=False))
    return Overlap(same, sorted(involved), twice)


@dataclass(frozen=True)
class _Block:
    """Some texts: digests of their letters, and their passages."""

    first: int  # place of the first text in the list
    keys: list[bytes]  # empty: a text without letter or digit
    hashes: Hashes  # of distinct passages, ordered by text
    texts: Places  # place of the passage's text in the block


class _Words(dict[str, tuple[str, int]]):
    """Word as written to its letters and their hash, learnt when it is first met."""

    def __missing__(self, word: str) -> tuple[str, int]:
        if len(self) >= _WORDS_KEPT:
            self.clear()
        folded = unicodedata.normalize("NFKD", word.casefold())
        letters = "".join(_LETTERS.get(one, one) for one in folded if one.isalnum())
        digest = blake2b(letters.encode(), digest_size=8).digest()
        self[word] = form = (letters, int.from_bytes(digest, "little"))
        return form


def _blocks(texts: Iterable[str], words: _Words) -> Iterator[_Block]:
    rest, first = iter(texts), 0
    while some := list(islice(rest, _BLOCK)):
        yield _block(first, some, words)
        first += len(some)


def _block(first: int, texts: Sequence[str], words: _Words) -> _Block:
    import numpy as np

    keys: list[bytes] = []
    hashes: list[int] = []
    lengths: list[int] = []
    for text in texts:
        forms = [form for word in text.split() if (form := words[word])[0]]
        letters = "".join(form[0] for form in forms)
        keys.append(blake2b(letters.encode(), digest_size=16).digest() if letters else b"")
        hashes += [form[1] for form in forms]
        lengths.append(len(forms))
    passages, owners = _passages(np.array(hashes, dtype=np.uint64), np.array(lengths))
    return _Block(first, keys, passages, owners)


def _passages(words: Hashes, lengths: npt.NDArray[np.int64]) -> tuple[Hashes, Places]:
    """Distinct passages of each text, from the hashes of all texts' words in a row."""
    import numpy as np

    owners = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    if len(words) < PASSAGE:
        return words[:0], owners[:0]
    starts = len(words) - PASSAGE + 1
    passages = np.zeros(starts, dtype=np.uint64)
    for offset in range(PASSAGE):  # a polynomial modulo 2^64: the order of the words counts
        passages *= np.uint64(0x9E3779B97F4A7C15)
        passages += words[offset : offset + starts]
    whole = owners[:starts] == owners[PASSAGE - 1 :]
    passages, owners = passages[whole], owners[:starts][whole]
    order = np.lexsort((passages, owners))
    passages, owners = passages[order], owners[order]
    new = np.ones(len(passages), dtype=bool)
    new[1:] = (passages[1:] != passages[:-1]) | (owners[1:] != owners[:-1])
    return passages[new], owners[new]


class _Index:
    """The public side: digests of whole texts, and passages with the reports that have them."""

    def __init__(self, texts: Iterable[str], words: _Words) -> None:
        import numpy as np

        self.equal: dict[bytes, list[int]] = {}
        hashes, owners = [np.zeros(0, np.uint64)], [np.zeros(0, np.int32)]
        sizes = [np.zeros(0, np.int64)]
        for block in _blocks(texts, words):
            for place, key in enumerate(block.keys):
                if key:
                    self.equal.setdefault(key, []).append(block.first + place)
            hashes.append(block.hashes)
            owners.append(block.texts + np.int32(block.first))
            sizes.append(np.bincount(block.texts, minlength=len(block.keys)))
        unordered = np.concatenate(hashes)
        hashes.clear()
        order = np.argsort(unordered)
        self._hashes: Hashes = unordered[order]
        del unordered
        self._owners: Places = np.concatenate(owners)[order]
        del order
        # of each text, passages that are no form's text
        self._sizes = np.concatenate(sizes)
        for begin, end in self._forms():
            np.subtract.at(self._sizes, self._owners[begin:end], 1)

    def _forms(self) -> Iterator[tuple[int, int]]:
        """Where in the index passages stand that more than `MAX_HOLDERS` reports have."""
        import numpy as np

        repeated = self._hashes[MAX_HOLDERS:] == self._hashes[: len(self._hashes) - MAX_HOLDERS]
        forms = np.unique(self._hashes[: len(repeated)][repeated])
        begins = np.searchsorted(self._hashes, forms, side="left")
        ends = np.searchsorted(self._hashes, forms, side="right")
        yield from zip(begins.tolist(), ends.tolist(), strict=True)

    def close(self, block: _Block, near: float) -> dict[int, dict[int, float]]:
        """Place in the block to the public reports with which it shares more than `near`, each
        with how much.
        """
        import numpy as np

        begins, counts = self._holders(block.hashes)
        own = counts <= MAX_HOLDERS
        sizes = np.bincount(block.texts[own], minlength=len(block.keys))
        shared = own & (counts > 0)
        texts, begins, counts = block.texts[shared], begins[shared], counts[shared]
        if not len(texts):
            return {}
        steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        others = self._owners[np.repeat(begins, counts) + steps]
        pairs = np.repeat(texts, counts).astype(np.int64) << 32 | others
        pairs, common = np.unique(pairs, return_counts=True)
        mine, theirs = pairs >> 32, pairs & 0xFFFFFFFF
        shares = common / np.minimum(sizes[mine], self._sizes[theirs])
        close = (shares > near) & (common >= MIN_WORDS - PASSAGE + 1)
        found: dict[int, dict[int, float]] = {}
        rows: Any = zip(mine[close], theirs[close], shares[close], strict=True)
        for place, other, share in rows:
            found.setdefault(int(place), {})[int(other)] = float(share)
        return found

    def _holders(self, passages: Hashes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Of each passage where its public reports begin in the index, and how many there are."""
        import numpy as np

        order = np.argsort(passages)  # neighbours in the index are found quickly one after another
        begins = np.empty(len(passages), dtype=np.int64)
        ends = np.empty(len(passages), dtype=np.int64)
        begins[order] = np.searchsorted(self._hashes, passages[order], side="left")
        ends[order] = np.searchsorted(self._hashes, passages[order], side="right")
        return begins, ends - begins
