"""The page's tables on utility beyond the grid: the field's other metrics, are the steps different,
which codes gained, what real reports add, and which noise errs like a step's coder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

from synthfr.pipeline.page import (
    baselines,
    field_metrics,
    mixtures_part,
    noise_part,
    text_tables,
)
from synthfr.pipeline.page.measured import Measured
from synthfr.pipeline.page.numbers import short
from synthfr.pipeline.page.results import GRID, KEPT, METRICS, REFERENCES, Estimate
from synthfr.pipeline.page.spread import SIGNIFICANT, bracketed
from synthfr.pipeline.page.text_tables import NOTHING
from synthfr.pipeline.page.values import Table, filled

Titled = tuple[str, Table]  # a caption and its table


def load(measured: Measured, steps: Sequence[str], *, over_seeds: bool = False) -> list[Titled]:
    """Every table in which anything was measured, with its caption.

    `over_seeds`: whether a table of other seeds of the generator stands above.
    """
    compared = measured.of("compare")
    cell = f"{compared.get('size', '')} reports, top {compared.get('top_k', '')}"
    kept = compared.get("train_coder", {})
    found = [
        *field_metrics.load(measured, steps, GRID),
        (
            f"Differences of macro-F1 and mAP, {cell}: holdout reports (paired bootstrap) "
            "and the coder's seeds, 95 % limits of Student's t; * where Holm's correction over all "
            "of them leaves p below .05. One run of the loop: other seeds of the generator "
            f"{'stand above' if over_seeds else 'are not in these limits'}.",
            _differences(compared),
        ),
        *(
            (f"{one.title}: mean ± half the 95 % interval over the coder's seeds", _as_table(one))
            for one in text_tables.kept_coder(measured, steps)
        ),
        *field_metrics.load(measured, steps, KEPT),
        (
            "The same differences by that coder, Holm's correction over all of these",
            _differences(kept),
        ),
        (f"Macro-F1 by how often a code occurs, {cell} [95 %]", _bands(compared, steps)),
        (mixtures_part.CAPTION, mixtures_part.table(measured, steps, _difference)),
        (noise_part.CAPTION, noise_part.table(measured, steps)),
    ]
    return [(title, table) for title, table in found if table.rows]


def _as_table(one: text_tables.TextTable) -> Table:
    """Its rows are named by their size and top k."""
    return Table(
        one.head[2:], [(f"{size} reports, top {top_k}", cells) for size, top_k, *cells in one.rows]
    )


def _called(name: str) -> str:
    return REFERENCES.get(name, baselines.title(name))


def _differences(compared: Mapping[str, Any]) -> Table:
    rows = []
    for pair, by_metric in compared.get("differences", {}).items():
        one, other = pair.split(" - ")
        cells = [_difference(by_metric.get(metric, {})) for metric in METRICS]
        rows.append((f"{_called(one)} minus {_called(other)}", cells))
    return Table([*METRICS.values()], filled(rows))


def _difference(found: Mapping[str, Any]) -> str:
    estimate = Estimate.read(found.get("difference"))
    if estimate is None:
        return NOTHING
    p_value = found.get("adjusted_p")
    marked = p_value is not None and not isnan(p_value) and p_value < SIGNIFICANT
    told = bracketed(estimate, lambda value: short(value, sign=True))
    return f"{told}{' *' if marked else ''}"


def _bands(compared: Mapping[str, Any], steps: Sequence[str]) -> Table:
    found = compared.get("bands", {})
    by_step = {name: found[name] for name in (*steps, *REFERENCES) if name in found}
    fewest = {
        band: one["fewest_documents"] for bands in by_step.values() for band, one in bands.items()
    }
    columns = sorted(fewest, key=lambda band: fewest[band])  # from rare to frequent
    rows = [(_called(step), [_band(bands.get(band)) for band in columns])
            for step, bands in by_step.items()]  # fmt: skip
    return Table(columns, filled(rows))


def _band(found: Mapping[str, Any] | None) -> str:
    estimate = Estimate.read((found or {}).get("macro_f1"))
    return NOTHING if estimate is None else bracketed(estimate)
