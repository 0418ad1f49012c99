"""Did a step gain, on the same holdout reports: differences between steps, and each step's macro-F1
by bands of code frequency, from the answers that were kept (`kept`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthfr.coding.bands import bands
from synthfr.coding.comparison import Answers, compare, owners_among
from synthfr.coding.errors.disclosure import Limit
from synthfr.errors import UserError


def progress(
    steps: Mapping[str, Answers],
    references: Mapping[str, Answers],
    counts: Mapping[str, int],
    patients: Mapping[str, str],
    min_documents: int,
    random_seed: int,
) -> dict[str, Any]:
    """Each step minus the one before it, the last step minus every other and every reference.

    Args:
        steps: kept answers by step, first to last, of the largest size and top k of each.
        references: kept answers of coders trained on real reports. One of another size than the
            last step's (there are fewer real reports), or without answers, is left out.
        counts: documents of each label that may be told (`labels.exported_counts`).
        patients: whom each of the documents is about, by its id; they are what is drawn, and
            what is counted.
        min_documents: of `keywords`; documents of fewer patients are no band.

    Returns:
        ``{"differences": {"dpo1 - step0": {metric: {"difference": {mean, low, high}, "p_value",
        "adjusted_p"}}}, "bands": {step: {band: {...}}}}``; p values are two-sided, `adjusted_p`
        corrected over all of them (Holm).

    Raises:
        UserError: nothing was kept for a step; two that are compared were judged on different
            reports or with other seeds, or on others than `patients` has.
    """
    if without := [step for step, answers in steps.items() if not answers]:
        raise UserError(
            f"compare: no answers were kept for {without[0]}: only the evaluation 'unbiased' is "
            "compared, so name it among classify.evaluations."
        )
    last = list(steps)[-1]
    cell = _cell(steps[last])
    known = {name: one for name, one in references.items() if one and _cell(one) == cell}
    pairs = dict.fromkeys(_pairs(list(steps)) + [(last, name) for name in known])
    answers = {**steps, **known}
    compared = compare(
        {f"{one} - {other}": (answers[one], answers[other]) for one, other in pairs},
        patients,
        random_seed,
    )
    return {
        "size": cell[0],
        "top_k": cell[1],
        "differences": {
            name: {metric: one.as_dict() for metric, one in of_metrics.items()}
            for name, of_metrics in compared.items()
        },
        "bands": {
            name: {
                band: one.as_dict()
                for band, one in bands(
                    judged, counts, _limit(judged, patients, min_documents), random_seed
                ).items()
            }
            for name, judged in answers.items()
        },
    }


def _limit(judged: Answers, patients: Mapping[str, str], min_documents: int) -> Limit:
    return Limit.of(min_documents, owners_among(judged[0].document_ids, patients))


def _pairs(steps: Sequence[str]) -> list[tuple[str, str]]:
    successive = list(zip(steps[1:], steps, strict=False))
    return successive + [(steps[-1], step) for step in steps[:-1]]


def _cell(answers: Answers) -> tuple[int, int]:
    return answers[0].size, answers[0].top_k
