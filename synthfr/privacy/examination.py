"""All that is asked of one set of synthetic reports: what it shares with private ones, every test,
its detection limit, and the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from synthfr.corpora import canaries
from synthfr.privacy import verdicts
from synthfr.privacy.audits import (
    AUDITS,
    WITHOUT_LIMIT,
    Audited,
    Make,
    Setup,
    measure,
    wants_codes,
)
from synthfr.privacy.best_match import BestMatches
from synthfr.privacy.canaries import CanaryAudit
from synthfr.privacy.description import describe
from synthfr.privacy.detection import Limits, Reword, Spikes, curve, limits
from synthfr.privacy.findings import Audit, Finding
from synthfr.privacy.review import Pair
from synthfr.privacy.settings import Privacy
from synthfr.privacy.sides import Sides, TooFewReports
from synthfr.privacy.verdicts import Judged
from synthfr.text.tokens import composed

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Private:
    """The private side: reports that the loop has used and others (REPORTS), the count below which
    none is written down, and what was planted in the former (CANARIES; None: nothing), which no
    test but that of canaries sees.
    """

    train: pd.DataFrame
    holdout: pd.DataFrame
    min_documents: int
    canaries: pd.DataFrame | None = None


@dataclass(frozen=True)
class Examination:
    """What was found.

    Attributes:
        described: what the reports share with private ones; no verdict rests on it.
        judged: the tests by name; none where a private side is too small for any.
        spikes: the sizes of planted leaks.
        pairs: synthetic reports with the train report nearest to each. Private.
    """

    described: Mapping[str, object]
    judged: Mapping[str, Judged]
    spikes: Sequence[int] = field(default_factory=list)
    pairs: Sequence[Pair] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """Numbers for the metrics file."""
        return {**self.described, **verdicts.as_dict(self.judged)}

    def limits(self) -> list[dict[str, object]]:
        """Rows of a plot of detection limits."""
        limits = {name: one.limits.as_dict() for name, one in self.judged.items()}
        return curve(limits, self.spikes)


def examine(
    synthetic: pd.DataFrame,
    private: Private,
    settings: Privacy,
    reword: Reword,
    random_seed: int,
) -> Examination:
    """Examine a step's data set (SYNTHETIC).

    A private side that is too small (`TooFewReports`) allows no test: the verdict is `cannot tell`.
    UserError where a report or a patient stands on both sides, and where there is no
    synthetic report.
    """
    train, holdout = private.train, private.holdout
    if private.canaries is not None:  # holdout has none: they are no difference of the reports
        train = canaries.removed(train, private.canaries)
    try:
        sides = Sides.of(train, holdout, random_seed)
    except TooFewReports:
        return Examination({}, {})
    texts = [composed(text) for text in synthetic["text"]]
    setup = Setup(sides, settings, random_seed, private.min_documents, private.canaries)
    described = describe(texts, train, holdout, sides, setup.index, settings, random_seed)
    judged = put_to_tests(Audited(texts, synthetic["codes"].tolist()), setup, reword)
    pairs = _pairs(described.closest, synthetic["report_id"].tolist(), texts, sides)
    return Examination(described.figures, judged, settings.detection.spikes, pairs)


def _pairs(
    closest: BestMatches, ids: Sequence[str], texts: Sequence[str], sides: Sides
) -> list[Pair]:
    nearest, shares = closest.reports[:, 0], closest.precisions[:, 0]
    return [
        Pair(name, text, sides.ids[at], sides.texts[at], float(share))
        for name, text, at, share in zip(ids, texts, nearest, shares, strict=True)
        if at >= 0
    ]


def put_to_tests(
    reports: Audited, setup: Setup, reword: Reword | None, audits: Mapping[str, Make] = AUDITS
) -> dict[str, Judged]:
    """Put `reports` to every test of `audits`, and judge the results together. Left out are tests
    that have nothing to look for: those of codes where the reports have none, those of identifiers
    or canaries where the private reports have none.

    Without `reword` no detection limit is measured, which takes most of the time: a set that does
    not fail then `cannot tell`.
    """
    from tqdm import tqdm  # type: ignore[import-untyped]

    made = {
        name: make(setup)
        for name, make in audits.items()
        if len(reports.codes) or not wants_codes(name)
    }
    tests = {name: audit for name, audit in made.items() if audit is not None}
    states: dict[str, Any] = {}
    findings: dict[str, Finding] = {}
    for name in (bar := tqdm(tests, desc="privacy tests", unit="test", disable=None)):
        bar.set_postfix_str(name)
        states[name] = measure(tests[name], reports)
        one = tests[name].finding(states[name])
        if one.exceeds or not one.measures.get("nothing_to_replay"):
            findings[name] = one
    found = _limits(tests, states, findings, setup, reword) if reword is not None else {}
    return verdicts.judge(list(findings.values()), found, setup.settings.gate)


def _limits(
    tests: Mapping[str, Audit[Any]],
    states: Mapping[str, Any],
    findings: Mapping[str, Finding],
    setup: Setup,
    reword: Reword,
) -> dict[str, Limits]:
    """Of each test with a finding, at the level that the first one must reach under Holm."""
    from tqdm import tqdm

    settings, sides = setup.settings, setup.sides
    alpha = verdicts.strictest(settings.gate.alpha, len(findings))
    # a planted leak of a canary is a report that holds one
    planted = setup.sides_with_canaries()
    anybody = Spikes.draw(sides, settings.detection, reword, setup.random_seed)
    holding = Spikes.draw(
        planted, settings.detection, reword, setup.random_seed, set(setup.planted)
    )
    found = {}
    measured = [name for name in findings if name not in WITHOUT_LIMIT]
    for name in (bar := tqdm(measured, desc="detection limits", unit="test", disable=None)):
        bar.set_postfix_str(name)
        of, spikes = (planted, holding) if name == CanaryAudit.name else (sides, anybody)
        test = tests[name]
        found[name] = limits(test, states[name], of, spikes, alpha, partial(_measured, test))
    return found


def _measured(audit: Audit[Any], texts: Sequence[str], codes: Sequence[Sequence[str]]) -> Any:
    return measure(audit, Audited(texts, codes))
