"""Tables on privacy as text: the tests of a step, and what the channels of rounds give away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthfr.pipeline.page import baselines, privacy_part
from synthfr.pipeline.page.numbers import short
from synthfr.pipeline.page.text_tables import NOTHING, TextTable

# place in metrics/linkage -> title; what is not there is left out
_CHANNELS = {
    "by_prompts": "prompts alone",
    "by_candidates": "candidates' texts",
    "by_scores/published": "all score columns, as before `score.release`",
    "by_scores/raw": "`raw`: total, parts with a weight",
    "by_scores/raw_2_decimals": "the same, rounded to 2 decimals",
    "by_scores/order": "`order`",
    "by_scores/population": "`population`",
}
_FIGURES = {
    "among_all/auc": "AUC, the prompt looked for among all",
    "known_prompt/auc": "AUC, the prompt known",
    "linked": "linked",
}


def tests(step: str, tree: Mapping[str, Any]) -> TextTable | None:
    """Of a step's metrics/privacy; None where it has no verdict."""
    audited = privacy_part.audited(step, tree)
    if audited is None:
        return None
    head = ["train", "holdout", "difference [95 %]", "smallest leak found: copied", "reworded"]
    rows = [
        [
            f"`{one.name}`: {one.question.question}",
            *(one.used, one.unused, f"{one.difference} [{one.interval}]"),
            *(one.verbatim, one.reworded, one.verdict.words),
        ]
        for one in audited.tests
    ]
    title = f"{audited.title}, {audited.verdict.words}"
    return TextTable(title, ["test", *head, "verdict"], rows)


def channels(rounds: Mapping[str, Mapping[str, Any]]) -> TextTable | None:
    """Of the rounds' metrics/linkage, the rounds' figures one after the other; None where none was
    attacked.
    """
    rows = []
    for place, title in _CHANNELS.items():
        found = [[_at(tree, f"{place}/{name}") for tree in rounds.values()] for name in _FIGURES]
        if any(one is not None for figures in found for one in figures):
            cells = (
                " / ".join(NOTHING if one is None else short(one) for one in figures)
                for figures in found
            )
            rows.append([title, *cells])
    if not rows:
        return None
    of_rounds = " / ".join(map(baselines.title, rounds))
    return TextTable(of_rounds, ["who holds", *_FIGURES.values()], rows)


def _at(tree: Mapping[str, Any], place: str) -> float | None:
    found: Any = tree
    for name in place.split("/"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found.get("mean") if isinstance(found, Mapping) else None
