"""Tables in the terminal: ``synth-fr results``, and what ``synth-fr seeds`` prints."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from synthfr.errors import UserError
from synthfr.pipeline import layout, since
from synthfr.pipeline.cli import demo_figures
from synthfr.pipeline.cli.seed_record import RECORD_PATH
from synthfr.pipeline.page import (
    faithfulness_figures,
    published,
    record,
    seed_tables,
    text_tables,
)
from synthfr.pipeline.page.measured import Measured
from synthfr.pipeline.page.results import METRICS, load
from synthfr.pipeline.page.times import read_times
from synthfr.pipeline.parameters import Params, load_params
from synthfr.pipeline.standing import Standing, told

_WIDTH_IN_A_FILE = 240  # rich takes 80 where there is no terminal, and would wrap the numbers


def show_results() -> None:
    """macro-F1 and mAP of every size and top k: baselines, steps, gain, references; how faithful
    the reports are; controls and headline over seeds, where this loop was measured so; then the
    time it took. All as far as it was measured in the present state; what is left out is named.

    Where nothing was ever measured, the figures that the demo is shipped with, named as such.
    """
    params = load_params()
    standing = Standing(params.model_dump(mode="json"), layout.store_folder(), opens_private=True)
    measured = Measured(layout.METRICS, standing.is_shown)
    left_out = told(standing.left_out(demo_figures.STAGES))
    out = console()
    if standing.is_current("page") and layout.TIMINGS.is_dir():
        since.tell(None)  # what ran since has changed no figure
    if load(measured, params.steps).sizes:
        _show_run(out, measured, params)
        for sentence in left_out:
            out.print(sentence)
        if took := times(layout.TIMINGS, standing):
            out.print(took)
        return
    shipped = demo_figures.read()
    if shipped is None or params.seed.source != "demo" or _evaluations():
        raise UserError(
            "No evaluation of the present state is here: `dvc repro` makes it. "
            + " ".join(left_out)
        )
    same = "the parameters that stand here" if demo_figures.is_of(params, shipped) else "OTHER ones"
    out.print(
        "Nothing was evaluated here yet: `dvc repro` does it. What follows is NOT of a run of "
        f"yours: it is the demo as it is shipped ({shipped}), made with {same}."
    )
    _show_run(out, demo_figures.FIGURES, params, "Shipped demo: ")


def _evaluations() -> list[Path]:
    """Files of whatever state."""
    return [*(layout.METRICS / "classify").glob("*.json")]


def _show_run(out: Console, measured: Measured, params: Params, whose: str = "") -> None:
    found = load(measured, params.steps)
    for metric, title in METRICS.items():
        table = text_tables.grid(found, metric)
        out.print(drawn(table, f"{whose}{title} on private holdout reports"))
    for table in text_tables.kept_coder(measured, params.steps):
        out.print(drawn(table, f"{whose}{table.title}"))
    if (theirs := published.beside_ours(found)) is not None:
        out.print(drawn(theirs, theirs.title))
    if measures := faithfulness_figures.load(measured, params.steps):
        table = text_tables.by_step(measures, params.steps)
        out.print(drawn(table, f"{whose}Faithfulness of the reports"))
    out.print("One run of the loop: mean ± half the 95 % interval over the coder's seeds only.")
    if headline := text_tables.headline(found):
        out.print(whose + headline)
    over_seeds = record.read(RECORD_PATH)
    if over_seeds is None:
        out.print("How sure that is, over seeds of the whole loop, `make repro-seeds` measures.")
    elif record.place_of(over_seeds, found, params.random_seed) is None:
        out.print(
            f"{RECORD_PATH} is of another loop, or of a processor that rounds otherwise: "
            "`make repro-seeds` measures this one over seeds."
        )
    else:
        show_controls(out, over_seeds)
        show_headline(out, over_seeds)


def show_seeds() -> None:
    """Everything that the record over seeds holds: headline, tables, controls, differences."""
    found = record.read(RECORD_PATH)
    if found is None:
        raise UserError(f"{RECORD_PATH} is missing: `make repro-seeds` makes it.")
    out = console()
    for metric, title in METRICS.items():
        named = ", ".join(map(str, found.seeds))
        out.print(drawn(seed_tables.grid(found, metric), f"{title}, seeds {named}"))
    show_controls(out, found)
    if (privacy := seed_tables.privacy(found)) is not None:
        out.print(drawn(privacy, privacy.title))
    for metric in METRICS:
        if (differences := seed_tables.differences(found, metric)) is not None:
            out.print(drawn(differences, differences.title))
    show_headline(out, found)


def show_controls(out: Console, found: record.Record) -> None:
    """What the last step is compared with, run by run, over seeds."""
    if (controls := seed_tables.controls(found)) is not None:
        out.print(drawn(controls, f"Baselines and controls over seeds, {controls.title}"))
    if (kept := seed_tables.kept_coder(found)) is not None:
        out.print(drawn(kept, f"The same over seeds, {kept.title}"))


def show_headline(out: Console, found: record.Record) -> None:
    """The gain over seeds of the whole loop, in a sentence."""
    told = seed_tables.headline(found)
    out.print(told or f"{RECORD_PATH}: no seed has the last step and every baseline.")


def console() -> Console:
    """As wide as the terminal; in a file, as wide as the tables."""
    width = None if sys.stdout.isatty() else _WIDTH_IN_A_FILE
    return Console(width=width, highlight=False, markup=False)


def drawn(table: text_tables.TextTable, title: str) -> Table:
    """A table for the terminal; rows that begin alike are one group (sizes)."""
    shown = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    first, *others = table.head
    shown.add_column(first)
    for name in others:
        shown.add_column(name, justify="right")
    previous = None
    for start, *cells in table.rows:
        shown.add_row("" if start == previous else start, *cells)
        previous = start
    return shown


def times(folder: Path, standing: Standing) -> str:
    """Seconds that the stages of the present state took when they last ran on this machine, summed
    over rounds and steps.
    """
    seconds: dict[str, float] = defaultdict(float)
    for name, took in read_times(folder).items():
        if standing.is_current(name):
            seconds[name.partition("@")[0]] += took["seconds"]
    if not seconds:
        return ""
    longest = sorted(seconds.items(), key=lambda one: -one[1])
    parts = ", ".join(f"{stage} {spent:.0f}" for stage, spent in longest)
    return f"The last run of every stage took {sum(seconds.values()):.0f} s in all: {parts}."
