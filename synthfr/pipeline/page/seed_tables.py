"""Tables and the headline over seeds of the whole loop, as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from synthfr.pipeline.page import baselines, faithfulness_figures, over_seeds, overlaps
from synthfr.pipeline.page.numbers import percent, short
from synthfr.pipeline.page.over_seeds import Comparison
from synthfr.pipeline.page.record import BEST_BASELINE, Record, Series, Tests
from synthfr.pipeline.page.results import KEPT_TITLE, METRICS, REFERENCES
from synthfr.pipeline.page.spread import SIGNIFICANT, bracketed, plus_minus
from synthfr.pipeline.page.text_tables import NOTHING, TextTable, rule_range
from synthfr.stats import FEWEST, Interval

_NEVER = Interval(float("nan"), float("nan"), float("nan"), 0)


def grid(record: Record, metric: str) -> TextTable:
    """Every size and top k: steps, the gain with its interval, references, the gap closed."""
    head = ["reports", "top k", *map(record.title, record.steps)]
    head += [baselines.gain_title(record.steps), *REFERENCES.values(), "gap closed"]
    n = len(record.seeds)
    rows = [
        [
            *(str(row.size), str(row.top_k)),
            *(_mean(row.mean(step), n) for step in record.steps),
            _relative(row.gain, n),
            *(_mean(row.mean(name), n) for name in REFERENCES),
            _relative(row.gap_closed, n),
        ]
        for row in over_seeds.comparisons(record, metric)
    ]
    return TextTable(METRICS[metric], head, rows)


def kept_coder(record: Record) -> TextTable | None:
    """`controls` of the coder that is kept; None where none was judged."""
    table = controls(record.of_kept)
    return None if table is None else replace(table, title=f"{table.title}, {KEPT_TITLE}")


def controls(record: Record) -> TextTable | None:
    """The largest cell run by run: steps, controls, references, how faithful each one's reports
    are, and the last step minus it; None if nothing was measured.

    Where the record has paired tests: what each run gains over the best baseline, and differences
    as they were tested. The number of seeds is that of the difference, and stands behind a mean
    that has another.
    """
    cell = over_seeds.largest(record)
    if cell is None:
        return None
    last = record.steps[-1]
    by_map = {(row.size, row.top_k): row for row in over_seeds.comparisons(record, "map")}
    columns = {METRICS["macro_f1"]: cell.cell}
    if (other := by_map.get((cell.size, cell.top_k))) is not None:
        columns[METRICS["map"]] = other.cell
    columns |= {
        faithfulness_figures.title(name): record.faithfulness[name]
        for name in faithfulness_figures.COLUMNS
        if any(_interval(one) for one in record.faithfulness.get(name, {}).values())
    }
    tests = record.tests if record.tested == (cell.size, cell.top_k) else {}
    rows = []
    for run in record.runs:
        own, difference = cell.mean(run), cell.minus(last, run)
        n = (difference or own or _NEVER).n
        means = [_mean(_interval(found.get(run, ())), n) for found in columns.values()]
        told = NOTHING if run == last or difference is None else _signed(difference)
        compared = [_relative(cell.gain_of(run), n), *_tested(tests, run, told)]
        compared = compared if tests else [told]
        rows.append([record.title(run), *means, *compared, str(n or NOTHING)])
    minus, against = f"{record.title(last)} minus this", baselines.described(record.steps)
    heads = [minus]
    if tests:
        marked = f"{minus} (* p < {short(SIGNIFICANT, 2)}, Holm)"
        heads = [f"{METRICS['macro_f1']} over {against}"]
        heads += [f"{METRICS[metric]}, {marked}" for metric in _metrics(tests)]
    if (best := tests.get("macro_f1", {}).get(BEST_BASELINE)) is not None:
        untold = [NOTHING] * (len(columns) + 1)
        compared = _tested(tests, BEST_BASELINE, NOTHING)
        rows.append([f"{against}, seed by seed", *untold, *compared, str(best.difference.n)])
    head = ["run", *columns, *heads, "seeds"]
    return TextTable(f"{cell.size} reports, top {cell.top_k}", head, rows)


def privacy(record: Record) -> TextTable | None:
    """What the reports of each step and control share with private documents, and how the gap
    between documents of the loop and unseen ones moved since the first trained step; None if
    nothing was measured.
    """
    unknown: Series = (None,) * len(record.seeds)
    gaps = record.privacy.get(overlaps.GAP, {})
    start = next(step for step in record.steps if step not in baselines.TITLES)
    rows = []
    for run in (*record.steps, *record.controls):
        columns = [record.privacy.get(name, {}).get(run, unknown) for name in overlaps.TITLES]
        means = [_interval(series) for series in columns]
        if not any(means):
            continue
        pair = (gaps.get(run, unknown), gaps.get(start, unknown))
        moved = None if run == start else over_seeds.seed_by_seed(lambda a, b: a - b, *pair)
        n = next(one.n for one in means if one is not None)
        told = NOTHING if moved is None else _signed(moved)
        rows.append([record.title(run), *(_mean(one, n) for one in means), told, str(n)])
    head = ["run", *overlaps.TITLES.values(), f"the same minus {start}'s", "seeds"]
    return TextTable("Overlap with private text", head, rows) if rows else None


def headline(record: Record) -> str | None:
    """What the rounds gained in the largest cell, over the baselines and over the public seed; None
    if it is not known.
    """
    cell = over_seeds.largest(record)
    if cell is None or (gain := cell.gain) is None:
        return None
    rows = {
        title: row
        for metric, title in METRICS.items()
        for row in over_seeds.comparisons(record, metric)
        if (row.size, row.top_k) == (cell.size, cell.top_k)
    }

    def gains(of: Callable[[Comparison], Interval | None]) -> str:
        return ", ".join(f"{title} {_relative(of(row), gain.n)}" for title, row in rows.items())

    seed = "public_seed"
    beside = (
        f" Over the same coder trained on the {REFERENCES[seed]}: "
        f"{gains(lambda row: row.gain_over(seed))}."
        if cell.gain_over(seed) is not None
        else ""
    )
    by_rule = over_seeds.gains_by_rule(record, cell.size, cell.top_k)
    means = {rule: one.mean for rule, one in by_rule.items()}
    return (
        f"Gain of {record.title(record.steps[-1])} over {_against(record, cell)}, at {cell.size} "
        f"reports and top {cell.top_k}: {gains(lambda row: row.gain)} "
        f"({_seeds(gain.n)}){rule_range(means)}.{beside} Commit {record.commit}."
    )


def differences(record: Record, metric: str) -> TextTable | None:
    """In the largest cell: the last step minus the public seed, and each step minus the one before;
    None if nothing was measured.
    """
    cell, steps = over_seeds.largest(record, metric), record.steps
    if cell is None:
        return None
    pairs = [(steps[-1], "public_seed"), *zip(steps[1:], steps, strict=False)]
    found = {
        f"{record.title(after)} minus {record.title(before)}": cell.minus(after, before)
        for after, before in pairs
    }
    rows = [[title, _signed(one), str(one.n)] for title, one in found.items() if one is not None]
    title = f"{METRICS[metric]}, {cell.size} reports, top {cell.top_k}"
    return TextTable(title, ["difference", "mean and 95 % interval", "seeds"], rows)


def _metrics(tests: Tests) -> list[str]:
    """Metrics that were tested, in the order of tables."""
    return [metric for metric in METRICS if metric in tests]


def _tested(tests: Tests, run: str, untested: str) -> list[str]:
    """For each metric the last step minus the run as it was tested, marked where it is significant;
    of macro-F1 else the difference of means.
    """
    cells = []
    for metric in _metrics(tests):
        found = tests[metric].get(run)
        if found is None:
            cells.append(untested if metric == "macro_f1" else NOTHING)
        else:
            cells.append(f"{_signed(found.difference)}{' *' if found.is_significant else ''}")
    return cells


def _against(record: Record, cell: Comparison) -> str:
    """The baseline, and if there are several, how often each was the better."""
    counts = cell.better_baselines
    text = baselines.described(record.steps)
    if len(counts) == 1:
        return text
    n = sum(counts.values())
    told = ", ".join(f"{record.title(name)} in {count}" for name, count in counts.items() if count)
    return f"{text}, seed by seed (the better one: {told} of {n})"


def _seeds(n: int) -> str:
    """How sure a gain is."""
    if n < FEWEST:
        return f"{n} seed{'s' * (n > 1)} of the whole loop: no interval"
    return f"95 % intervals over {n} seeds of the whole loop"


def _interval(series: Series) -> Interval | None:
    return over_seeds.seed_by_seed(lambda value: value, series)


def _mean(one: Interval | None, n: int) -> str:
    """Mean ± half the interval; the number of seeds where it is not `n`."""
    if one is None:
        return NOTHING
    return plus_minus(one) + _if_not(n, one)


def _relative(one: Interval | None, n: int) -> str:
    if one is None:
        return NOTHING
    return bracketed(one, percent) + _if_not(n, one)


def _signed(one: Interval) -> str:
    return bracketed(one, lambda value: short(value, sign=True))


def _if_not(n: int, one: Interval) -> str:
    """The number of seeds, where it is another one than `n` and not told yet."""
    return "" if one.n == n or len(one.values) > 1 else f" (n = {one.n})"
