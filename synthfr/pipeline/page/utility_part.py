"""The page's tables on utility beyond the grid: the field's other metrics, are the steps different,
which codes gained, what real reports add, and which noise errs like a step's coder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

from synthfr.pipeline.page import baselines, field_metrics, text_tables
from synthfr.pipeline.page.measured import Measured
from synthfr.pipeline.page.numbers import short
from synthfr.pipeline.page.results import GRID, KEPT, METRICS, REFERENCES, Estimate
from synthfr.pipeline.page.spread import SIGNIFICANT, bracketed
from synthfr.pipeline.page.text_tables import NOTHING
from synthfr.pipeline.page.values import Table, at, below, figure, filled, with_limits

Titled = tuple[str, Table]  # a caption and its table


def load(measured: Measured, steps: Sequence[str], *, over_seeds: bool = False) -> list[Titled]:
    """Every table in which anything was measured, with its caption.

    `over_seeds`: whether a table of other seeds of the generator stands above.
    """
    compared = measured.of("compare")
    errors = {step: measured.of("errors", step) for step in steps}
    augmented = {step: measured.of("augment", step) for step in steps}
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
        (
            "Private reports with and without synthetic ones, macro-F1 (largest top k), mean ± "
            "half the interval over the coder's seeds",
            _mixtures(augmented),
        ),
        (
            "Errors and noise: which noise in real reports makes a coder err most like the step's",
            _near_noise(errors),
        ),
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


def _mixtures(augmented: Mapping[str, Mapping[str, Any]]) -> Table:
    """Rows: private reports and the share of synthetic ones; columns: steps."""
    paths = {
        (share, size): None
        for tree in augmented.values()
        for share, sizes in tree.get("mixed", {}).items()
        for size in sizes
    }
    rows = []
    for share, size in sorted(paths):
        trees = [
            _largest_top_k(below(tree, f"mixed/{share}/{size}")) for tree in augmented.values()
        ]
        name = f"{size.removeprefix('size=')} private, {_share(share)} synthetic"
        rows.append((name, [with_limits(tree, "macro_f1", 3) for tree in trees]))
    relabelled = [tree.get("relabelled", {}) for tree in augmented.values()]
    rows.append(
        (
            "synthetic alone, labelled anew by a real coder",
            [with_limits(_deepest(tree), "macro_f1", 3) for tree in relabelled],
        )
    )
    rows.append(
        (
            "the same: labels that stay (Jaccard)",
            [figure(at(tree, "kept_labels"), 2) for tree in relabelled],
        )
    )
    return Table([*map(baselines.title, augmented)], filled(rows))


def _share(name: str) -> str:
    return f"{float(name.removeprefix('synthetic_share=')):.0%}".replace("%", " %")


def _largest_top_k(tree: Any) -> Mapping[str, Any]:
    return _largest(tree, "top_k=")


def _deepest(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of ``size=.../top_k=...`` the largest cell."""
    return _largest(_largest(tree, "size="), "top_k=")


def _largest(tree: Any, prefix: str) -> Mapping[str, Any]:
    found = {
        int(name.removeprefix(prefix)): inner
        for name, inner in (tree.items() if isinstance(tree, Mapping) else ())
        if name.startswith(prefix)
    }
    return found[max(found)] if found else {}


def _near_noise(errors: Mapping[str, Mapping[str, Any]]) -> Table:
    trees = list(errors.values())
    rows = [
        ("likest noise in real reports: share of words replaced", list(map(_noise, trees))),
        ("how far its coder is from the step's", list(map(_distance, trees))),
        ("how far coders of that noise are from each other", list(map(_own, trees))),
    ]
    return Table([*map(baselines.title, errors)], filled(rows))


def _noise(tree: Mapping[str, Any]) -> str:
    """Kind and share that err most like the step's coder, with the limits of the share; at least
    so much where it is the largest that was tried.
    """
    nearest = below(tree, "noise/nearest")
    if not isinstance(nearest, Mapping) or not nearest:
        return NOTHING
    kind, share = next(iter(nearest.items()))
    estimate = Estimate.read(share)
    if estimate is None:
        return str(kind)
    tried = [float(name.removeprefix("share=")) for name in below(tree, f"noise/distance/{kind}")
             if name.startswith("share=")]  # fmt: skip
    least = "at least " if tried and estimate.mean >= max(tried) else ""
    return f"{least}{bracketed(estimate, lambda one: short(one, 1))}, {kind}"


def _distance(tree: Mapping[str, Any]) -> str:
    distances = below(tree, "noise/distance")
    found = [
        total
        for by_share in (distances or {}).values()
        for one in (by_share, *(by_share.values() if isinstance(by_share, Mapping) else ()))
        if (total := at(one, "total")) is not None
    ]
    return figure(min(found, default=None), 3)


def _own(tree: Mapping[str, Any]) -> str:
    return figure(at(tree, "noise/own"), 3)
