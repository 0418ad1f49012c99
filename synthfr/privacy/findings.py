"""What an audit is, and what it finds: the one form in which every test hands over its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, Protocol, TypeVar

from synthfr.privacy.comparison import Compared
from synthfr.stats import Interval

# the three risks of the European data protection authorities (WP 216): can one person be told
# from all others; can two records be linked to one person; can something of them be inferred
Risk = Literal["individualisation", "correlation", "inference"]


@dataclass(frozen=True)
class Finding:
    """What one test found in one set of synthetic texts.

    Attributes:
        test: its name, as in the metrics file.
        risk: which of the three it is about.
        train, holdout, difference, p_value: see `Compared`; of a test that compares something else
            (an attack with its control) the two sides of that. The p value is one-sided: small only
            where train is ahead.
        exceeds: the figure passes an absolute limit that no chance explains, whatever `p_value`
            says (a copied passage longer than any formula).
        measures: more numbers for the metrics file: no counts below `min_documents`, no ids, no
            per-report rows.
    """

    test: str
    risk: Risk
    train: float
    holdout: float
    difference: Interval
    p_value: float
    exceeds: bool = False
    measures: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        test: str,
        risk: Risk,
        compared: Compared,
        *,
        exceeds: bool = False,
        measures: Mapping[str, object] | None = None,
    ) -> Finding:
        return cls(
            test,
            risk,
            compared.train,
            compared.holdout,
            compared.difference,
            compared.p_value,
            exceeds,
            measures or {},
        )

    def leaks(self, alpha: float) -> bool:
        """Whether it alone, at this level, says that private text was memorised. The p value is
        one-sided already; `difference` may be of another figure than it (of an attack: the share
        found with the fewest false alarms).
        """
        return self.exceeds or self.p_value <= alpha

    def as_dict(self) -> dict[str, object]:
        """Numbers for the metrics file."""
        return {
            "train": self.train,
            "holdout": self.holdout,
            "difference": self.difference.as_dict(),
            "p_value": self.p_value,
            "exceeds": int(self.exceeds),
            **self.measures,
        }


State = TypeVar("State")


class Audit(Protocol, Generic[State]):
    """One test, already set up with the private sides (`Sides`). What synthetic texts tell it can
    be put together from parts, so that a few private reports spiked into a large set cost a few
    reports: its detection limit is measured so.
    """

    name: str

    def measure(self, texts: Sequence[str]) -> State:
        """What these synthetic texts say about the private sides."""

    def join(self, one: State, more: State) -> State:
        """What they say together: ``join(measure(a), measure(b)) == measure(a + b)``."""

    def finding(self, state: State) -> Finding:
        """The result for the texts that the state is of."""
