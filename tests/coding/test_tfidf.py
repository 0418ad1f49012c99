"""The TF-IDF coder against scikit-learn's own vectoriser and classifiers."""

import numpy as np
import pytest

from synthfr.coding import labels
from synthfr.coding.coder import Validation
from synthfr.coding.terms import TOKEN_PATTERN, Terms
from synthfr.coding.tfidf import TfidfCoder, TfidfSettings
from synthfr.errors import UserError
from tests.coding import toy

CODER = toy.params().coder.tfidf


@pytest.fixture(scope="module")
def task() -> tuple[list[str], np.ndarray]:
    frame = toy.reports(80, seed=0)
    return frame["text"].tolist(), labels.matrix(labels.categories(frame["codes"]), toy.SPACE)


@pytest.mark.parametrize("model", ["svm", "logistic"])
def test_same_scores_as_scikit_learn(task: tuple[list[str], np.ndarray], model: str) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.svm import LinearSVC

    texts, truth = task
    train, test = np.arange(0, 60), np.arange(60, 80)
    ours = TfidfCoder(texts, CODER.model_copy(update={"model": model}), seed=3)
    scores = ours.scores(train, truth[train], test)

    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=TOKEN_PATTERN
    )
    features = vectorizer.fit_transform(texts[:60])
    common = {"C": 1.0, "class_weight": "balanced", "random_state": 3, "max_iter": 10_000}
    one = (
        LinearSVC(**common) if model == "svm" else LogisticRegression(solver="liblinear", **common)
    )
    theirs = OneVsRestClassifier(one).fit(features, truth[train])
    assert scores == pytest.approx(
        theirs.decision_function(vectorizer.transform(texts[60:])), abs=1e-6
    )


def test_same_bytes_as_all_texts_weighted_and_scored(task: tuple[list[str], np.ndarray]) -> None:
    """The straightforward way: every text is weighted for every training set, and scored."""
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
    from sklearn.svm import LinearSVC

    texts, truth = task
    counts = CountVectorizer(ngram_range=(1, 2), token_pattern=TOKEN_PATTERN).fit_transform(texts)
    counts.sort_indices()
    ours = TfidfCoder(texts, CODER, seed=3)
    test = np.array([79, 61, 2, 70])  # in no order, and one that may be learnt from
    found = []
    for train in (np.arange(0, 60), np.arange(59, 9, -1)):
        known = counts[:, np.flatnonzero(counts[train].getnnz(axis=0) >= 2)].astype(np.float64)
        weighting = TfidfTransformer(sublinear_tf=True).fit(known[train])
        features = weighting.transform(known)
        theirs = np.empty((len(test), truth.shape[1]))
        for label, column in enumerate(truth[train].T):
            model = LinearSVC(class_weight="balanced", random_state=3, max_iter=10_000)
            model.fit(features[train], column)
            theirs[:, label] = (features @ model.coef_[0] + model.intercept_[0])[test]
        found.append(ours.scores(train, truth[train], test))
        assert np.array_equal(found[-1], theirs)
    assert not np.array_equal(*found)  # the control: another training set has other scores


def test_who_asks_about_other_texts_has_their_scores(task: tuple[list[str], np.ndarray]) -> None:
    texts, truth = task
    train, first, second = np.arange(0, 60), np.arange(60, 70), np.arange(65, 80)
    coder = TfidfCoder(texts, CODER, seed=0)
    one, other = (coder.scores(train, truth[train], rows) for rows in (first, second))
    assert np.array_equal(one[5:], other[:5])
    assert not np.array_equal(one[:5], other[:5])


def test_fewer_labels_are_a_slice_of_more(task: tuple[list[str], np.ndarray]) -> None:
    texts, truth = task
    train, test = np.arange(0, 60), np.arange(60, 80)
    many = TfidfCoder(texts, CODER, seed=0).scores(train, truth[train], test)
    few = TfidfCoder(texts, CODER, seed=0).scores(train, truth[train][:, :2], test)
    assert np.array_equal(many[:, :2], few)


def test_another_training_set_is_another_model(task: tuple[list[str], np.ndarray]) -> None:
    """The memory of fitted columns must not outlive the training set."""
    texts, truth = task
    test = np.arange(60, 80)
    coder = TfidfCoder(texts, CODER, seed=0)
    coder.scores(np.arange(0, 60), truth[:60], test)
    second = coder.scores(np.arange(0, 30), truth[:30], test)
    fresh = TfidfCoder(texts, CODER, seed=0).scores(np.arange(0, 30), truth[:30], test)
    assert np.array_equal(second, fresh)


