"""The first coder: TF-IDF of words and word n-grams, and one linear model per code (one-vs-rest).

Texts are counted once, however many training sets are drawn from them, and a (training set, label
column) is fitted once, however many label spaces contain it: one-vs-rest models know nothing of
each other, so the result is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from synthfr.coding.coder import Rows, Validation
from synthfr.coding.metrics import Bools, Floats
from synthfr.errors import UserError
from synthfr.section import Positive, Section

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    pass


class TfidfSettings(Section):
    max_ngram: Annotated[int, Field(ge=1, le=5)] = 2
    model: Literal["svm", "logistic"] = "svm"
    C: Positive = 1.0


# not `text.tokens.words`: a term is one feature whatever mark stands beside it; but clinicians
# write findings with signs alone: "+++", "<"
TOKEN_PATTERN = r"(?u)\w+|[+><]+"
MIN_DOCUMENTS = 2  # a feature seen in one report only cannot generalise
MAX_ITERATIONS = 10_000


class TfidfCoder:
    """One-vs-rest linear coder over a fixed list of texts; training sets and test sets are rows of
    it.

    Features: word 1..max_ngram-grams, 1 + log(tf), smoothed idf, L2-normalised; vocabulary and idf
    come from the training rows alone. Models: squared-hinge linear SVM or logistic regression,
    classes weighted inversely to their frequency. Scores are signed distances from the decision
    boundary (log-odds for logistic), so 0 is "as likely as not".
    """

    def __init__(self, texts: Sequence[str], params: TfidfSettings, seed: int) -> None:
        from sklearn.feature_extraction.text import CountVectorizer

        self._params = params
        self._seed = seed % 2**32  # what scikit-learn accepts
        counter = CountVectorizer(
            ngram_range=(1, params.max_ngram), token_pattern=TOKEN_PATTERN, dtype=np.float64
        )
        try:
            self._counts: csr_matrix = counter.fit_transform(texts).tocsr()
            self._counts.sort_indices()  # else sums round as the order of the texts has it
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
        """See `Coder.scores`; `validation` is not needed."""
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
        return scores

    def _prepare(self, train: Rows) -> csr_matrix:
        """TF-IDF features of all texts; kept, like the fitted columns, until another training
        set comes.
        """
        from sklearn.feature_extraction.text import TfidfTransformer

        if self._features is None or self._train_key != train.tobytes():
            self._train_key, self._columns = train.tobytes(), {}
            frequency = self._counts[train].getnnz(axis=0)
            known = np.flatnonzero(frequency >= MIN_DOCUMENTS)
            if known.size == 0:
                raise UserError(
                    f"classify: no word stands in {MIN_DOCUMENTS} of the {len(train)} training "
                    "reports: train on more of them (classify.sizes)."
                )
            counts = self._counts[:, known]
            weighting = TfidfTransformer(sublinear_tf=True).fit(counts[train])
            self._features = weighting.transform(counts)
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
