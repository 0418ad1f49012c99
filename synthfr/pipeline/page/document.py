"""``reports/index.html``: what the metrics, curves and data sets of all steps say, on one page."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthfr.disk import write_text
from synthfr.pipeline.page import (
    baselines,
    errors_part,
    faithfulness_figures,
    fidelity_part,
    figures,
    privacy_part,
    published,
    record,
    samples,
    scores,
    seed_tables,
    spread,
    text_tables,
    utility_part,
)
from synthfr.pipeline.page.measured import Measured
from synthfr.pipeline.page.numbers import percent, short
from synthfr.pipeline.page.results import METRICS, ORIGINAL, REFERENCES, Results, as_csv, load
from synthfr.pipeline.page.values import Table, at, figure, filled, real

HERE = Path(__file__).parent
CAVEATS = {
    "demo": "The corpora behind these figures are themselves machine-written from a small grammar: "
    "they show that the machinery works and say nothing about clinical realism.",
    "files": "These figures hold for the corpora of this run, and for this coder: what another "
    "hospital would see, or a reader of the reports, they cannot tell.",
}
CAVEATS["hub"] = CAVEATS["files"]  # whose private side is the user's own
ROUND_FIGURES = {  # title: metrics file of the round, path in it, digits
    "candidates": ("generate", "candidates", 0),
    "tokens a candidate": ("generate", "tokens_per_candidate", 1),
    "cut at the length limit, share": ("generate", "cut_share", 3),
    "distinct candidates, share": ("generate", "distinct_share", 3),
    "judge, mean": ("judge", "judge/mean", 3),
    "answers of the judge that were no use": ("judge", "unparsable", 0),
    "score, mean": ("release", "total/mean", 2),
    "best minus worst score, mean": ("release", "spread", 3),
    "pairs": ("pair", "counts/pairs", 0),
    "DPO steps": ("dpo", "steps", 0),
    "reward margin at the end": ("dpo", "margin", 3),
    "pairs ranked right at the end": ("dpo", "accuracy", 3),
    "chosen, log-probability lost a token": ("dpo", "chosen_logp_drop_per_token", 3),
    "tokens, chosen : rejected": ("dpo", "length_ratio", 3),
}
WATCHED = {  # title: feature of the fidelity file, digits
    "words a report": ("words_mean", 1),
    "distinct 3-grams": ("distinct_3", 3),
    "type/token ratio at equal size": ("unique_token_ratio_at_equal_size", 3),
    "asked keywords found": ("keyword_recall", 3),
}
DRAWN_FAITHFUL = ("code_recall", "wrong_codes", "hospital_share")


@dataclass(frozen=True)
class Sources:
    """Folders that hold ``<stage>/<item>`` files; whatever is missing, or not to be shown, is left
    out of the page.
    """

    metrics: Path
    plots: Path
    rounds: Path  # <round>/scores.parquet, as released
    synthetic: Path  # <step>/reports.parquet
    evidence: Path  # <step>.parquet
    record: Path  # the loop over seeds and its controls; shown if it is of this very loop
    is_shown: Callable[[Path], bool] = Path.is_file  # whether a file is of the present state

    @property
    def measured(self) -> Measured:
        return Measured(self.metrics, self.is_shown)

    def shown(self, paths: Mapping[str, Path]) -> dict[str, Path]:
        """Those of the files that are there and may be shown."""
        return {
            name: path for name, path in paths.items() if path.is_file() and self.is_shown(path)
        }


def write(
    sources: Sources,
    out: Path,
    *,
    steps: Sequence[str],
    rounds: Sequence[str],
    source: str,
    samples_per_step: int,
    random_seed: int,
    left_out: Sequence[str] = (),
) -> None:
    """Write ``index.html`` and ``results.csv`` to the folder `out`.

    `source` is the seed's (a key of `CAVEATS`): what the figures can and cannot show hangs on it.
    `left_out`: sentences on what is not shown, because it is not of the present state.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    measured = sources.measured
    results = load(measured, steps)
    faithful = faithfulness_figures.load(measured, steps)
    tables = {one: sources.rounds / one / "scores.parquet" for one in rounds}
    scored = scores.load(
        {one: path for one, path in tables.items() if sources.is_shown(path)},
        guaranteed=[one for one in rounds if "dp" in measured.of("release", one)],
    )
    written = sources.shown({one: sources.synthetic / one / "reports.parquet" for one in steps})
    evidence = sources.shown({one: sources.evidence / f"{one}.parquet" for one in steps})
    over_seeds = _over_seeds(sources.record, results, random_seed)
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "short": short, "parts": spread.parts}
    page = environment.get_template("page.html.j2").render(
        style=(HERE / "style.css").read_text(encoding="utf-8"),
        caveat=CAVEATS[source],
        left_out=left_out,
        results=results,
        metrics=METRICS,
        references=REFERENCES,
        rules=_rules(results),
        published=_beside_published(results),
        called=baselines.title,
        gain_title=baselines.gain_title(steps),
        against=baselines.described(steps),
        rule_range=text_tables.rule_range,
        figures=_figures(sources, results, rounds)
        | {"scores": figures.distributions(scored.totals) if scored.totals else ""}
        | {"faithful": _faithful_figure(steps, faithful)},
        on_scores=scored.notes,
        rounds=_round_table(measured, rounds),
        watched=_watch_table(measured, steps),
        faithful=_faithful_table(steps, faithful),
        on_privacy=privacy_part.load(measured, steps, rounds),
        on_utility=utility_part.load(measured, steps, over_seeds=bool(over_seeds)),
        on_errors=errors_part.load(measured, steps),
        on_fidelity=fidelity_part.load(measured, steps),
        seeds=over_seeds,
        samples=samples.load(written, samples_per_step, random_seed),
        evidence=samples.evidence(evidence),
    )
    write_text(out / "index.html", page)
    write_text(out / "results.csv", as_csv(results))