def test_words_of_test_reports_teach_nothing(task: tuple[list[str], np.ndarray]) -> None:
    texts, truth = task
    train, test = np.arange(0, 60), np.arange(60, 80)
    other = texts[:60] + [text.replace("patient", "inconnu inconnu") for text in texts[60:]]
    same = TfidfCoder(texts, CODER, seed=0).scores(train, truth[train], train)
    assert np.array_equal(same, TfidfCoder(other, CODER, seed=0).scores(train, truth[train], train))
    assert len(test) == 20


def test_labels_without_contrast() -> None:
    texts = ["a b c", "a b d", "a c d", "b c d"]
    truth = np.array([[0, 1], [0, 1], [0, 1]], dtype=bool)
    scores = TfidfCoder(texts, CODER, seed=0).scores(np.arange(3), truth, np.arange(3, 4))
    assert scores.tolist() == [[-np.inf, np.inf]]


def test_signs_are_words() -> None:
    texts = ["oedeme ++", "oedeme ++", "oedeme", "oedeme"]
    truth = np.array([[1], [1], [0], [0]], dtype=bool)
    scores = TfidfCoder(texts, CODER, seed=0).scores(np.arange(4), truth, np.arange(4))
    assert (scores[:2] > 0).all() and (scores[2:] < 0).all()


def test_texts_that_teach_nothing_are_a_user_error() -> None:
    with pytest.raises(UserError, match="no word"):
        TfidfCoder(["", "..."], CODER, seed=0)
    with pytest.raises(UserError, match="no word stands in 2"):
        TfidfCoder(["un", "deux"], CODER, seed=0).scores(
            np.arange(2), np.array([[True], [False]]), np.arange(2)
        )


def test_characters_find_misspelt_words(task: tuple[list[str], np.ndarray]) -> None:
    texts, truth = task
    train, test = np.arange(0, 60), np.arange(60, 80)
    misspelt = texts[:60] + [text.replace("signe", "sygne") for text in texts[60:]]

    def precision(**changes: object) -> float:
        from sklearn.metrics import average_precision_score

        coder = TfidfCoder(misspelt, CODER.model_copy(update=changes), seed=0)
        scores = coder.scores(train, truth[train], test)
        return float(average_precision_score(truth[test], scores, average="micro"))

    assert precision(char_ngrams=[2, 4]) > precision() + 0.2  # words alone know none of them


def test_word_features_are_the_same_beside_characters(task: tuple[list[str], np.ndarray]) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts, _ = task
    train = np.arange(60)
    alone, features = (
        weighting.of(np.arange(len(texts)))
        for lengths in (None, [3, 5])
        if (weighting := Terms(texts, 2, lengths).weighting(train)) is not None
    )
    n_words = alone.shape[1]
    assert (features[:, :n_words] != alone).nnz == 0
    theirs = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=2, sublinear_tf=True)
    theirs.fit(texts[:60])
    assert np.allclose(features[:, n_words:].toarray(), theirs.transform(texts).toarray())


def test_calibrated_scores(task: tuple[list[str], np.ndarray]) -> None:
    texts, truth = task
    train, held, test = np.arange(0, 40), np.arange(40, 60), np.arange(60, 80)
    calibrated = TfidfCoder(texts, CODER.model_copy(update={"calibration": "platt"}), seed=0)
    watched = Validation(held, truth[held])
    raw = TfidfCoder(texts, CODER, seed=0).scores(train, truth[train], test, watched)
    found = calibrated.scores(train, truth[train], test, watched)
    assert not np.allclose(found, raw)
    for label in range(truth.shape[1]):
        assert np.array_equal(np.argsort(found[:, label]), np.argsort(raw[:, label]))
    assert np.array_equal(calibrated.scores(train, truth[train], test), raw)  # nothing to fit by


@pytest.mark.parametrize("lengths", [[5, 3], [3], [0, 3], (3, 5)])
def test_lengths_that_are_no_range_are_refused(lengths: object) -> None:
    with pytest.raises(ValueError):
        TfidfSettings.model_validate({"char_ngrams": lengths})
