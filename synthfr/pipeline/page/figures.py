"""Figures of the report as inline SVG: text stays text, colours follow the page's light or dark.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; lines differ by marker too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from math import inf
from typing import TYPE_CHECKING, Any

from synthfr.pipeline.page import baselines
from synthfr.pipeline.page.results import METRICS, REFERENCES, Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#123456"  # stands for the page's text colour until the SVG is written
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
_PANEL_WIDTH, _HEIGHT = 3.0, 2.5  # inches
_PX_PER_INCH = 96
_MOST_TICKS = 8  # on an axis where each is a number of its own

Curves = Mapping[str, Sequence[Mapping[str, float]]]
Lines = Mapping[str, Sequence[tuple[float, float]]]  # points (x, y) by name


def by_step(results: Results, metric: str = "macro_f1") -> str:
    """A metric by step, a panel for each top k, a line with its 95 % band for each size."""
    with _style(metric):
        figure, axes = _panels([f"top {top_k}" for top_k in results.top_k])
        places = range(len(results.steps))
        for axis, top_k in zip(axes, results.top_k, strict=True):
            for number, size in enumerate(results.sizes):
                found = [
                    (place, one)
                    for place, step in zip(places, results.steps, strict=True)
                    if (one := results.estimate(step, size, top_k, metric))
                ]
                xs = [place for place, _ in found]
                colour = PALETTE[number % len(PALETTE)]
                axis.plot(
                    xs,
                    [one.mean for _, one in found],
                    color=colour,
                    marker=MARKERS[number % len(MARKERS)],
                    label=f"{size} reports",
                )
                lows = [one.mean if one.low is None else one.low for _, one in found]
                highs = [one.mean if one.high is None else one.high for _, one in found]
                axis.fill_between(xs, lows, highs, color=colour, alpha=0.15, linewidth=0)
            for name, style in zip(REFERENCES, (":", "--"), strict=True):
                reached = [
                    (size, one)
                    for size in results.sizes
                    if (one := results.estimate(name, size, top_k, metric)) is not None
                ]
                if reached:
                    size, one = reached[-1]
                    label = f"{REFERENCES[name]}, {size} reports"
                    axis.axhline(one.mean, color=INK, linestyle=style, label=label)
            axis.set_xticks(list(places), _ticks(results.steps))
        axes[0].set_ylabel(METRICS[metric])
        _share_y(axes, within=(0.0, 1.0))
        return _svg(figure)


def distributions(scores: Mapping[str, Sequence[float]]) -> str:
    """Totals of all candidates of each round; a dashed line repeats the first round's mean."""
    with _style("scores"):
        figure, axes = _panels(list(scores))
        values = [value for some in scores.values() for value in some]
        low, high = min(values), max(values)
        width = (high - low) / 30 or 1.0
        edges = [low + width * number for number in range(31)]
        first = _mean(next(iter(scores.values())))
        for axis, some in zip(axes, scores.values(), strict=True):
            axis.hist(some, bins=edges, color=PALETTE[0], alpha=0.75)
            axis.axvline(first, color=INK, linestyle="--", label="mean of the first round")
            axis.axvline(_mean(some), color=PALETTE[1], label="mean of this round")
            axis.set_xlabel("total score")
        axes[0].set_ylabel("candidates")
        _share_y(axes)
        return _svg(figure)


def dpo_curves(curves: Curves) -> str:
    """Loss, margin and accuracy of every round by optimiser step; dots: on validation pairs."""
    wanted = {"loss": "loss", "margin": "reward margin", "accuracy": "pairs ranked right"}
    with _style("dpo"):
        figure, axes = _panels(list(wanted.values()))
        for axis, column in zip(axes, wanted, strict=True):
            for number, (name, rows) in enumerate(curves.items()):
                colour = PALETTE[number % len(PALETTE)]
                axis.plot(*_points(rows, column), color=colour, label=name)
                marker = MARKERS[number % len(MARKERS)]
                axis.plot(*_points(rows, f"eval_{column}"), marker, color=colour, markersize=4)
            axis.set_xlabel("optimiser step")
        return _svg(figure)


def watch(
    steps: Sequence[str], measures: Mapping[str, tuple[Sequence[float | None], float | None]]
) -> str:
    """What a policy that is rewarded too hard gives up, by step.

    `measures`: title: (value at each step, value of real reports: a dashed line).
    """
    with _style("watch"):
        figure, axes = _panels(list(measures))
        for axis, (values, real) in zip(axes, measures.values(), strict=True):
            found = [(place, value) for place, value in enumerate(values) if value is not None]
            xs, ys = zip(*found, strict=True) if found else ((), ())
            axis.plot(xs, ys, color=PALETTE[0], marker="o", label="synthetic")
            if real is not None:
                axis.axhline(real, color=INK, linestyle="--", label="private holdout")
            axis.set_xticks(range(len(steps)), _ticks(steps))
            axis.margins(y=0.25)
        return _svg(figure)


