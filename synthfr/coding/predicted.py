"""What one coder predicts for given reports: the arrays that errors, noise and relabelling look at.

A coder is trained as the cells of the grid are: the same reports of a seed, the same threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from synthfr import seeding
from synthfr.coding import decisions, labels
from synthfr.coding.coder import Rows, Validation
from synthfr.coding.coders import coder
from synthfr.coding.judged import Judged
from synthfr.coding.metrics import Bools, Floats
from synthfr.coding.sampling import sample_of
from synthfr.coding.summary import UNBIASED
from synthfr.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.coding.grid import Classify

# of report ids and texts of the part that is trained on: its texts as they are trained on
Change = Callable[[Sequence[str], Sequence[str]], Sequence[str]]


@dataclass(frozen=True)
class Predicted:
    """A coder's answers; all arrays but the last have the shape (n_documents, n_labels).

    `learnt`: the label matrix of the reports that it was fitted on, shape (n_fit, n_labels).
    """

    truth: Bools
    predicted: Bools
    scores: Floats
    learnt: Bools


def predict(
    training: pd.DataFrame,
    judged: pd.DataFrame,
    params: Classify,
    label_space: Sequence[str],
    size: int,
    seed: int,
    random_seed: int,
    scratch: Path,
    change: Change | None = None,
) -> Predicted:
    """Train a coder on `size` of the training reports, and ask it for the codes of `judged`.

    Args:
        training: columns report_id, text, codes; at least `size` rows.
        judged: columns text, codes. Nothing is fitted on them.
        label_space: the labels, all of them.
        seed: one of `params.seeds`, which draws the sample and its validation part.
        change: changes the texts that are fitted on, and no others: those that tune the threshold
            and those that are judged stay.

    The codes are decided by `params.decision_rule`. UserError where there are fewer reports.
    """
    if size > len(training):
        raise UserError(
            f"A coder is to learn from {size} reports, and there are only {len(training)}: lower "
            "classify.sizes or raise synthesize.reports."
        )
    sample = sample_of(training, params, size, seed, random_seed)
    fit, validation = (training.iloc[rows] for rows in (sample.fit, sample.validation))
    texts = fit["text"].tolist()
    if change is not None:
        texts = list(change(fit["report_id"].tolist(), texts))
    parts = [_matrix(part, label_space) for part in (fit, validation, judged)]
    if not (parts[0].any() and parts[2].any()):
        raise UserError(
            "No report that a coder learns from, or none that it is asked about, has a code of the "
            "label space: check that all reports are coded in one code system, and that "
            "keywords.min_documents lets codes out."
        )
    learner = coder(
        [*texts, *validation["text"], *judged["text"]],
        params.coder,
        seeding.derive(random_seed, "coder"),
        scratch,
    )
    ends = np.cumsum([len(part) for part in parts])
    rows: list[Rows] = np.split(np.arange(ends[-1]), ends[:-1])
    scores = learner.scores(
        rows[0], parts[0], np.concatenate(rows[1:]), Validation(rows[1], parts[1])
    )
    of_validation, of_judged = np.split(scores, [len(rows[1])])
    fitted = decisions.fit(parts[0], parts[1], of_validation)
    decided = decisions.decide(params.decision_rule, of_judged, fitted)
    return Predicted(parts[2], decided, of_judged, parts[0])


def kept_decisions(
    kept: Sequence[Judged],
    params: Classify,
    label_space: Sequence[str],
    size: int,
    document_ids: Sequence[str],
) -> list[Bools] | None:
    """What `predict` would decide for each of `params.seeds`, from answers that the grid's coders
    gave when they were trained; None where these are not answers of the same coders.

    Each of shape (n_documents, n_labels), documents in the order of `document_ids`.
    """
    by_seed = {
        one.seed: one
        for one in kept
        if (one.size, one.evaluation, one.rule) == (size, UNBIASED, params.decision_rule)
        and one.label_space == tuple(label_space)
    }
    if not set(params.seeds) <= set(by_seed):
        return None
    return [by_seed[seed].in_order(document_ids).decided for seed in params.seeds]


def real_size(real: pd.DataFrame, params: Classify) -> tuple[pd.DataFrame, int]:
    """The reports that have codes, and how many of them a coder that is compared with a synthetic
    one learns from: the largest of `params.sizes`, or all where there are fewer.

    Raises:
        UserError: fewer than two have codes.
    """
    coded = real[[len(codes) > 0 for codes in real["codes"]]]
    if len(coded) < 2:
        raise UserError(
            "classify: fewer than two private train reports have codes, so that no coder can learn "
            "from them: check the codes column of the private reports."
        )
    return coded, min(max(params.sizes), len(coded))


def _matrix(reports: pd.DataFrame, label_space: Sequence[str]) -> Bools:
    return labels.matrix(labels.categories(reports["codes"]), label_space)
