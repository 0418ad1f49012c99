"""The first coder: TF-IDF of words and word n-grams, of characters too where asked, and one linear
model per code (one-vs-rest).

Texts are counted once, however many training sets are drawn from them, and a (training set, label
column) is fitted once, however many label spaces contain it: one-vs-rest models know nothing of
each other, so the result is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field

from synthfr.coding import calibration
from synthfr.coding.coder import Rows, Validation
from synthfr.coding.metrics import Bools, Floats
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


# not `text.tokens.words`: a term is one feature whatever mark stands beside it; but clinicians
# write findings with signs alone: "+++", "<"
TOKEN_PATTERN = r"(?u)\w+|[+><]+"
MIN_DOCUMENTS = 2  # a feature seen in one report only cannot generalise
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
        from sklearn.feature_extraction.text import CountVectorizer

        self._params = params
        self._seed = seed % 2**32  # what scikit-learn accepts
        counters = [
            CountVectorizer(
                ngram_range=(1, params.max_ngram), token_pattern=TOKEN_PATTERN, dtype=np.float64
            )
        ]
        if params.char_ngrams is not None:
            shortest, longest = params.char_ngrams
            counters.append(
                CountVectorizer(
                    analyzer="char_wb", ngram_range=(shortest, longest), dtype=np.float64
                )
            )
        try:
            self._counts: list[csr_matrix] = [one.fit_transform(texts).tocsr() for one in counters]
            for counts in self._counts:
                counts.sort_indices()  # else sums round as the order of the texts has it
        except ValueError:  # scikit-learn's name for "empty vocabulary"
            raise UserError(
                "classify: the reports hold no word: check the text column of the data set."
            ) from None
        self._train_key = b""
        self._features: csr_matrix | None = None
        self._columns: dict[bytes, Floats] = {}

    def scores(
        self, train: Rows, truth: Bools, rows: Rows, validation: Validation | None = None
    ) -> Floats:
        """See `Coder.scores`; `validation` is for the calibration alone, and without it there is
        none.
        """
        from sklearn import config_context

        features = self._prepare(train)
        learnt = features[train]
        scores = np.empty((len(rows), truth.shape[1]))
        # our own features are finite: checking them anew for every label takes as long as the fit
        with config_context(assume_finite=True, skip_parameter_validation=True):
            for label, column in enumerate(truth.T):
                key = column.tobytes()
                if key not in self._columns:
                    self._columns[key] = self._fit(features, learnt, column)
                scores[:, label] = self._columns[key][rows]
        if validation is None or not len(validation.rows):
            return scores
        columns = [self._columns[column.tobytes()] for column in truth.T]
        judged = np.stack([column[validation.rows] for column in columns], axis=1)
        return calibration.calibrated(scores, judged, validation.truth, self._params.calibration)

    def _prepare(self, train: Rows) -> csr_matrix:
        """TF-IDF features of all texts; kept, like the fitted columns, until another training
        set comes.
        """
        from scipy.sparse import hstack
        from sklearn.feature_extraction.text import TfidfTransformer

        if self._features is None or self._train_key != train.tobytes():
            self._train_key, self._columns = train.tobytes(), {}
            weighted = []
            for every in self._counts:
                frequency = every[train].getnnz(axis=0)
                known = np.flatnonzero(frequency >= MIN_DOCUMENTS)
                if known.size == 0:
                    continue
                counts = every[:, known]
                weighting = TfidfTransformer(sublinear_tf=True).fit(counts[train])
                weighted.append(weighting.transform(counts))
            if not weighted:
                raise UserError(
                    f"classify: no word stands in {MIN_DOCUMENTS} of the {len(train)} training "
                    "reports: train on more of them (classify.sizes)."
                )
            self._features = weighted[0] if len(weighted) == 1 else hstack(weighted, format="csr")
        return self._features

    def _fit(self, features: csr_matrix, learnt: csr_matrix, truth: Bools) -> Floats:
        """Scores of all texts (`features`) for one label that `learnt` has in rows `truth`."""
        if truth.all() or not truth.any():
            return np.full(features.shape[0], np.inf if truth.all() else -np.inf)
        n, positives = len(truth), int(truth.sum())
        model = self._model({True: n / (2 * positives), False: n / (2 * (n - positives))})
        model.fit(learnt, truth)
        scores: Floats = features @ model.coef_[0] + model.intercept_[0]
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