def f1_curves(by_code: Lines, by_report: Lines) -> str:
    """F1 of a code against ln of its frequency, and of a report against its words: a line for each
    step, dashed for private train.
    """
    real = REFERENCES["private_train"]
    with _style("errors"):
        figure, axes = _panels(["F1 of a code", "F1 of a report"], width=4.0)
        for axis, lines in zip(axes, (by_code, by_report), strict=True):
            for number, (name, points) in enumerate(lines.items()):
                axis.plot(
                    [x for x, _ in points],
                    [y for _, y in points],
                    color=INK if name == real else PALETTE[number % len(PALETTE)],
                    linestyle="--" if name == real else "-",
                    marker=MARKERS[number % len(MARKERS)],
                    label=name,
                )
        axes[0].set_xscale("log")
        places = sorted({x for points in by_code.values() for x, _ in points})
        places = places[:: 1 + len(places) // _MOST_TICKS]
        axes[0].set_xticks(places, [f"{place:.0f}" for place in places])
        axes[0].set_xticks([], minor=True)
        axes[0].set_xlabel("private training reports with the code (ln scale)")
        axes[1].set_xlabel("words")
        _share_y(axes, within=(0.0, 1.0))
        return _svg(figure)


def overlap(steps: Sequence[str], parts: Mapping[str, Sequence[float | None]]) -> str:
    """Share of the synthetic n-grams that are in private reports, of each side, by step."""
    with _style("privacy"):
        figure, axes = _panels([""], width=5.0)
        for number, (name, values) in enumerate(parts.items()):
            found = [(place, value) for place, value in enumerate(values) if value is not None]
            xs, ys = zip(*found, strict=True) if found else ((), ())
            axes[0].plot(xs, ys, color=PALETTE[number], marker=MARKERS[number], label=name)
        axes[0].set_xticks(range(len(steps)), _ticks(steps))
        axes[0].set_ylim(bottom=0)
        axes[0].set_ylabel("share of n-grams")
        return _svg(figure)


def sandwich(
    ceilings: Mapping[str, float | None],
    found: Mapping[str, tuple[float, float, float] | None],
    fpr: float,
) -> str:
    """By round: the most that any attack could find by the guarantee, the most that one has found
    (with its limits), and chance.
    """
    with _style("sandwich"):
        figure, axes = _panels([""], width=5.0)
        places = {name: place for place, name in enumerate(ceilings)}
        bounds = [(places[name], one) for name, one in ceilings.items() if one is not None]
        xs, ys = zip(*bounds, strict=True) if bounds else ((), ())
        axes[0].plot(xs, ys, color=PALETTE[1], marker="v", label="ceiling of the guarantee")
        for name, one in found.items():
            if one is not None:
                mean, low, high = one
                axes[0].errorbar(
                    places[name], mean, [[mean - low], [high - mean]], color=PALETTE[0],
                    marker="o", capsize=3, label="strongest attack",
                )  # fmt: skip
        axes[0].axhline(fpr, color=INK, linestyle="--", label="chance")
        axes[0].set_xticks(list(places.values()), list(places))
        axes[0].set_ylim(0, 1)
        axes[0].set_ylabel(f"found at {fpr:.0%} false alarms")
        return _svg(figure)


def _ticks(steps: Sequence[str]) -> list[str]:
    """Titles of the steps, on as many lines as they have words: panels are narrow."""
    return [baselines.title(step).replace(" ", "\n") for step in steps]


@contextmanager
def _style(name: str) -> Iterator[None]:
    import matplotlib

    style: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,  # ids depend on it alone, and differ from figure to figure
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": INK,
        "grid.alpha": 0.15,
        "text.color": INK,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.titlesize": 9,
        "xtick.color": INK,
        "ytick.color": INK,
        "lines.linewidth": 1.6,
        "lines.markersize": 5,
    }
    with matplotlib.rc_context(style):
        yield


def _panels(titles: Sequence[str], width: float = _PANEL_WIDTH) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * len(titles), _HEIGHT), layout="constrained")
    axes = [figure.add_subplot(1, len(titles), place + 1) for place in range(len(titles))]
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title)
    return figure, axes


def _svg(figure: Figure) -> str:
    """The figure with one legend below its panels, as an element for the page."""
    _legend(figure)
    buffer = StringIO()
    metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    # as wide as its panels need, so that text is equally large in every figure
    width = f'width="{figure.get_figwidth() * _PX_PER_INCH:.0f}"'
    text = re.sub(r' width="[\d.]+pt" height="[\d.]+pt"', f" {width}", text, count=1)
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    return text.replace(INK, "currentColor").replace("<svg ", '<svg aria-hidden="true" ', 1)


def _legend(figure: Figure) -> None:
    handles: dict[str, Any] = {}
    for axis in figure.axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(str(label), handle)
    if handles:
        figure.legend(
            list(handles.values()),
            list(handles),
            loc="outside lower center",
            ncols=min(len(handles), 3 * len(figure.axes)),
            frameon=False,
        )


def _share_y(axes: Sequence[Axes], within: tuple[float, float] = (-inf, inf)) -> None:
    limits = [axis.get_ylim() for axis in axes]
    low, high = min(low for low, _ in limits), max(high for _, high in limits)
    for axis in axes:
        axis.set_ylim(max(low, within[0]), min(high, within[1]))


def _points(rows: Sequence[Mapping[str, float]], column: str) -> tuple[list[float], list[float]]:
    found = [(row["step"], row[column]) for row in rows if column in row]
    return [x for x, _ in found], [y for _, y in found]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
