"""How far two corpora are apart in kinds of things (codes, words, ...), told without telling what
few patients have.

Three rules, the same for a synthetic corpus and for another private one (so that the two can be
compared). Of a private side each asks only whether at least `fewest` patients have something:

* A kind that at least `fewest` of both sides have stands by itself.
* What hardly any of one side has and very many of the other have (`OFTEN` times as many as can be
  hidden) counts as what the one has not. So does all that is left of the other corpus together, if
  very many there have some of it and fewer than `fewest` patients of `real`: corpora of rare kinds
  that share nothing are apart.
* The rest is one class, ``MERGED``. Where fewer than `fewest` patients of a private side have any
  of it, the divergence leaves it out of both sides: it then compares the other kinds alone.

Which merged kinds a corpus has makes no difference, so there it may differ by more than the
divergence says: the merged share of both sides is told beside it.

The rules are about single figures, and are no differential privacy. Each figure tells on which side
of a threshold a few questions lie, and for every corpus that is compared they are other questions:
figures of several steps together tell more than one does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from synthfr.fidelity.divergence import jensen_shannon

OFTEN = 5  # far above what chance does


class Class(Enum):
    """What kinds that do not stand by themselves count as."""

    MERGED = "merged"
    APART = "apart"


Classes = Mapping[Hashable, Class]  # of kinds that do not stand by themselves


@dataclass(frozen=True)
class Side:
    """A corpus: of each report the things in it, by kind (with repeats), and whom it is about."""

    held: Sequence[Sequence[Hashable]]
    owners: Sequence[Hashable]

    def having(self, kinds: Collection[Hashable]) -> int:
        """How many owners have any of them."""
        pairs = zip(self.owners, self.held, strict=True)
        return len({owner for owner, own in pairs if any(kind in kinds for kind in own)})

    def holders(self) -> Counter[Hashable]:
        """Of each kind, how many owners have it."""
        pairs = {
            (owner, kind) for owner, own in zip(self.owners, self.held, strict=True) for kind in own
        }
        return Counter(kind for _, kind in pairs)

    def counted(self, classes: Classes) -> Counter[Hashable]:
        """All things: of each class, and of each kind that is in none."""
        return Counter(classes.get(kind, kind) for own in self.held for kind in own)

    def share(self, classes: Classes, one: Class) -> float:
        """Share of a class, in [0, 1], each kind counted once a report: one who repeats a thing is
        not most of the share.
        """
        found = Counter(classes.get(kind, kind) for own in self.held for kind in set(own))
        return found[one] / found.total() if found else 0.0


@dataclass(frozen=True)
class Apart:
    """Figures in [0, 1]; a share is None where it is of fewer than `fewest` private patients.

    Attributes:
        js: Jensen-Shannon divergence; None where a side has nothing that is compared.
        merged: share of the other corpus that is of the merged class.
        merged_real: share of `real` that is of it.
        apart: share of the other corpus that hardly any patient of `real` has.
    """

    js: float | None
    merged: float | None
    merged_real: float | None
    apart: float | None


def apart(real: Side, other: Side, fewest: int, private: bool) -> Apart:
    """How far `other` is from `real`, which is private; `private`: is `other`, too? If it is not,
    each of its reports must have an owner of its own. Equal corpora are at 0, if anything of them
    is compared.
    """
    many = max(1, OFTEN * (fewest - 1))
    often = many if private else _often(real, fewest)
    of_real, of_other = real.holders(), other.holders()
    alone = {kind for kind, n in of_real.items() if min(n, of_other[kind]) >= fewest}
    real_classes = {
        kind: Class.MERGED for kind, n in of_real.items() if kind not in alone and n < many
    }
    classes = {
        kind: Class.APART if n >= often else Class.MERGED
        for kind, n in of_other.items()
        if kind not in alone
    }
    rest = {kind for kind, one in classes.items() if one is Class.MERGED}
    n_rest = other.having(rest)
    if n_rest >= often and real.having(rest) < fewest:
        classes |= dict.fromkeys(rest, Class.APART)
    few_real = real.having(real_classes) < fewest
    few_other = private and n_rest < fewest
    counts = real.counted(real_classes), other.counted(classes)
    if few_real or few_other:
        for side in counts:
            del side[Class.MERGED]
    return Apart(
        jensen_shannon(*counts),
        None if few_other else other.share(classes, Class.MERGED),
        None if few_real else real.share(real_classes, Class.MERGED),
        None if few_other else other.share(classes, Class.APART),
    )


def _often(real: Side, fewest: int) -> int:
    """How many reports of unknown patients must have what hardly any patient of `real` has, for it
    to be apart: more than `fewest` - 1 patients could be, with as many reports each as in `real`.
    """
    hidden = fewest - 1
    reports = sorted(Counter(real.owners).values(), reverse=True)
    average = len(real.owners) / len(reports)
    return max(round(OFTEN * hidden * average), 1 + sum(reports[:hidden]))
