"""The first coder: TF-IDF of words and word n-grams, of characters too where asked, and one linear
model per code (one-vs-rest).

Texts are counted once, however many training sets are drawn from them (`terms`), and a (training
set, label column) is fitted once, however many label spaces contain it: one-vs-rest models know
nothing of each other, so the result is the same. Only the texts that are asked about are scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field

from synthfr.coding import calibration
from synthfr.coding.coder import Rows, Validation
from synthfr.coding.metrics import Bools, Floats
from synthfr.coding.terms import MIN_DOCUMENTS, Terms
from synthfr.errors import UserError
from synthfr.section import Positive, Section

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def _ascending(sizes: list[int]) -> list[int]:
    if sizes[0] > sizes[1]:
        raise ValueError(f"{sizes} is no range: write the shortest n-gram first")
    return sizes


class TfidfSettings(Section):
    """Parameters `classify.coder.tfidf`: see the comments in params.yaml."""

    max_ngram: Annotated[int, Field(ge=1, le=5)] = 2
    model: Literal["svm", "logistic"] = "svm"
    C: Positive = 1.0
    char_ngrams: (
        Annotated[
            list[Annotated[int, Field(ge=1, le=10)]],
            Field(min_length=2, max_length=2),
            AfterValidator(_ascending),
        ]
        | None
    ) = None
    calibration: Literal["none", "platt", "isotonic"] = "none"


MAX_ITERATIONS = 10_000


class TfidfCoder:
    """One-vs-rest linear coder over a fixed list of texts; training sets and test sets are rows of
    it.

    Features: word 1..max_ngram-grams, 1 + log(tf), smoothed idf, L2-normalised; beside them, where
    `char_ngrams` names their lengths, n-grams of the characters of each word with the space around
    it, weighted likewise and L2-normalised on their own. Vocabulary and idf come from the training
    rows alone. Models: squared-hinge linear SVM or logistic regression, classes weighted inversely
    to their frequency. Scores are signed distances from the decision boundary (log-odds for
    logistic), so 0 is "as likely as not"; with a `calibration`, log-odds fitted on the validation
    reports.
    """

    def __init__(self, texts: Sequence[str], params: TfidfSettings, seed: int) -> None:
        self._params = params
        self._seed = seed % 2**32  # what scikit-learn accepts
        try:
            self._terms = Terms(texts, params.max_ngram, params.char_ngrams)
        except ValueError:  # scikit-learn's name for "empty vocabulary"
            raise UserError(
                "classify: the reports hold no word: check the text column of the data set."
            ) from None
        self._fitted: _Fitted | None = None

    def scores(
        self, train: Rows, truth: Bools, rows: Rows, validation: Validation | None = None
    ) -> Floats:
        """See `Coder.scores`; `validation` is for the calibration alone, and without it there is
        none. Ask about all rows at once: the models are fitted anew for others.
        """
        method = self._params.calibration
        if method == "none" or validation is None or not len(validation.rows):
            return self._raw(train, truth, rows)
        both = self._raw(train, truth, np.concatenate([rows, validation.rows]))
        scores, judged = np.split(both, [len(rows)])
        return calibration.calibrated(scores, judged, validation.truth, method)

    def _raw(self, train: Rows, truth: Bools, rows: Rows) -> Floats:
        from sklearn import config_context

        which = train.tobytes(), rows.tobytes()
        if self._fitted is None or self._fitted.which != which:
            self._fitted = None  # its memory is needed
            weighting = self._terms.weighting(train)
            if weighting is None:
                raise UserError(
                    f"classify: no word stands in {MIN_DOCUMENTS} of the {len(train)} training "
                    "reports: train on more of them (classify.sizes)."
                )
            self._fitted = _Fitted(which, weighting.of(train), weighting.of(rows))
        fitted = self._fitted
        scores = np.empty((len(rows), truth.shape[1]))
        # our own features are finite: checking them anew for every label takes as long as the fit
        with config_context(assume_finite=True, skip_parameter_validation=True):
            for label, column in enumerate(truth.T):
                key = column.tobytes()
                if key not in fitted.columns:
                    fitted.columns[key] = self._column(fitted, column)
                scores[:, label] = fitted.columns[key]
        return scores

    def _column(self, fitted: _Fitted, truth: Bools) -> Floats:
        """Scores of the rows asked about for one label, which those learnt from have as `truth`
        says.
        """
        if truth.all() or not truth.any():
            return np.full(fitted.asked.shape[0], np.inf if truth.all() else -np.inf)
        n, positives = len(truth), int(truth.sum())
        model = self._model({True: n / (2 * positives), False: n / (2 * (n - positives))})
        model.fit(fitted.learnt, truth)
        scores: Floats = fitted.asked @ model.coef_[0] + model.intercept_[0]
        return scores

    def _model(self, class_weight: dict[bool, float]) -> Any:
        from sklearn.linear_model import LogisticRegression
        from sklearn.svm import LinearSVC

        common = {
            "C": self._params.C,
            "class_weight": class_weight,
            "random_state": self._seed,
            "max_iter": MAX_ITERATIONS,
        }
        if self._params.model == "svm":
            return LinearSVC(**common)
        return LogisticRegression(solver="liblinear", **common)


@dataclass(frozen=True)
class _Fitted:
    """Features of the rows learnt from and of those asked about, what says `which` these are, and
    the scores of the latter by the label column that was fitted.
    """

    which: tuple[bytes, bytes]
    learnt: csr_matrix
    asked: csr_matrix
    columns: dict[bytes, Floats] = field(default_factory=dict)
