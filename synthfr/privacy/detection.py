"""How large must a leak be for a test to see it? Measured by planting one.

A test that finds nothing says little unless we know what it would have found. So private training
reports are spiked into the very set that is audited, as they are and reworded, and the test is
asked again: its detection limit is the smallest number of spiked reports that it finds in most of
the repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Annotated, TypeVar

from pydantic import Field, field_validator

from synthfr import seeding
from synthfr.privacy.findings import Audit
from synthfr.privacy.sides import Sides
from synthfr.section import Count, ProperShare, Section

State = TypeVar("State")
# a report in other words: text, language, a seed and the parts that name the draw
Reword = Callable[[str, str, int], str]


class Detection(Section):
    """Parameters `privacy.detection`: see the comments in params.yaml."""

    spikes: Annotated[list[Count], Field(min_length=1)] = [1, 2, 5, 10, 20]
    repeats: Annotated[int, Field(ge=5, le=1000)] = 10
    power: ProperShare = 0.8

    @field_validator("spikes")
    @classmethod
    def _ascending(cls, spikes: list[int]) -> list[int]:
        if spikes != sorted(set(spikes)):
            raise ValueError("the numbers must rise: [1, 2, 5, 10, 20]")
        return spikes


@dataclass(frozen=True)
class Limits:
    """The least number of spiked reports that a test finds; None: not even the most that were
    spiked, or nothing was spiked, because it found a leak in the set as it is.
    """

    verbatim: int | None
    reworded: int | None

    def as_dict(self) -> dict[str, int | None]:
        """Numbers for the metrics file."""
        return {"verbatim": self.verbatim, "reworded": self.reworded}


UNKNOWN = Limits(None, None)


class Spikes:
    """Private training reports to plant: each repeat draws patients anew, one report of each, and
    a smaller spike is the first part of a larger one.
    """

    def __init__(self, sides: Sides, settings: Detection, reword: Reword, random_seed: int) -> None:
        self.settings = settings
        # more than train has patients cannot be spiked
        self.sizes = [size for size in settings.spikes if size <= sides.train_patients]
        most = max(self.sizes, default=0)
        drawn = [_drawn(sides, most, random_seed, repeat) for repeat in range(settings.repeats)]
        self.verbatim = [[sides.texts[at] for at in one] for one in drawn]
        other = {
            at: reword(
                sides.texts[at],
                sides.languages[at],
                seeding.derive(random_seed, "reword", sides.ids[at]),
            )
            for at in {at for one in drawn for at in one}
        }
        self.reworded = [[other[at] for at in one] for one in drawn]


def limits(audit: Audit[State], state: State, spikes: Spikes, alpha: float) -> Limits:
    """Of a test on the set that `state` was measured on: the least spike that
    ``finding.leaks(alpha)`` in a share `power` of the repeats.

    A leak that the test sees in the set as it is leaves nothing to measure: no limits. Power is
    taken to grow with the spike, and a reworded report to be no easier to find than a verbatim one:
    the sizes are halved in search of the limit, and a repeat too many is not run. A set in which
    train is already a little ahead by chance shows a smaller limit; it is the limit for this set.
    """
    if not spikes.sizes or audit.finding(state).leaks(alpha):
        return UNKNOWN

    def found(texts: Sequence[str]) -> bool:
        return audit.finding(audit.join(state, audit.measure(texts))).leaks(alpha)

    verbatim = _least(spikes.sizes, spikes.verbatim, found, spikes.settings.power)
    if verbatim is None:
        return UNKNOWN
    harder = [size for size in spikes.sizes if size >= verbatim]
    return Limits(verbatim, _least(harder, spikes.reworded, found, spikes.settings.power))


def curve(found: Mapping[str, Limits], spikes: Sequence[int]) -> list[dict[str, object]]:
    """Rows of a plot: for each test and way of copying its limit; beyond the largest spike where
    there is none.
    """
    return [
        {
            "test": test,
            "copied": way,
            "reports": limit if limit is not None else 2 * max(spikes),
            "found": int(limit is not None),
        }
        for test, one in found.items()
        for way, limit in one.as_dict().items()
    ]


def _least(
    sizes: Sequence[int],
    repeats: Sequence[Sequence[str]],
    found: Callable[[Sequence[str]], bool],
    power: float,
) -> int | None:
    """The smallest size at which enough repeats are found, by halving."""
    low, high = 0, len(sizes)  # beyond the last: none
    while low < high:
        middle = (low + high) // 2
        if _enough([one[: sizes[middle]] for one in repeats], found, power):
            high = middle
        else:
            low = middle + 1
    return sizes[high] if high < len(sizes) else None


def _enough(
    repeats: Sequence[Sequence[str]], found: Callable[[Sequence[str]], bool], power: float
) -> bool:
    """Whether at least a share `power` is found; ends as soon as that is sure either way."""
    wanted = ceil(power * len(repeats) - 1e-9)
    hits = misses = 0
    for texts in repeats:
        hits, misses = (hits + 1, misses) if found(texts) else (hits, misses + 1)
        if hits >= wanted or misses > len(repeats) - wanted:
            break
    return hits >= wanted


def _drawn(sides: Sides, most: int, random_seed: int, repeat: int) -> list[int]:
    """Positions of `most` training reports of different patients."""
    rng = seeding.rng(random_seed, "spikes", repeat)
    chosen: dict[int, int] = {}
    for at in rng.permutation(int(sides.is_train.sum())).tolist():
        chosen.setdefault(int(sides.patients[at]), at)
        if len(chosen) == most:
            break
    return list(chosen.values())
