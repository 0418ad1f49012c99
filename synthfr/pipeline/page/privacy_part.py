"""The page's part on privacy: one row a question, with what was found, what could have been found,
and the verdict; of steps and of rounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthfr.pipeline.page import baselines, figures, values
from synthfr.pipeline.page.measured import Measured
from synthfr.privacy.outcome import Verdict
from synthfr.privacy.rows import Row, rows

AUDITED = {  # title: path in the privacy file, digits
    "n-grams that are in train": ("train/containment", 4),
    "n-grams that are in holdout": ("holdout/containment", 4),
    "train minus holdout, per report": ("gap/report_share", 4),
    "longest run shared with train, words, mean": ("train/longest_run_words/mean", 1),
    "longest run shared with train, words, most": ("train/longest_run_words/max", 0),
}
FPR = 0.01
_TPR = ("tpr_at_1_percent", "tpr_at_fpr_1")  # where attacks write the share found at FPR


@dataclass(frozen=True)
class Audited:
    """A step or a round with its verdict and tests."""

    title: str
    verdict: Verdict
    tests: Sequence[Row]


@dataclass(frozen=True)
class PrivacyPart:
    """What the page shows; SVG, or nothing to draw."""

    steps: Sequence[Audited]
    rounds: Sequence[Audited]
    overlaps: values.Table
    overlap_figure: str
    sandwich: str


def load(measured: Measured, steps: Sequence[str], rounds: Sequence[str]) -> PrivacyPart:
    """From metrics/privacy, metrics/linkage and, where a guarantee was claimed, metrics/release."""
    trees = {step: measured.of("privacy", step) for step in steps}
    parts = {
        side: [values.at(tree, f"{side}/containment") for tree in trees.values()]
        for side in ("train", "holdout")
    }
    shared = [
        (title, [values.with_limits(tree, path, digits) for tree in trees.values()])
        for title, (path, digits) in AUDITED.items()
    ]
    linked = {one: measured.of("linkage", one) for one in rounds}
    overlaps = values.Table([*map(baselines.title, steps)], values.filled(shared))
    return PrivacyPart(
        steps=[one for step, tree in trees.items() if (one := audited(step, tree))],
        rounds=[one for name, tree in linked.items() if (one := audited(name, tree))],
        overlaps=overlaps,
        overlap_figure=figures.overlap(steps, parts) if overlaps.rows else "",
        sandwich=_sandwich(measured, trees, linked),
    )


def audited(name: str, tree: Mapping[str, Any]) -> Audited | None:
    """A step or round by its metrics; None where it has no verdict."""
    if "verdict" not in tree:
        return None
    return Audited(baselines.title(name), Verdict(tree["verdict"]), rows(tree))


def _sandwich(measured: Measured, steps: Mapping[str, Any], rounds: Mapping[str, Any]) -> str:
    """By round, the most that any attack could find by the guarantee of all scores so far, and the
    most that an attack has found; empty where nothing is guaranteed.
    """
    claimed = [measured.of("release", one).get("dp") for one in rounds]
    if not any(claimed):
        return ""
    from synthfr.dp.accounting import tpr_ceiling
    from synthfr.dp.claims import together

    ceilings: dict[str, float | None] = {}
    for number, name in enumerate(rounds, start=1):
        whole = together(claimed[:number])
        ceilings[name] = None if whole is None else tpr_ceiling(whole.mu, FPR)
    found = {name: _strongest((rounds[name], steps.get(name, {}))) for name in rounds}
    return figures.sandwich(ceilings, found, FPR)


def _strongest(trees: Sequence[Mapping[str, Any]]) -> tuple[float, float, float] | None:
    """Mean and limits of the attack that finds most at `FPR`."""
    shares = [
        one[name]
        for tree in trees
        for one in (tree.get("tests") or {}).values()
        for name in _TPR
        if isinstance(one.get(name), Mapping) and "low" in one[name]
    ]
    best = max(shares, key=lambda share: share["mean"], default=None)
    return None if best is None else (best["mean"], best["low"], best["high"])
