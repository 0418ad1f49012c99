"""The utility of a data set: coders trained on it, judged on private holdout reports.

Each size, top k and seed is judged in two ways. `unbiased`: labels are the k most frequent
categories of a space that all steps share, and no report is dropped. `original` (as the original
Synth-FR evaluates): labels are the k most frequent categories of the training set itself (of those
that all steps share, which may be told), at most `max_labels` a report, and reports with none of
them are dropped from training and evaluation alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field

from synthfr import seeding
from synthfr.coding import decisions, labels, metrics
from synthfr.coding.cells import cells_of
from synthfr.coding.coder import Coder, Rows, Validation
from synthfr.coding.coders import CoderSettings, coder
from synthfr.coding.judged import Judged, Keep
from synthfr.coding.labels import Categories
from synthfr.coding.parts import PartedRows, Parts, Unit, units
from synthfr.coding.processes import cores, in_order
from synthfr.coding.sampling import Split
from synthfr.coding.summary import Cell
from synthfr.coding.told import Fewest
from synthfr.errors import UserError
from synthfr.records import numbered, owners_of
from synthfr.section import Count, ProperShare, Section, without_doubles

if TYPE_CHECKING:
    import pandas as pd


# what the form of an ICD-10 category (letter, digit, digit or A or B) leaves room for
N_CATEGORIES = 26 * 10 * 12
MANY_REPORTS = 5000  # from which a linear coder is worth a process of its own


class Classify(Section):
    """Parameters `classify`: see the comments in params.yaml."""

    coder: CoderSettings = CoderSettings()
    sizes: Annotated[list[Count], Field(min_length=1), AfterValidator(without_doubles)] = [
        250,
        500,
        1000,
    ]
    sample: Literal["drawn", "first"] = "drawn"
    top_k: Annotated[
        list[Annotated[int, Field(ge=1, le=N_CATEGORIES)]],
        Field(min_length=1),
        AfterValidator(without_doubles),
    ] = [10, 20, 30]
    seeds: Annotated[list[int], Field(min_length=1), AfterValidator(without_doubles)] = [0, 1, 2]
    evaluations: Annotated[
        list[Literal["unbiased", "original"]],
        Field(min_length=1),
        AfterValidator(without_doubles),
    ] = ["unbiased", "original"]
    decision_rule: decisions.Rule = "global_threshold"
    validation_share: ProperShare = 0.2
    max_labels: Count = 10


def evaluate_grid(
    training: pd.DataFrame,
    holdout: pd.DataFrame,
    params: Classify,
    label_space: Sequence[str],
    random_seed: int,
    scratch: Path,
    keep: Keep | None = None,
    min_documents: int = 1,
    private_training: bool = False,
) -> list[Cell]:
    """Train and judge a coder for every size x top_k x seed of `params`.

    Args:
        training: reports to train on (columns report_id, text, codes), at least max(params.sizes)
            of them.
        holdout: private reports that nothing was tuned on (columns report_id, text, codes, perhaps
            patient_id); only numbers about them are returned.
        label_space: ranked categories for the unbiased evaluation, see `labels.exported_space`.
        scratch: keeps trained coders' scores, for a run that is killed.
        keep: is handed each coder's answers about every holdout report, which are private rows:
            a `kept.Keeper`.
        min_documents: of `keywords`; what the original's evaluation would tell of reports of fewer
            patients is not told (`told.Fewest`).
        private_training: the training reports are private, and as much may be told of them.

    Returns:
        One flat dict per (size, top_k, seed, evaluation, rule); `summarise` condenses them.

    A seed varies which reports are drawn and which of them tune the threshold; both depend on
    report ids, not on row order, and a smaller size is part of a larger one. With the sample
    'first', a size is the first rows of `training`, and a seed varies only which of them tune the
    threshold. UserError when there are too few reports or no code to learn.
    """
    _refuse_too_few(len(training), params, label_space)
    known = labels.categories([*training["codes"], *holdout["codes"]])
    judged = coder(
        [*training["text"], *holdout["text"]],
        params.coder,
        seeding.derive(random_seed, "coder"),
        scratch,
    )
    rows = PartedRows.of(training, known, params, label_space, random_seed)
    ids = holdout["report_id"] if keep is not None else None
    owners = numbered([*owners_of(training), *owners_of(holdout)])
    fewest = Fewest(min_documents, owners, private_training)

    def trained(unit: Unit) -> list[tuple[list[Cell], Judged | None]]:
        found = []
        for which, parts in rows.of_unit(unit):
            results, decided, scores = _judge(judged, parts, params.decision_rule)
            answers = None
            if ids is not None:
                answers = Judged(
                    document_ids=tuple(ids.iloc[parts.test - len(training)]),
                    label_space=parts.space,
                    truth=parts.test_truth,
                    decided=decided,
                    scores=scores,
                    rule=params.decision_rule,
                    **which,
                )
            told = fewest.told([{**which, **result} for result in results], parts)
            found.append((told, answers))
        return found

    # a coder that is fine-tuned has its threads, or a GPU, to itself
    alone = params.coder.fine_tuned is not None or len(known) < MANY_REPORTS
    cells = []
    for found in in_order(trained, units(params), 1 if alone else cores(), Unit.work):
        for results, answers in found:
            cells += results
            if keep is not None and answers is not None:
                keep(answers)
    return cells


def check_labels(
    training: pd.DataFrame,
    holdout: pd.DataFrame,
    params: Classify,
    label_space: Sequence[str],
    random_seed: int,
) -> None:
    """The UserErrors of `evaluate_grid`, as far as codes and ids (columns report_id, codes) tell
    them: no coder is trained.
    """
    _refuse_too_few(len(training), params, label_space)
    known = labels.categories([*training["codes"], *holdout["codes"]])
    rows = PartedRows.of(training, known, params, label_space, random_seed)
    for unit in units(params):
        for _, parts in rows.of_unit(unit):
            parts.refuse_without_labels()


def _refuse_too_few(n_training: int, params: Classify, label_space: Sequence[str]) -> None:
    if n_training < (largest := max(params.sizes)):
        raise UserError(
            f"classify.sizes asks for {largest} reports, and there are only {n_training}: "
            "lower classify.sizes or raise synthesize.reports."
        )
    if not label_space:
        raise UserError(
            "classify: no code was exported from the private side: lower "
            "keywords.min_documents, or give private reports that share codes."
        )


def judge_sample(
    judged: Coder,
    known: list[Categories],
    rows: tuple[Rows, Rows, Rows],
    space: Sequence[str],
    rule_that_counts: decisions.Rule,
) -> tuple[list[Cell], metrics.Bools, metrics.Floats]:
    """The unbiased cells, one a rule, of a coder fitted on the first of the `rows`, its threshold
    tuned on the second, judged on the third, with what it decides and its scores there; `known` are
    the categories of all rows.
    """
    fit, validation, test = rows
    parts = Parts.unbiased(known, Split(fit, validation), test, space)
    return _judge(judged, parts, rule_that_counts)


def _judge(
    judged: Coder, parts: Parts, rule_that_counts: decisions.Rule
) -> tuple[list[Cell], metrics.Bools, metrics.Floats]:
    """The cells, one a rule; what the rule that counts decides of the test reports; scores."""
    parts.refuse_without_labels()
    rows = np.concatenate([parts.validation, parts.test])
    validation = Validation(parts.validation, parts.validation_truth)
    scores = judged.scores(parts.fit, parts.fit_truth, rows, validation)
    validation_scores, test_scores = np.split(scores, [len(parts.validation)])
    fitted = decisions.fit(parts.fit_truth, parts.validation_truth, validation_scores)
    cells, decided = cells_of(
        parts.test_truth, test_scores, fitted, len(parts.fit), rule_that_counts
    )
    return cells, decided, test_scores
