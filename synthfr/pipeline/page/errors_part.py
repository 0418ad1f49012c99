"""The page's part on what is left of errors: coders of every step beside the coder that learnt from
as many private reports, on the same holdout reports.

It shows what the stage `errors` tells. What that holds back (`keywords.min_documents`) is named so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthfr.pipeline.page import baselines, figures
from synthfr.pipeline.page.measured import Measured
from synthfr.pipeline.page.numbers import short
from synthfr.pipeline.page.results import REFERENCES, Estimate
from synthfr.pipeline.page.spread import bracketed
from synthfr.pipeline.page.text_tables import NOTHING
from synthfr.pipeline.page.values import Table, at, below, figure, filled

Titled = tuple[str, Table]  # a caption and its table
Trees = Mapping[str, Mapping[str, Any]]  # what was measured, by step or by a coder's name
Paths = Mapping[str, tuple[str, int]]  # title: path in a coder's figures, digits of a plain number

REAL, SYNTHETIC = "real", "synthetic"
HELD_BACK = "held back"
_MOST = 20  # families in a table
_PROFILE: Paths = {
    "codes a report that it gives": ("profile/predicted_per_document", 2),
    "codes a report has": ("profile/true_per_document", 2),
    "different codes that it gives": ("profile/predicted_distinct", 0),
    "different codes that reports have": ("profile/true_distinct", 0),
}
_CLASSES = {
    "exact": "one of training, exactly",
    "strict_subset": "part of one of training",
    "empty": "empty",
    "other": "none of these",
}
_COPYING: Paths = {
    f"{whose}: {title}": (f"copying/{sets}/{name}", 2)
    for sets, whose in {"predicted": "sets given", "true": "true sets"}.items()
    for name, title in _CLASSES.items()
}
_LEVELS = ("chapter", "category")
_KINDS = {  # of errors: what they are called, and whose family counts
    "false_positives": ("wrong", "true"),
    "false_negatives": ("missed", "given"),
}
_CORRELATIONS: Paths = {
    f"{title}: {name}": (f"{axis}/{name.lower()}", 2)
    for axis, title in {
        "frequency": "code, ln frequency",
        "length": "report, words",
    }.items()
    for name in ("Pearson", "Spearman")
}


@dataclass(frozen=True)
class Errors:
    """`curves`: an SVG, or nothing; tables with their captions."""

    curves: str
    tables: list[Titled]


def load(measured: Measured, steps: Sequence[str]) -> Errors:
    """Of the steps that were analysed; nothing where none was."""
    trees = {step: measured.of("errors", step) for step in steps}
    trees = {baselines.title(step): tree for step, tree in trees.items() if SYNTHETIC in tree}
    if not trees:
        return Errors("", [])
    last = list(trees.values())[-1]
    coders = {name: tree[SYNTHETIC] for name, tree in trees.items()}
    if REAL in last:  # the same coders beside every step
        coders[REFERENCES["private_train"]] = last[REAL]
    cell = f"{last.get('size', '')} reports, top {last.get('top_k', '')}"
    found = [
        (
            f"What coders give, and whether it is a code set that they were trained on, {cell}, "
            f"the coder's first seed [95 %]. “{HELD_BACK}”: of too few patients, or a figure of "
            "too few would follow",
            _table(coders, {**_PROFILE, **_COPYING}, null=HELD_BACK),
        )
    ]
    for level in _LEVELS:
        found += [
            (
                f"Wrong codes (false positives) and missed ones (false negatives) by {level}: has "
                "the report a relative of theirs? By chance: had a report's errors fallen on any "
                "code that could be one [95 %]",
                _table(coders, _families(coders, level), null=HELD_BACK),
            ),
            (
                f"The same errors in each {level} ({_MOST} with most of them), codes over all "
                "holdout reports",
                _by_family(coders, level),
            ),
        ]
    correlated = (
        "Does F1 of a code rise with how many private training reports have it, F1 of a report "
        "with its length? Correlations, F1 being the mean over the coder's seeds [95 %]",
        _table(coders, _CORRELATIONS, null=NOTHING),
    )
    tables = [(title, table) for title, table in [*found, correlated] if table.rows]
    return Errors(_curves(trees), tables)


def _table(coders: Trees, paths: Paths, *, null: str) -> Table:
    rows = [
        (title, [_cell(tree, path, digits, null) for tree in coders.values()])
        for title, (path, digits) in paths.items()
    ]
    return Table([*coders], filled(rows))


def _cell(tree: Mapping[str, Any], path: str, digits: int, null: str) -> str:
    """A figure with its interval, if it has one. `null`: what it is where the file has a null."""
    estimate = Estimate.read(below(tree, path))
    if estimate is not None:
        return bracketed(estimate, lambda value: short(value, 2))
    number = at(tree, path)
    if number is None:
        return null if _is_null(tree, path) else NOTHING
    return short(number, digits) if digits else figure(number, 0)


def _is_null(tree: Any, path: str) -> bool:
    """Whether a null stands at the path, or above it; not where there is nothing at all."""
    for part in path.split("/"):
        if not isinstance(tree, Mapping) or part not in tree:
            return False
        if (tree := tree[part]) is None:
            return True
    return False


def _families(coders: Trees, level: str) -> Paths:
    """Codes without a family are mostly none, which is held back for all coders: no row then."""
    found: dict[str, tuple[str, int]] = {}
    for kind, (errors, others) in _KINDS.items():
        path = f"families/{level}/{kind}"
        found |= {
            f"{errors} codes": (f"{path}/total", 0),
            f"{errors}, in the {level} of a {others} code": (f"{path}/within", 2),
            f"{errors}, in it by chance": (f"{path}/within_by_chance", 2),
            f"{errors}, in another {level}": (f"{path}/out", 2),
        }
        if any(below(tree, f"{path}/unmapped") for tree in coders.values()):
            found[f"{errors}, no ICD-10 code"] = (f"{path}/unmapped", 2)
    return found


def _by_family(coders: Trees, level: str) -> Table:
    """Errors of the last step and of the real coder by family, those with most of them first."""
    columns = {
        f"{errors}, {name}": (coders[name], f"families/{level}/{kind}/by_family")
        for kind, (errors, _) in _KINDS.items()
        for name in [*coders][-2:]
    }
    names = sorted({name for tree, path in columns.values() for name in below(tree, path) or ()})
    total = {
        name: sum(at(tree, f"{path}/{name}/codes") or 0 for tree, path in columns.values())
        for name in names
    }
    rows = [
        (
            "no ICD-10 code" if name == "unmapped" else name,
            [_cell(tree, f"{path}/{name}/codes", 0, HELD_BACK) for tree, path in columns.values()],
        )
        for name in sorted(names, key=lambda name: -total[name])[:_MOST]
        if total[name]  # told of one coder at least
    ]
    return Table([*columns], rows)


def _curves(trees: Trees) -> str:
    """F1 along both axes; nothing where no bin is told. The bins are the same for all coders."""
    by_code, by_report = _lines(trees, "frequency", "frequency"), _lines(trees, "length", "words")
    drawn = any((*by_code.values(), *by_report.values()))
    return figures.f1_curves(by_code, by_report) if drawn else ""


def _lines(trees: Trees, axis: str, place: str) -> figures.Lines:
    """(place, F1) of the bins that are told, of each step and of the real coder."""
    wanted = [(step, tree, SYNTHETIC) for step, tree in trees.items()]
    wanted += [(REFERENCES["private_train"], list(trees.values())[-1], REAL)]
    lines = {}
    for title, tree, coder in wanted:
        bins = (below(tree, f"curves/{axis}") or {}).values()
        points = [(at(one, place), at(one, coder)) for one in bins]
        lines[title] = sorted((x, y) for x, y in points if x is not None and y is not None)
    return lines
