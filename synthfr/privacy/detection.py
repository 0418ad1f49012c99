"""How large must a leak be for a test to see it? Measured by planting one.

A test that finds nothing says little unless we know what it would have found. So private training
reports are spiked into the very set that is audited, as they are and reworded, and the test is
asked again: its detection limit is the smallest number of spiked reports of which we may be sure,
by the repeats that found them, that it is found in most cases.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, exp, lgamma, log, log1p
from typing import Annotated, TypeVar

from pydantic import Field, field_validator, model_validator

from synthfr import seeding
from synthfr.privacy import comparison
from synthfr.privacy.findings import Audit
from synthfr.privacy.sides import Sides
from synthfr.section import Count, ProperShare, Section
from synthfr.stats import CONFIDENCE

State = TypeVar("State")
# a report in other words, from its text, its language and a seed
Reword = Callable[[str, str, int], str]


class Detection(Section):
    """Parameters `privacy.detection`: see the comments in params.yaml."""

    spikes: Annotated[list[Count], Field(min_length=1)] = [1, 2, 5, 10, 20]
    repeats: Annotated[int, Field(ge=5, le=1000)] = 30
    power: ProperShare = 0.8

    @field_validator("spikes")
    @classmethod
    def _ascending(cls, spikes: list[int]) -> list[int]:
        if spikes != sorted(set(spikes)):
            raise ValueError("the numbers must rise: [1, 2, 5, 10, 20]")
        return spikes

    @model_validator(mode="after")
    def _repeats_suffice(self) -> Detection:
        if hits_wanted(self.repeats, self.power) is None:
            least = ceil(log(1 - CONFIDENCE) / log(self.power) - 1e-9)
            raise ValueError(
                f"{self.repeats} repeats, all found, do not show a power of {self.power:g}: set "
                f"repeats to {least} or more"
            )
        return self


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


@dataclass(frozen=True)
class Spikes:
    """Private training reports to plant.

    Attributes:
        settings: how many, how often.
        sizes: those of ``settings.spikes`` that there are patients for.
        verbatim: of each repeat, positions of the reports (see `Sides`), each of another patient; a
            smaller spike is the first part of a larger one.
        reworded: text of each of these reports in other words.
    """

    settings: Detection
    sizes: tuple[int, ...]
    drawn: tuple[tuple[int, ...], ...]
    reworded: Mapping[int, str]

    @property
    def hits_wanted(self) -> int:
        return hits_wanted(self.settings.repeats, self.settings.power) or self.settings.repeats

    @classmethod
    def draw(
        cls,
        sides: Sides,
        settings: Detection,
        reword: Reword,
        random_seed: int,
        among: Collection[str] | None = None,
    ) -> Spikes:
        """Each repeat draws patients anew, one report of each. `among`: ids to choose from."""
        able = [
            at for at in range(int(sides.is_train.sum())) if among is None or sides.ids[at] in among
        ]
        most = len({int(sides.patients[at]) for at in able})
        sizes = tuple(size for size in settings.spikes if size <= most)
        drawn = tuple(
            _drawn(sides, able, max(sizes, default=0), random_seed, repeat)
            for repeat in range(settings.repeats)
        )
        reworded = {
            at: reword(
                sides.texts[at],
                sides.languages[at],
                seeding.derive(random_seed, "reword", sides.ids[at]),
            )
            for at in sorted({at for one in drawn for at in one})
        }
        return cls(settings, sizes, drawn, reworded)


def limits(
    audit: Audit[State],
    state: State,
    sides: Sides,
    spikes: Spikes,
    alpha: float,
    measure: Callable[[Sequence[str], Sequence[Sequence[str]]], State],
) -> Limits:
    """Of a test on the set that `state` was measured on: the least spike that
    ``finding.leaks(alpha)`` in enough of the repeats (`hits_wanted`). `measure` gives the state of
    texts with their codes.

    A leak that the test sees in the set as it is leaves nothing to measure: no limits. Power is
    taken to grow with the spike, and a reworded report to be no easier to find than a verbatim one:
    the sizes are halved in search of the limit, and a repeat too many is not run. A set in which
    train is already a little ahead by chance shows a smaller limit; it is the limit for this set.
    """
    if not spikes.sizes or audit.finding(state).leaks(alpha):
        return UNKNOWN

    def finds(texts: Mapping[int, str]) -> Callable[[Sequence[int]], bool]:
        def found(reports: Sequence[int]) -> bool:
            more = measure([texts[at] for at in reports], [sides.codes[at] for at in reports])
            with comparison.coarse():
                return audit.finding(audit.join(state, more)).leaks(alpha)

        return found

    as_they_are = {at: sides.texts[at] for at in spikes.reworded}
    verbatim = _least(spikes.sizes, spikes, finds(as_they_are))
    if verbatim is None:
        return UNKNOWN
    harder = [size for size in spikes.sizes if size >= verbatim]
    return Limits(verbatim, _least(harder, spikes, finds(spikes.reworded)))


def curve(
    found: Mapping[str, Mapping[str, int | None]], spikes: Sequence[int]
) -> list[dict[str, object]]:
    """Rows of a plot: for each test and way of copying its limit (`Limits.as_dict`); beyond the
    largest spike where there is none.
    """
    return [
        {
            "test": test,
            "copied": way,
            "reports": limit if limit is not None else 2 * max(spikes),
            "found": int(limit is not None),
        }
        for test, one in found.items()
        for way, limit in one.items()
    ]


def _least(
    sizes: Sequence[int], spikes: Spikes, found: Callable[[Sequence[int]], bool]
) -> int | None:
    """The smallest size at which enough repeats are found, by halving."""
    low, high = 0, len(sizes)  # beyond the last: none
    while low < high:
        middle = (low + high) // 2
        if _enough([one[: sizes[middle]] for one in spikes.drawn], found, spikes.hits_wanted):
            high = middle
        else:
            low = middle + 1
    return sizes[high] if high < len(sizes) else None


def hits_wanted(repeats: int, power: float) -> int | None:
    """The least number of repeats that must be found for the lower limit of their share to reach
    `power` (Clopper and Pearson 1934, one-sided, at `CONFIDENCE`): so many or more are then found
    with probability 1 - `CONFIDENCE` at most. None: even all do not suffice.
    """
    # not scipy's: it is asked when the parameters are read, and their import must stay light
    beyond, wanted = 0.0, None
    for hits in range(repeats, 0, -1):
        ways = lgamma(repeats + 1) - lgamma(hits + 1) - lgamma(repeats - hits + 1)
        beyond += exp(ways + hits * log(power) + (repeats - hits) * log1p(-power))
        if beyond > 1 - CONFIDENCE:
            break
        wanted = hits
    return wanted


def _enough(
    repeats: Sequence[Sequence[int]], found: Callable[[Sequence[int]], bool], wanted: int
) -> bool:
    """Whether at least so many are found; ends as soon as that is sure either way."""
    hits = misses = 0
    for reports in repeats:
        hits, misses = (hits + 1, misses) if found(reports) else (hits, misses + 1)
        if hits >= wanted or misses > len(repeats) - wanted:
            break
    return hits >= wanted


def _drawn(
    sides: Sides, able: Sequence[int], most: int, random_seed: int, repeat: int
) -> tuple[int, ...]:
    """Positions of `most` of the reports `able`, each of another patient."""
    rng = seeding.rng(random_seed, "spikes", repeat)
    chosen: dict[int, int] = {}
    for place in rng.permutation(len(able)).tolist():
        if len(chosen) == most:
            break
        chosen.setdefault(int(sides.patients[able[place]]), able[place])
    return tuple(chosen.values())
