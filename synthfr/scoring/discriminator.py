"""A reward without documents: how much a candidate reads like a private report, whoever's it is.

A linear classifier learns to tell the private reports from the public seed's (as the discriminator
of a GAN tells real from generated, but with the public seed in the generated texts' stead: those
are the same in every round, so that rounds can be compared, and nothing chases anything). A
candidate's similarity is how private the classifier takes it to be. It sees style and vocabulary;
whether a candidate says what its keywords ask for is for `keyword_recall` and the judge to see, and
a text of words that it does not know is undecided, not bad.

Cross-fitted (Chernozhukov et al. 2018, "Double/debiased machine learning"): patients are dealt
into folds, and a candidate is rated by the model that has not seen its prompt's patient. What it
says of a candidate could therefore be said without that document. All candidates of a prompt are
rated by one model, so that they can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from synthfr import seeding
from synthfr.errors import UserError
from synthfr.scoring.coarse import coarse
from synthfr.scoring.lexical import WORD
from synthfr.section import Positive, Section

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from synthfr.scoring.raters import Documents


class DiscriminatorSettings(Section):
    """Parameters `score.evaluator.discriminator`: see the comments in params.yaml."""

    folds: Annotated[int, Field(ge=2, le=20)] = 5
    max_ngram: Annotated[int, Field(ge=1, le=5)] = 2
    C: Positive = 1.0


Floats = NDArray[np.float64]

MIN_REPORTS = 2  # of a model's own: a word that one alone has tells of that one, not of style
SATURATION = 4.0  # log-odds
MAX_ITERATIONS = 10_000


class Discriminator:
    """Logistic regression on TF-IDF of word 1..max_ngram-grams (1 + log(tf), smoothed idf,
    L2-normalised), one a fold, each with vocabulary and idf of its own training reports. The
    classes weigh the same; no intercept: what a model knows nothing of has log-odds 0.

    The public reports are dealt into folds like the private ones, so that `measures` are of reports
    that no model has seen: `auc` (mean over folds; .5: it cannot tell them apart), and the mean
    rating of `private` and `public` reports, to read a round's mean similarity by. They leave:
    `coarse`ly, and None where the private reports are of few patients.
    """

    weights: Path | None = None

    def __init__(
        self,
        params: DiscriminatorSettings,
        private: Documents,
        public: Documents,
        random_seed: int,
    ) -> None:
        """Fit a model for each fold. A side with fewer patients than folds, or no word in common,
        is a UserError.
        """
        from sklearn.feature_extraction.text import CountVectorizer

        self._fold_of = deal(private.owners, params.folds, random_seed, "private")
        public_fold_of = deal(public.owners, params.folds, random_seed, "public")
        # (fold, text), private reports first; sorted, so that no sum depends on the order of rows
        reports = [(self._fold_of[key], private.texts[key]) for key in sorted(private.texts)]
        reports += [(public_fold_of[key], public.texts[key]) for key in sorted(public.texts)]
        fold = np.array([one for one, _ in reports])
        is_private = np.arange(len(reports)) < len(private.texts)
        self._counter = CountVectorizer(
            ngram_range=(1, params.max_ngram), token_pattern=WORD, dtype=np.float64
        )
        try:
            counts: csr_matrix = self._counter.fit_transform([text for _, text in reports]).tocsr()
        except ValueError:  # scikit-learn's name for "empty vocabulary"
            raise UserError(
                "score: the private and the public reports hold no word: check their text columns."
            ) from None
        self._models = [
            _Model(counts[fold != one], is_private[fold != one], params.C)
            for one in range(params.folds)
        ]
        self.measures: Mapping[str, Any] = {
            "discriminator": {
                name: coarse(figure, len(set(private.owners.values())))
                for name, figure in _held_out(self._models, counts, is_private, fold).items()
            }
        }

    def rate(self, texts: Sequence[str], prompt_ids: Sequence[str]) -> Floats:
        """See `rating`: in (0, 1), for a blank text 0."""
        counts = self._counter.transform(texts).tocsr()
        fold = np.array([self._fold_of[key] for key in prompt_ids], dtype=np.int64)
        rated = np.zeros(len(texts))
        for one in np.unique(fold):
            rows = np.flatnonzero(fold == one)
            rated[rows] = rating(self._models[one].log_odds(counts[rows]))
        rated[[not text.strip() for text in texts]] = 0.0
        return rated


def deal(owners: Mapping[str, str], folds: int, random_seed: int, side: str) -> dict[str, int]:
    """The fold in [0, folds) of each document: one fold for all of an owner's, and as many owners
    in each. It depends on who the owners are, not on the order of the documents.
    """
    people = sorted(
        set(owners.values()),
        key=lambda one: (seeding.derive(random_seed, "discriminator", side, one), one),
    )
    if len(people) < folds:
        raise UserError(
            f"score.evaluator.discriminator.folds is {folds}, but the {side} reports are of "
            f"{len(people)} patients: lower it, or give more reports."
        )
    dealt = {one: place % folds for place, one in enumerate(people)}
    return {key: dealt[owner] for key, owner in owners.items()}


def rating(log_odds: Floats) -> Floats:
    """Log-odds of being private as a number in (0, 1): (1 + x / √(x² + 4²)) / 2; 1/2 is undecided.

    A probability (the logistic of x) is used up at |x| = 8, which a larger C soon reaches: nothing
    is .02 apart there any more (`pair.min_margin`), and at 17 all is 1 in float32. This function
    has the same order and the same middle, but approaches its ends as 1/x²: at x = 0, 4 and 8 a
    difference of .02 takes .2, .5 and 1.8, and at 100 numbers still differ.
    """
    rated: Floats = (1 + log_odds / np.hypot(log_odds, SATURATION)) / 2
    return rated


class _Model:
    """One fold's: what its training reports (`counts` of n-grams, one row each) taught it."""

    def __init__(self, counts: csr_matrix, is_private: NDArray[np.bool_], C: float) -> None:
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.linear_model import LogisticRegression

        self._known = np.flatnonzero(counts.getnnz(axis=0) >= MIN_REPORTS)
        if self._known.size == 0:
            raise UserError(
                f"score: no word stands in {MIN_REPORTS} of the discriminator's {len(is_private)} "
                "training reports: give more of them, or check their text columns."
            )
        counts = counts[:, self._known]
        self._weighting = TfidfTransformer(sublinear_tf=True).fit(counts)
        model = LogisticRegression(
            C=C,
            class_weight="balanced",
            fit_intercept=False,
            solver="liblinear",
            max_iter=MAX_ITERATIONS,
        )
        model.fit(self._weighting.transform(counts), is_private)
        self._coefficients = model.coef_[0]

    def log_odds(self, counts: csr_matrix) -> Floats:
        """Of being private, shape (n_texts,)."""
        found: Floats = self._weighting.transform(counts[:, self._known]) @ self._coefficients
        return found


def _held_out(
    models: Sequence[_Model],
    counts: csr_matrix,
    is_private: NDArray[np.bool_],
    fold: NDArray[np.int64],
) -> dict[str, float]:
    from sklearn.metrics import roc_auc_score

    rated, aucs = np.empty(len(fold)), []
    for one, model in enumerate(models):
        rows = np.flatnonzero(fold == one)
        rated[rows] = rating(model.log_odds(counts[rows]))
        aucs.append(roc_auc_score(is_private[rows], rated[rows]))
    return {
        "auc": float(np.mean(aucs)),
        "private": float(rated[is_private].mean()),
        "public": float(rated[~is_private].mean()),
    }
