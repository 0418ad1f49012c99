"""What a coder's scores are worth under every decision rule: one cell of the grid for each."""

from __future__ import annotations

from synthfr.coding import decisions, metrics
from synthfr.coding.summary import Cell


def cells_of(
    truth: metrics.Bools,
    scores: metrics.Floats,
    fitted: decisions.Fitted,
    trained_reports: int,
    rule_that_counts: decisions.Rule,
) -> tuple[list[Cell], metrics.Bools]:
    """What a coder's scores of reports are worth: a cell for each rule, without what identifies it,
    and what the rule that counts decides; `truth`, `scores` and decisions have the shape
    (n_documents, n_labels).
    """
    rankings = metrics.of_rankings(truth, scores)
    setting = {
        "labels": truth.shape[1],
        "labels_with_own_threshold": fitted.own_thresholds,
        "trained_reports": trained_reports,
        "evaluated_reports": len(truth),
        "threshold": fitted.threshold,
    }
    decided = {rule: decisions.decide(rule, scores, fitted) for rule in decisions.RULES}
    cells = [
        {"rule": rule, **metrics.of_decisions(truth, by_rule), **rankings, **setting}
        for rule, by_rule in decided.items()
    ]
    return cells, decided[rule_that_counts]
