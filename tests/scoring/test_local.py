"""The local evaluator: the weighted mean of two cosines, in one dot product."""

import numpy as np
import pytest

from synthfr.errors import UserError
from synthfr.scoring.lexical import WORD
from synthfr.scoring.local import LocalEvaluator, LocalSettings
from synthfr.scoring.similarity import cosines
from tests.scoring import toy

PARAMS = LocalSettings(lsa_weight=0.6, lsa_dimensions=4)


@pytest.fixture(scope="module")
def evaluator() -> LocalEvaluator:
    made = LocalEvaluator(PARAMS)
    made.fit(toy.PRIVATE)
    return made


def test_cosine_is_the_weighted_mean_of_both_parts(evaluator: LocalEvaluator) -> None:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    texts = ["HTA connue, crépitants aux bases", "fièvre et sibilants diffus, OMI ++"]
    grams = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), min_df=2, sublinear_tf=True, max_features=20_000
    )
    svd = TruncatedSVD(4, algorithm="arpack", random_state=1).fit(grams.fit_transform(toy.PRIVATE))
    words = TfidfVectorizer(token_pattern=WORD, binary=True).fit(toy.PRIVATE)
    smooth = normalize(svd.transform(grams.transform(texts)))
    rare = normalize(words.transform(texts))
    expected = 0.6 * smooth[0] @ smooth[1] + 0.4 * rare[0].multiply(rare[1]).sum()
    vectors = evaluator.encode(texts)
    assert cosines(vectors[:1], vectors[1:]) == pytest.approx([expected], abs=1e-6)


def test_a_text_is_like_itself_and_unlike_another(evaluator: LocalEvaluator) -> None:
    vectors = evaluator.encode(toy.PRIVATE)
    assert cosines(vectors, vectors) == pytest.approx(np.ones(6), abs=1e-6)
    assert (cosines(vectors[:3], vectors[3:]) < 0.7).all()


def test_rare_words_weigh_more_than_common_ones(evaluator: LocalEvaluator) -> None:
    only_words = LocalEvaluator(LocalSettings(lsa_weight=0, lsa_dimensions=4))
    only_words.fit(toy.PRIVATE)
    document, rare, common = only_words.encode([toy.PRIVATE[3], "NIHSS", "ATCD"])
    assert cosines(rare, document) > 1.5 * cosines(common, document) > 0


def test_unknown_words_are_no_vector(evaluator: LocalEvaluator) -> None:
    vectors = evaluator.encode(["zzz qqq", ""])
    assert vectors.nnz == 0 or abs(vectors).max() == 0


def test_same_bytes_whatever_the_order_and_the_threads(evaluator: LocalEvaluator) -> None:
    from threadpoolctl import threadpool_limits

    once = evaluator.encode(toy.PRIVATE)
    with threadpool_limits(2):
        again = LocalEvaluator(PARAMS)
        again.fit(toy.PRIVATE)
        twice = again.encode(toy.PRIVATE)
    assert (once != twice).nnz == 0
    alone = evaluator.encode(toy.PRIVATE[2:3])
    assert (alone != once[2:3]).nnz == 0  # a vector does not depend on its batch


def test_windows_are_of_words(evaluator: LocalEvaluator) -> None:
    assert evaluator.windows("TA 14/9, OMI +++ ce jour", 2, 2) == ["TA 14/9", "OMI +++", "ce jour"]


def test_too_little_to_learn_from() -> None:
    with pytest.raises(UserError, match="at least three"):
        LocalEvaluator(PARAMS).fit(toy.PRIVATE[:2])
    with pytest.raises(UserError, match="no words in common") as error:
        LocalEvaluator(PARAMS).fit(["aaa", "bbb", "ccc"])
    assert "aaa" not in str(error.value)


def test_more_dimensions_than_documents() -> None:
    evaluator = LocalEvaluator(LocalSettings(lsa_weight=0.5, lsa_dimensions=100))
    evaluator.fit(toy.PRIVATE)
    assert np.isfinite(evaluator.encode(toy.PRIVATE).data).all()
