"""What the tests of one set say together: `pass`, `fail`, or `cannot tell`.

Each test alone errs with probability alpha; of ten, one would often accuse a harmless set. So the p
values are corrected together (Holm 1979). And a test that finds nothing passes only if it would
have found a leak of the size that the gate names: its detection limit was measured.

What a test of a difference cannot see: one private report repeated word for word raises the figure
of train by one report in a thousand, which chance does as well. Such a leak is found by an absolute
limit (`Finding.exceeds`: a copied passage longer than any formula), which no correction touches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import field_validator

from synthfr.privacy.comparison import COARSE_PERMUTATIONS
from synthfr.privacy.detection import UNKNOWN, Limits
from synthfr.privacy.findings import Finding, Risk
from synthfr.privacy.outcome import Verdict
from synthfr.section import Count, ProperShare, Section
from synthfr.stats import holm

MOST_TESTS = 9  # of one set
RISKS: tuple[Risk, ...] = get_args(Risk)  # numbered so in the metrics file


class Gate(Section):
    """Parameters `privacy.gate`: see the comments in params.yaml."""

    alpha: ProperShare = 0.05
    verbatim: Count = 20
    reworded: Count | None = None
    rounds: Literal["warn", "refuse"] = "warn"

    @field_validator("alpha")
    @classmethod
    def _within_reach(cls, alpha: float) -> float:
        """A level that no p value can reach would find no planted leak, and no real one."""
        smallest = 1 / (1 + COARSE_PERMUTATIONS)
        if strictest(alpha, MOST_TESTS) < smallest:
            raise ValueError(
                f"alpha {alpha:g} over up to {MOST_TESTS} tests asks for p values below "
                f"{smallest:g}, the smallest that {COARSE_PERMUTATIONS} permutations give: set "
                f"privacy.gate.alpha to {1.1 * MOST_TESTS * smallest:.2g} or more"
            )
        return alpha


@dataclass(frozen=True)
class Judged:
    """A test's finding, its p value after the correction, its limits and its verdict."""

    finding: Finding
    adjusted_p: float
    limits: Limits
    verdict: Verdict

    def as_dict(self) -> dict[str, object]:
        """Numbers for the metrics file."""
        return {
            **self.finding.as_dict(),
            "risk": RISKS.index(self.finding.risk),
            "adjusted_p": self.adjusted_p,
            "detection": self.limits.as_dict(),
            "verdict": int(self.verdict),
        }


def strictest(alpha: float, tests: int) -> float:
    """Level that the first of `tests` must reach under Holm's correction: limits are measured
    there, so that a leak which one test alone sees is found by the gate too.
    """
    return alpha / max(tests, 1)


def judge(
    findings: Sequence[Finding], limits: Mapping[str, Limits], gate: Gate
) -> dict[str, Judged]:
    """Test name -> verdict. `limits` by test name; a test without is one of unknown limit."""
    adjusted = holm([one.p_value for one in findings])
    judged = {}
    for one, p_value in zip(findings, adjusted, strict=True):
        limit = limits.get(one.test, UNKNOWN)
        verdict = _verdict(one, p_value, _suffices(limit, gate), gate)
        judged[one.test] = Judged(one, p_value, limit, verdict)
    return judged


def overall(judged: Mapping[str, Judged]) -> Verdict:
    """The worst; nothing tested is nothing told."""
    return max((one.verdict for one in judged.values()), default=Verdict.CANNOT_TELL)


def as_dict(judged: Mapping[str, Judged]) -> dict[str, object]:
    """``{"verdict": 0 | 1 | 2, "tests": {name: ...}}``: what the page, the card, the dossier and
    the gate read, of steps and of rounds.
    """
    return {
        "verdict": int(overall(judged)),
        "tests": {name: one.as_dict() for name, one in judged.items()},
    }


def _verdict(finding: Finding, adjusted_p: float, sees: bool, gate: Gate) -> Verdict:
    if finding.exceeds or adjusted_p <= gate.alpha:
        return Verdict.FAIL
    return Verdict.PASS if sees else Verdict.CANNOT_TELL


def _suffices(limits: Limits, gate: Gate) -> bool:
    wanted = ((limits.verbatim, gate.verbatim), (limits.reworded, gate.reworded))
    return all(most is None or (one is not None and one <= most) for one, most in wanted)
