"""Tables and sentences as text, for the terminal and the README; the page draws its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from synthfr.pipeline.page import baselines, faithfulness_figures
from synthfr.pipeline.page.measured import Measured
from synthfr.pipeline.page.numbers import percent, short
from synthfr.pipeline.page.results import KEPT, KEPT_TITLE, METRICS, REFERENCES, Results, load

NOTHING = "–"


@dataclass(frozen=True)
class TextTable:
    """Cells as a reader sees them, under column names."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def grid(results: Results, metric: str) -> TextTable:
    """One run in the published table's form: steps, gain, references, gap closed."""
    head = ["reports", "top k", *map(baselines.title, results.steps)]
    head += [baselines.gain_title(results.steps), *REFERENCES.values(), "gap closed"]
    rows = [
        [
            *(str(row.size), str(row.top_k)),
            *(NOTHING if one is None else str(one) for one in row.steps.values()),
            percent(row.gain),
            *(NOTHING if one is None else str(one) for one in row.references.values()),
            percent(row.gap_closed),
        ]
        for row in results.rows(metric)
    ]
    return TextTable(METRICS[metric], head, rows)


def kept_coder(measured: Measured, steps: Sequence[str]) -> list[TextTable]:
    """The same tables of the coder that is trained outside and kept; none where none was judged."""
    results = load(measured, steps, KEPT)
    tables = [grid(results, metric) for metric in METRICS if results.largest]
    return [replace(one, title=f"{one.title} of {KEPT_TITLE}") for one in tables]


def headline(results: Results) -> str | None:
    """What the rounds gained in the largest cell, in a sentence; None if it is not known."""
    rows = [row for row in results.rows() if row.gain is not None]
    if not rows:
        return None
    row = rows[-1]
    gains = {
        title: percent(results.row(row.size, row.top_k, metric).gain)
        for metric, title in METRICS.items()
    }
    (last, against) = baselines.title(results.steps[-1]), baselines.described(results.steps)
    chosen = row.best_baseline
    if chosen is not None and against != baselines.title(chosen[0]):
        against += f" (here {baselines.title(chosen[0])})"
    told = ", ".join(f"{title} {gain}" for title, gain in gains.items())
    cell = f"{row.size} reports, top {row.top_k}"
    by_rule = results.gains_by_rule(row.size, row.top_k)
    return f"Gain of {last} over {against}, {cell}: {told}{rule_range(by_rule)}."


def rule_range(gains: Mapping[str, float]) -> str:
    """Part of a sentence: where the gain in macro-F1 lies under all decision rules."""
    if len(gains) < 2:
        return ""
    low, high = (choose(gains.items(), key=lambda item: item[1]) for choose in (min, max))
    return (
        f"; under the {len(gains)} decision rules macro-F1 gains from {percent(low[1])} ({low[0]}) "
        f"to {percent(high[1])} ({high[0]})"
    )


def by_step(found: Mapping[str, Sequence[float | None]], steps: Sequence[str]) -> TextTable:
    """Faithfulness of one run, as `faithfulness.load` gives it."""
    rows = [
        [
            faithfulness_figures.title(name),
            *(NOTHING if value is None else short(value) for value in values),
        ]
        for name, values in found.items()
    ]
    return TextTable("faithfulness", ["measure", *map(baselines.title, steps)], rows)
