"""What errs in a coder that learnt from a step's data set, beside one that learnt from as many real
reports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from synthfr import icd10
from synthfr.coding import errors, labels
from synthfr.coding.errors.curves import by_frequency, by_length
from synthfr.coding.metrics import Bools, Floats
from synthfr.coding.noise import NO_NOISE, Axes, Errs, Point, decisions_of, nearest
from synthfr.coding.predicted import kept_decisions, predict, real_size
from synthfr.coding.sampling import sample_of
from synthfr.records import numbered, owners_of
from synthfr.section import Count, Section
from synthfr.text.tokens import words

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.coding.grid import Classify
    from synthfr.coding.judged import Judged

REAL, SYNTHETIC = "real", "synthetic"


class Errors(Section):
    """Parameters `errors`: see the comments in params.yaml."""

    bins: Annotated[int, Field(ge=2, le=1000)] = 5
    resamples: Count = 1000


@dataclass(frozen=True)
class Coder:
    """What a kind of coder learnt from and decided, per coder's seed: arrays of shape
    (n_documents, n_labels), `learnt` of the first of them (n_fit, n_labels).
    """

    decided: Sequence[Bools]
    learnt: Bools


def analyse(
    synthetic: pd.DataFrame,
    real: pd.DataFrame,
    holdout: pd.DataFrame,
    real_decisions: pd.DataFrame,
    classify: Classify,
    params: Errors,
    label_space: Sequence[str],
    min_documents: int,
    random_seed: int,
    scratch: Path,
    kept: Sequence[Judged] = (),
) -> dict[str, Any]:
    """Compare the errors on the holdout of coders trained on the synthetic reports, one for each of
    `classify.seeds`, with those of the real coders, at the largest size and label space.

    Args:
        real_decisions: of the real coders, with and without noise (`noise.train_noisy`): DECISIONS.
        kept: answers of the grid's coders about the holdout. Where they are not of as many reports
            as there are real ones (or there are none), coders are trained.
    """
    coded, size = real_size(real, classify)
    space = label_space[: max(classify.top_k)]
    ids = holdout["report_id"].tolist()
    of_synthetic = kept_decisions(kept, classify, space, size, ids)
    if of_synthetic is None:
        rest = (holdout, classify, space, size)
        of_synthetic = [
            predict(synthetic, *rest, seed, random_seed, scratch).predicted
            for seed in classify.seeds
        ]
    decided = decisions_of(real_decisions, ids, space, classify.seeds)

    def learnt(reports: pd.DataFrame) -> Bools:
        """Labels of what the first coder was fitted on."""
        first = classify.seeds[0]
        split = sample_of(reports, classify, size, first, random_seed)
        return labels.matrix(labels.categories(reports["codes"].iloc[split.fit]), space)

    coders = {
        REAL: Coder(decided[NO_NOISE], learnt(coded)),
        SYNTHETIC: Coder(of_synthetic, learnt(synthetic)),
    }
    all_real = labels.matrix(labels.categories(coded["codes"]), space)
    lengths = np.array([len(words(text)) for text in holdout["text"]], dtype=np.float64)
    frequency = all_real.sum(axis=0).astype(np.float64)
    return {"size": size, "top_k": len(space)} | compare(
        labels.matrix(labels.categories(holdout["codes"]), space),
        coders,
        decided,
        lengths,
        frequency,
        errors.patients(all_real, numbered(owners_of(coded))),
        space,
        params,
        errors.Limit.of(min_documents, owners_of(holdout)),
        random_seed,
    )


def compare(
    truth: Bools,
    coders: Mapping[str, Coder],
    noisy: Mapping[Point, Sequence[Bools]],
    lengths: Floats,
    frequency: Floats,
    learnt_from: NDArray[np.int64],
    codes: Sequence[str],
    params: Errors,
    limit: errors.Limit,
    random_seed: int,
) -> dict[str, Any]:
    """The figures of `coders` (``real``, ``synthetic``), by name, and of both together:

    * ``<coder>/{profile,copying,families}``: of the first seed; families by chapter, and also by
      category where a code of the label space is finer than one;
    * ``<coder>/frequency`` and ``length``: correlations of F1 by code with ln(frequency in the
      corpus), and of F1 by document with length, F1 being the mean over the coder's seeds;
    * ``curves/{frequency,length}``: the same F1 in bins, all coders over the same ones;
    * ``noise``: the noise whose coders err most like the synthetic one, where `noisy` has any.

    Args:
        truth: shape (n_documents, n_labels).
        lengths: of the documents in words, shape (n_documents,).
        frequency: how often each code is in the corpus: all real training reports that have it,
            also those that the coders were not fitted on, so that all coders share one axis; shape
            (n_labels,).
        learnt_from: patients whom these reports are about, shape (n_labels,).
        codes: of the columns.
        limit: of the documents; its patients are drawn for all intervals but those along codes,
            which are drawn singly.
    """
    log = np.log(frequency, out=np.full(len(frequency), np.nan), where=frequency > 0)
    by_code = {name: _mean(errors.label_f1, truth, one) for name, one in coders.items()}
    by_document = {name: _mean(errors.document_f1, truth, one) for name, one in coders.items()}
    told: dict[str, Any] = {"documents": len(truth)}
    singly = np.arange(len(codes))
    for name, coder in coders.items():
        told[name] = _of_one(truth, coder, codes, params, limit, random_seed) | {
            "frequency": errors.correlations(
                log, by_code[name], singly, random_seed, f"frequency {name}", params.resamples
            ),
            "length": errors.correlations(
                lengths,
                by_document[name],
                limit.owners,
                random_seed,
                f"length {name}",
                params.resamples,
            ),
        }
    told["curves"] = {
        "frequency": by_frequency(frequency, truth, by_code, params.bins, limit, learnt_from),
        "length": by_length(lengths, by_document, params.bins, limit),
    }
    if len(noisy) > 1:
        axes = Axes(errors.Curve.over(log, params.bins), errors.Curve.over(lengths, params.bins))
        told["noise"] = nearest(
            Errs(truth, coders[SYNTHETIC].decided),
            {point: Errs(truth, decided) for point, decided in noisy.items()},
            axes,
            random_seed,
            params.resamples,
            limit.owners,
        )
    return told


def _mean(f1: Any, truth: Bools, coder: Coder) -> Floats:
    found: Floats = np.mean([f1(truth, one) for one in coder.decided], axis=0)
    return found


def _of_one(
    truth: Bools,
    coder: Coder,
    codes: Sequence[str],
    params: Errors,
    limit: errors.Limit,
    random_seed: int,
) -> dict[str, Any]:
    predicted = coder.decided[0]
    levels: list[errors.Level] = ["chapter"]
    if any(icd10.is_code(code) and icd10.category(code) != code for code in codes):
        levels.append("category")
    return {
        "profile": errors.profile(truth, predicted),
        "copying": {
            "predicted": errors.copying(predicted, coder.learnt, limit),
            "true": errors.copying(truth, coder.learnt, limit),
        },
        "families": {
            level: errors.families(
                truth, predicted, codes, level, limit, random_seed, params.resamples
            )
            for level in levels
        },
    }
