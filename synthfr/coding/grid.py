"""The utility of a data set: coders trained on it, judged on private holdout reports.

Each size, top k and seed is judged in two ways. `unbiased`: labels are the k most frequent
categories of a space that all steps share, and no report is dropped. `original` (as the original
Synth-FR evaluates): labels are the k most frequent categories of the training set itself, at most
`max_labels` a report, and reports with none of them are dropped from training and evaluation alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field

from synthfr import icd10, seeding
from synthfr.coding import decisions, labels, metrics
from synthfr.coding.cells import cells_of
from synthfr.coding.coder import Coder, Rows, Validation
from synthfr.coding.coders import CoderSettings, coder
from synthfr.coding.judged import Judged, Keep
from synthfr.coding.labels import Categories
from synthfr.coding.sampling import Split, shuffled_rows, split_sample
from synthfr.coding.summary import UNBIASED, Cell
from synthfr.errors import UserError
from synthfr.section import Count, ProperShare, Section, without_doubles

if TYPE_CHECKING:
    import pandas as pd


# what the form of an ICD-10 category (letter, digit, digit or A or B) leaves room for
N_CATEGORIES = 26 * 10 * 12


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
) -> list[Cell]:
    """Train and judge a coder for every size x top_k x seed of `params`.

    Args:
        training: reports to train on (columns report_id, text, codes), at least max(params.sizes)
            of them.
        holdout: private reports that nothing was tuned on (columns text, codes; report_id for
            `keep`); only numbers about them are returned.
        label_space: ranked categories for the unbiased evaluation, see `labels.exported_space`.
        scratch: keeps trained coders' scores, for a run that is killed.
        keep: is handed each coder's answers about every holdout report, which are private rows:
            a `kept.Keeper`.

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
    cells = []
    for which, parts in _grid(
        training["report_id"].tolist(), known, params, label_space, random_seed
    ):
        results, decided, scores = _judge(judged, parts, params.decision_rule)
        cells += [{**which, **result} for result in results]
        if keep is not None:
            answers = Judged(
                document_ids=tuple(holdout["report_id"].iloc[parts.test - len(training)]),
                label_space=parts.space,
                truth=parts.test_truth,
                decided=decided,
                scores=scores,
                rule=params.decision_rule,
                **which,
            )
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
    for _, parts in _grid(training["report_id"].tolist(), known, params, label_space, random_seed):
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


def _grid(
    report_ids: Sequence[str],
    known: list[Categories],
    params: Classify,
    label_space: Sequence[str],
    random_seed: int,
) -> Iterator[tuple[dict[str, Any], _Parts]]:
    """What is trained and judged, one after the other: what identifies it, and its parts.

    `report_ids` are those of the training reports, `known` the categories of these and then of the
    holdout.
    """
    test = np.arange(len(report_ids), len(known))
    for seed in params.seeds:
        shuffled = shuffled_rows(report_ids, random_seed, seed)
        for size in params.sizes:
            split = split_sample(shuffled, size, params)
            for evaluation in params.evaluations:
                for top_k in sorted(params.top_k, reverse=True):
                    if evaluation == UNBIASED:
                        parts = _Parts.unbiased(known, split, test, label_space[:top_k])
                    else:
                        parts = _Parts.original(known, split, test, top_k, params.max_labels)
                    yield (
                        {"size": size, "top_k": top_k, "seed": seed, "evaluation": evaluation},
                        parts,
                    )


def judge_sample(
    judged: Coder,
    known: list[Categories],
    rows: tuple[Rows, Rows, Rows],
    space: Sequence[str],
    rule_that_counts: decisions.Rule,
) -> list[Cell]:
    """The unbiased cells, one a rule, of a coder fitted on the first of the `rows`, its threshold
    tuned on the second, judged on the third; `known` are the categories of all rows.
    """
    fit, validation, test = rows
    parts = _Parts.unbiased(known, Split(fit, validation), test, space)
    cells, _, _ = _judge(judged, parts, rule_that_counts)
    return cells


@dataclass(frozen=True)
class _Parts:
    """Rows and label matrices of the three parts under one label space."""

    space: tuple[str, ...]
    fit: Rows
    fit_truth: metrics.Bools
    validation: Rows
    validation_truth: metrics.Bools
    test: Rows
    test_truth: metrics.Bools

    @classmethod
    def unbiased(
        cls, known: list[Categories], split: Split, test: Rows, space: Sequence[str]
    ) -> _Parts:
        parts: list[Any] = []
        for rows in (split.fit, split.validation, test):
            parts += [rows, labels.matrix([known[row] for row in rows], space)]
        return cls(tuple(space), *parts)

    @classmethod
    def original(
        cls, known: list[Categories], split: Split, test: Rows, top_k: int, max_labels: int
    ) -> _Parts:
        sample = np.concatenate([split.fit, split.validation])
        space = icd10.label_space((known[row] for row in sample), top_k)
        parts: list[Any] = []
        for rows in (split.fit, split.validation, test):
            truth = labels.matrix(
                labels.capped([known[row] for row in rows], space, max_labels), space
            )
            kept = truth.any(axis=1)
            parts += [rows[kept], truth[kept]]
        return cls(tuple(space), *parts)

    def refuse_without_labels(self) -> None:
        """UserError where there is nothing to learn, or nobody to judge it on."""
        if not (self.fit_truth.any() and len(self.test)):
            raise UserError(
                "classify: no training report or no holdout report has a code of the label space: "
                "check that all reports are coded in one code system."
            )


def _judge(
    judged: Coder, parts: _Parts, rule_that_counts: decisions.Rule
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
