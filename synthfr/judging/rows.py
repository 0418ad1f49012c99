"""What the kinds of judging share: a candidate in, a judgement out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev


@dataclass(frozen=True)
class Candidate:
    """One candidate as the judge gets to see it."""

    prompt_id: str
    number: int
    text: str
    language: str

    @property
    def key(self) -> tuple[str, int]:
        return self.prompt_id, self.number

    @property
    def blank(self) -> bool:
        return not self.text.strip()


@dataclass(frozen=True)
class Judgement:
    """A row of JUDGEMENTS: everything in [0, 1], None where there is no answer."""

    prompt_id: str
    candidate: int
    judge: float | None = None
    language: float | None = None
    plausibility: float | None = None
    authenticity: float | None = None


def distribution(values: Sequence[float | None]) -> dict[str, float | None]:
    """Mean and standard deviation of what is not None; None when there is nothing."""
    there = [value for value in values if value is not None]
    return {"mean": fmean(there), "sd": pstdev(there)} if there else {"mean": None, "sd": None}