def _figures(sources: Sources, results: Results, rounds: Sequence[str]) -> dict[str, str]:
    """SVG by name; empty where there is nothing to draw."""
    steps = results.steps
    paths = {one: sources.plots / "dpo" / "history" / f"{one}.csv" for one in rounds}
    curves = {one: _rows(path) for one, path in paths.items() if sources.is_shown(path)}
    curves = {name: rows for name, rows in curves.items() if rows}
    fidelity = [sources.measured.of("fidelity", step) for step in steps]
    measures = {
        title: (
            [at(one, f"{name}/synthetic") for one in fidelity],
            real(fidelity, name),
        )
        for title, (name, _) in WATCHED.items()
    }
    measures = {title: one for title, one in measures.items() if any(one[0])}
    return {
        "by_step": figures.by_step(results) if results.sizes else "",
        "dpo": figures.dpo_curves(curves) if curves else "",
        "watch": figures.watch(steps, measures) if any(fidelity) else "",
    }


def _over_seeds(path: Path, results: Results, seed: int) -> dict[str, Any]:
    """Headline and tables of the record over seeds; empty where it is of another loop."""
    found = record.read(path)
    if found is None or record.place_of(found, results, seed) is None:
        return {}
    tables = (
        seed_tables.controls(found),
        seed_tables.kept_coder(found),
        seed_tables.privacy(found),
    )
    return {
        "headline": seed_tables.headline(found),
        "tables": [
            (table.title, Table(table.head[1:], [(row[0], row[1:]) for row in table.rows]))
            for table in tables
            if table is not None
        ],
    }


def _beside_published(results: Results) -> tuple[str, Table] | None:
    """Title and table; None where the publication has no figure of the cells measured here."""
    table = published.beside_ours(results)
    if table is None:
        return None
    rows = [(f"{int(size):,} reports, top {top_k}", cells) for size, top_k, *cells in table.rows]
    return table.title, Table(table.head[2:], rows)


def _rules(results: Results) -> list[tuple[str, str]]:
    """The other ways to judge the same coders that the files hold: (title, metric path)."""
    dropped = "reports without a known code dropped"
    found = {}
    if results.original is not None:
        found[results.original] = f"the original's evaluation: {dropped}, a probability above .5"
    found.setdefault(ORIGINAL, f"{dropped}, the decision rule as above (not the original's)")
    found |= {f"rules/{rule}": f"no report dropped, decision rule {rule}" for rule in results.rules}
    paths = {title: f"{path}/macro_f1" for path, title in found.items()}
    return [(title, path) for title, path in paths.items() if results.rows(path)]


def _round_table(measured: Measured, rounds: Sequence[str]) -> Table:
    rows = [
        (
            title,
            [figure(at(measured.of(stage, one), path), digits) for one in rounds],
        )
        for title, (stage, path, digits) in ROUND_FIGURES.items()
    ]
    return Table(rounds, filled(rows))


def _watch_table(measured: Measured, steps: Sequence[str]) -> Table:
    trees = [measured.of("fidelity", step) for step in steps]
    rows = [
        (
            title,
            [
                *(figure(at(tree, f"{name}/synthetic"), digits) for tree in trees),
                figure(real(trees, name), digits),
            ],
        )
        for title, (name, digits) in WATCHED.items()
    ]
    return Table([*map(baselines.title, steps), "private holdout"], filled(rows))


def _faithful_table(steps: Sequence[str], found: Mapping[str, Sequence[float | None]]) -> Table:
    rows = [
        (faithfulness_figures.title(name), [figure(value, 3) for value in values])
        for name, values in found.items()
    ]
    return Table([*map(baselines.title, steps)], rows)


def _faithful_figure(steps: Sequence[str], found: Mapping[str, Sequence[float | None]]) -> str:
    """The measures that say most; empty where nothing was measured."""
    drawn = {
        faithfulness_figures.title(name): (found[name], None)
        for name in DRAWN_FAITHFUL
        if name in found
    }
    return figures.watch(steps, drawn) if drawn else ""


def _rows(path: Path) -> list[dict[str, float]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    return [{key: float(value) for key, value in row.items() if value} for row in found]
