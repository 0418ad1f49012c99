"""How far two corpora are apart in kinds of things (codes, words, ...), told without telling what
few patients have.

A kind that at least `fewest` private patients have is compared by itself. All others are one class,
``MERGED``: it hides whether one private patient has such a kind, or none. By itself it would also
hide a corpus that shares nothing with a private one of rare kinds, since the class is full on both
sides. So there is a third class, ``APART``, of kinds that the other corpus has and hardly any
private patient: real reports have nothing of it. Two questions decide what is in it, and each of
them only asks whether at least `fewest` patients have something:

* a kind that very many reports of the other corpus have (`OFTEN` times as many as `fewest`
  patients have on average): if private reports had it about as often, so would `fewest` patients;
* all that is left, as one: where fewer than `fewest` patients of `real` have any of it, while at
  least `fewest` have some other rare kind, and at least `fewest` reports of the other corpus have
  any of it.

What is neither stays merged, and its share of each side is told beside the divergence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from enum import Enum

from synthfr.fidelity.divergence import jensen_shannon

OFTEN = 4  # far above what chance does


class Class(Enum):
    """What kinds that hardly any private patient has count as."""

    MERGED = "merged"
    APART = "apart"


@dataclass(frozen=True)
class Side:
    """A corpus: of each report the things in it, by kind (with repeats), and whom it is about."""

    held: Sequence[Sequence[Hashable]]
    owners: Sequence[Hashable]

    def having(self, kinds: Collection[Hashable]) -> set[Hashable]:
        """Who has any of them."""
        return {
            owner
            for owner, own in zip(self.owners, self.held, strict=True)
            if any(kind in kinds for kind in own)
        }

    def holders(self) -> Counter[Hashable]:
        """Of each kind, how many have it."""
        pairs = {
            (owner, kind) for owner, own in zip(self.owners, self.held, strict=True) for kind in own
        }
        return Counter(kind for _, kind in pairs)


@dataclass(frozen=True)
class Apart:
    """Figures in [0, 1].

    Attributes:
        js: Jensen-Shannon divergence; None where a side has nothing.
        merged: share of the other corpus' things that are of the merged class.
        apart: share of them that real reports hardly have.
    """

    js: float | None
    merged: float
    apart: float


class Kinds:
    """What `real` is compared by: `listed` are the kinds that at least `fewest` private patients
    have, of all private reports that are compared.
    """

    def __init__(self, real: Side, listed: Collection[Hashable], fewest: int) -> None:
        self._real, self._listed, self._fewest = real, listed, fewest
        self._counts = self._counted(real, ())
        self._has_rare = self.rare_patients(real) >= fewest

    @property
    def merged(self) -> float | None:
        """Share of the merged class in `real`; None where it is of fewer than `fewest` patients."""
        return _share(self._counts, Class.MERGED) if self._has_rare else None

    def rare_patients(self, side: Side) -> int:
        """How many of a side have a kind that is not listed."""
        return len(side.having(self._rare(side)))

    def apart(self, other: Side, often: float) -> Apart:
        """How far `other` is from `real`; `often`: owners of `other` who have what it has often."""
        rare = self._rare(other)
        holders = other.holders()
        full = {kind for kind in rare if holders[kind] >= often}
        rest = rare - full
        wide = self._has_rare and len(other.having(rest)) >= self._fewest
        if wide and len(self._real.having(rest)) < self._fewest:
            full |= rest
        counts = self._counted(other, full)
        return Apart(
            jensen_shannon(self._counts, counts),
            _share(counts, Class.MERGED),
            _share(counts, Class.APART),
        )

    def _rare(self, side: Side) -> set[Hashable]:
        return {kind for own in side.held for kind in own if kind not in self._listed}

    def _counted(self, side: Side, full: Collection[Hashable]) -> Counter[Hashable]:
        found: Counter[Hashable] = Counter()
        for kind, n in Counter(kind for own in side.held for kind in own).items():
            rare = Class.APART if kind in full else Class.MERGED
            found[kind if kind in self._listed else rare] += n
        return found


def _share(counts: Counter[Hashable], one: Class) -> float:
    return counts[one] / counts.total() if counts else 0.0
