"""All that is asked of one set of synthetic texts: what it shares with private reports, every test,
its detection limit, and the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synthfr.privacy import verdicts
from synthfr.privacy.audits import AUDITS, Make
from synthfr.privacy.description import describe
from synthfr.privacy.detection import Limits, Reword, Spikes, curve, limits
from synthfr.privacy.findings import Finding
from synthfr.privacy.settings import Privacy
from synthfr.privacy.sides import FEWEST_REPORTS, Sides, composed
from synthfr.privacy.verdicts import Judged

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Examination:
    """What was found.

    Attributes:
        described: what the texts share with private reports; no verdict rests on it.
        judged: the tests by name; none where a private side is too small for any.
        spikes: the sizes of planted leaks.
    """

    described: Mapping[str, object]
    judged: Mapping[str, Judged]
    spikes: Sequence[int] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """Numbers for the metrics file."""
        return {**self.described, **verdicts.as_dict(self.judged)}

    def limits(self) -> list[dict[str, object]]:
        """Rows of a plot of detection limits."""
        return curve({name: one.limits for name, one in self.judged.items()}, self.spikes)


def examine(
    synthetic: Sequence[str],
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    settings: Privacy,
    reword: Reword,
    random_seed: int,
) -> Examination:
    """Examine a step's data set. Frames are of REPORTS.

    A private side of fewer than `FEWEST_REPORTS` reports allows no test: the verdict is `cannot
    tell`. UserError where a report or a patient stands on both sides, and where there is no
    synthetic report.
    """
    if min(len(train), len(holdout)) < FEWEST_REPORTS:
        return Examination({}, {})
    sides = Sides.of(train, holdout, random_seed)
    texts = [composed(text) for text in synthetic]
    described = describe(texts, train, holdout, sides, settings, random_seed)
    judged = examine_texts(texts, sides, settings, reword, random_seed)
    return Examination(described, judged, settings.detection.spikes)


def examine_texts(
    texts: Sequence[str],
    sides: Sides,
    settings: Privacy,
    reword: Reword,
    random_seed: int,
    audits: Mapping[str, Make] = AUDITS,
) -> dict[str, Judged]:
    """Put `texts` (NFC) to every test of `audits`, and judge the results together."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    made = {name: make(sides, settings, random_seed) for name, make in audits.items()}
    tests = {name: audit for name, audit in made.items() if audit is not None}
    alpha = verdicts.strictest(settings.gate.alpha, len(tests))
    spikes = Spikes(sides, settings.detection, reword, random_seed)
    findings: list[Finding] = []
    found: dict[str, Limits] = {}
    bar: Any
    with tqdm(tests.items(), desc="privacy tests", unit="test", disable=None) as bar:
        for name, audit in bar:
            bar.set_postfix_str(name)
            state = audit.measure(texts)
            findings.append(audit.finding(state))
            found[name] = limits(audit, state, spikes, alpha)
    return verdicts.judge(findings, found, settings.gate)
