"""The metrics that others in the field report, beside macro-F1 and mAP: one cell, all coders."""

from __future__ import annotations

from collections.abc import Sequence

from synthfr.pipeline.page import baselines
from synthfr.pipeline.page.measured import Measured
from synthfr.pipeline.page.results import KEPT, KEPT_TITLE, REFERENCES, Results
from synthfr.pipeline.page.results import load as read
from synthfr.pipeline.page.text_tables import NOTHING
from synthfr.pipeline.page.values import Table, filled

_METRICS = {  # title: name in a cell
    "micro-F1": "micro_f1",
    "macro-F1 over all labels": "macro_f1",
    "macro-F1 over labels present": "macro_f1_present",
    "exact match": "exact_match_ratio",
    "Hamming loss (0 is best)": "hamming_loss",
    "sample Jaccard": "sample_jaccard",
    "P@5": "precision_at_5",
    "R@5": "recall_at_5",
    "F1@5": "f1_at_5",
    "R-precision": "r_precision",
    "mAP per label": "map",
    "mAP per document": "map_document",
    "AUC micro": "auc_micro",
    "AUC macro": "auc_macro",
}


def load(
    measured: Measured, steps: Sequence[str], which: tuple[str, str]
) -> list[tuple[str, Table]]:
    """Caption and table of a coder, `GRID` or `KEPT`: steps and references in the largest cell;
    nothing where none was judged.
    """
    results = read(measured, steps, which)
    if results.largest is None:
        return []
    size, top_k = results.largest
    whose = f" of {KEPT_TITLE}" if which == KEPT else ""
    told = (
        f"Metrics of the field{whose}, {size} reports, top {top_k}: mean ± half the 95 % interval "
        "over the coder's seeds"
    )
    return [(told, _table(results, size, top_k))]


def _table(results: Results, size: int, top_k: int) -> Table:
    names = {step: baselines.title(step) for step in results.steps} | REFERENCES
    rows = []
    for title, metric in _METRICS.items():
        estimates = [results.estimate(name, size, top_k, metric) for name in names]
        rows.append((title, [NOTHING if one is None else str(one) for one in estimates]))
    return Table([*names.values()], filled(rows))
