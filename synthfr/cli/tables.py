"""``synth-fr results``: the tables in the terminal."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from stages import layout
from synthfr.errors import UserError
from synthfr.params import load_params
from synthfr.report.results import METRICS, REFERENCES, Results, load, percent
from synthfr.report.times import read_times

METRICS_FOLDER = Path("metrics")
_WIDTH_IN_A_FILE = 132  # rich takes 80 where there is no terminal, and would wrap the numbers


def show_results() -> None:
    """macro-F1 and mAP of every size and top k: steps, gain, references; then the time it took."""
    found = load(METRICS_FOLDER, load_params().steps)
    if not found.sizes:
        raise UserError(f"{METRICS_FOLDER} holds no evaluation yet: `dvc repro` makes it.")
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_IN_A_FILE, highlight=False)
    for metric in METRICS:
        console.print(table(found, metric))
    console.print("Mean ± half the 95 % interval over the coder's seeds (one run of the loop).")
    if took := times(layout.TIMINGS):
        console.print(took)


def table(found: Results, metric: str) -> Table:
    """One metric in the form of the published table."""
    shown = Table(title=f"{METRICS[metric]} on private holdout reports", title_justify="left")
    for name in ("reports", "top k", *found.steps, f"{found.steps[-1]} vs {found.steps[0]}"):
        shown.add_column(name, justify="right", no_wrap=True)
    for name in REFERENCES.values():
        shown.add_column(name, justify="right", style="dim", no_wrap=True)
    previous = None
    for row in found.rows(metric):
        if previous not in (None, row.size):
            shown.add_section()
        cells = ["–" if one is None else str(one) for one in (*row.steps, *row.references)]
        n = len(row.steps)
        size = str(row.size) if row.size != previous else ""
        shown.add_row(size, str(row.top_k), *cells[:n], percent(row.gain), *cells[n:])
        previous = row.size
    return shown


def times(folder: Path) -> str:
    """Seconds of each stage's last run on this machine, summed over rounds and steps."""
    seconds: dict[str, float] = defaultdict(float)
    for name, took in read_times(folder).items():
        seconds[name.partition("@")[0]] += took["seconds"]
    if not seconds:
        return ""
    longest = sorted(seconds.items(), key=lambda one: -one[1])
    parts = ", ".join(f"{stage} {spent:.0f}" for stage, spent in longest)
    return f"The last run of every stage took {sum(seconds.values()):.0f} s in all: {parts}."
