"""The linkage attack: floats that anyone can recompute give everything away, an order among many
prompts next to nothing, and scores of other documents nothing.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr.keywords.export import Keywords, export
from synthfr.preferences import Pair, choose
from synthfr.privacy.linkage import Linkage, Round, attack, public_means
from synthfr.privacy.linkage.adversaries import Adversaries, among_all, one_more
from synthfr.privacy.linkage.attack import dealt_out
from synthfr.privacy.linkage.evidence import (
    Suspicion,
    of_floats,
    of_orders,
    of_prompts,
    of_texts,
)
from synthfr.privacy.linkage.suspects import Suspects
from synthfr.scoring import similarity
from synthfr.scoring.lexical import Smoothing, bleu
from synthfr.scoring.local import LocalEvaluator, LocalSettings
from synthfr.scoring.scores import Score
from tests.privacy.test_comparison import sides

N = 60  # suspects of each side, and prompts
SIDES = sides(N)
OWN = np.append(np.arange(N), np.full(N, -1))


def suspicion(seed: int = 0) -> Suspicion:
    """Two public means; what a document is like shows in both, and some candidates are better than
    others for every document.
    """
    rng = np.random.default_rng(seed)
    means = rng.normal(0.3, 0.1, (2, 2 * N, N, 4)) + rng.normal(0, 0.1, (2, 1, N, 4))
    folds = rng.permutation(2 * N) % 2
    return Suspicion(means, OWN, folds.astype(np.int64), 0)


def scores(of: Suspicion, others: bool = False) -> Any:
    """The first mean of each prompt's own document, or of another one's."""
    own = np.arange(N)
    return of.means[0, (own + 7) % N if others else own, (own + 7) % N if others else own]


def order(table: Any) -> tuple[Any, Any]:
    return table.argmax(axis=1), table.argmin(axis=1)


@cache
def told(way: str, others: bool = False) -> dict[str, Any]:
    of = suspicion()
    table = scores(of, others)
    evidence = {
        "raw": lambda: of_floats(of, {"total": table}),
        "raw_2_decimals": lambda: of_floats(of, {"total": table.round(2)}),
        "order": lambda: of_orders(of, *order(table)),
    }[way]()
    known = np.append(np.arange(N), np.arange(N))
    return Adversaries(SIDES, known, 0).told(evidence)


@pytest.mark.parametrize("way", ["raw", "raw_2_decimals"])
def test_floats_that_can_be_recomputed_give_documents_away(way: str) -> None:
    assert told(way)["among_all"]["auc"]["mean"] > 0.99
    assert told(way)["known_prompt"]["auc"]["mean"] > 0.99
    assert told(way)["linked"]["mean"] > 0.95


def test_an_order_does_not_among_many_prompts() -> None:
    """Negative control of the attack, with the very scores that give all away as floats."""
    found = told("order")
    assert found["among_all"]["auc"]["low"] < 0.5 < told("raw")["among_all"]["auc"]["low"]
    assert found["among_all"]["tpr_at_fpr_1"]["mean"] < 0.1
    # one of twelve orders fits: some five prompts of sixty
    assert found["linked"]["mean"] < 0.35


def test_who_knows_the_prompt_sees_whether_the_order_fits() -> None:
    """The limit of an order: one of twelve orders fits another document too."""
    assert 0.85 < told("order")["known_prompt"]["auc"]["mean"] < 1


@pytest.mark.parametrize("way", ["raw", "raw_2_decimals", "order"])
def test_scores_of_other_documents_tell_nothing(way: str) -> None:
    found = told(way, others=True)
    for who in ("among_all", "known_prompt"):
        assert found[who]["auc"]["low"] < 0.5 < found[who]["auc"]["high"]
        assert found[who]["auc"]["p_value"] > 0.05
    assert found["linked"]["mean"] < 0.1


def known_prompt(evidence: Any, deals: list[Any]) -> Any:
    known = np.append(np.arange(N), np.arange(N))
    found = Adversaries(SIDES, known, 0).findings(evidence, np.zeros((2 * N, N)), deals)
    return {one.test: one for one in found}["score_membership_known_prompt"]


def test_what_scores_of_other_prompts_tell_too_is_no_finding() -> None:
    """Used documents fit their prompt anyhow: an AUC of about .7 in each of these. Only scores that
    add to that are one.
    """
    rng = np.random.default_rng(5)
    anyhow = [rng.normal(size=(2 * N, N)) for _ in range(40)]
    for one in anyhow:
        one[np.arange(N), np.arange(N)] += 0.75
    no_more = known_prompt(anyhow[0], anyhow[1:])
    assert no_more.train > 0.6 and no_more.holdout > 0.6 and no_more.p_value > 0.05
    assert no_more.difference.low < 0 < no_more.difference.high
    more = known_prompt(anyhow[0] * 0.1 + (OWN[:, None] == np.arange(N)), anyhow[1:])
    assert more.p_value == 1 / 2000 and more.train == pytest.approx(1)
    aucs = [known_prompt(one, anyhow[:2]).train for one in anyhow[1:]]
    assert more.holdout == pytest.approx(np.mean(aucs))
    assert more.difference.mean == pytest.approx(more.train - more.holdout)
    assert more.difference.low > 0.2


def test_a_deal_that_happens_to_single_out_used_documents_is_no_finding() -> None:
    """What is learnt differs from deal to deal: each of these has its own mean, which no draw of
    patients explains.
    """
    rng = np.random.default_rng(6)
    deals = [rng.normal(size=(2 * N, N)) for _ in range(40)]
    for shift, one in enumerate(deals):
        one[np.arange(N), np.arange(N)] += (shift - 20) / 20
    lucky = known_prompt(deals[34], [*deals[:34], *deals[35:]])
    assert lucky.train > 0.65 and lucky.difference.low > 0 and lucky.p_value > 0.05
    alike = [deals[20]] * 3
    assert known_prompt(deals[20], alike).p_value == 1
    assert known_prompt(deals[39], alike).p_value == 1 / 2000


def test_the_p_value_over_deals_is_that_of_one_value_more() -> None:
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(7)
    others = rng.normal(0.5, 0.06, 40)
    # of one value against many the t test of two samples, which pools their variances, is the same
    expected = ttest_ind([0.6], others, alternative="greater").pvalue
    assert one_more(0.6, others) == pytest.approx(expected)
    drawn = [one_more(rng.normal(), rng.normal(size=40)) for _ in range(2000)]
    assert np.mean(np.array(drawn) <= 0.05) == pytest.approx(0.05, abs=0.015)


def test_scores_dealt_to_other_prompts_stay_among_those_with_as_many_candidates() -> None:
    import pandas as pd

    of = suspicion()
    means = of.means.copy()
    means[:, :, ::3, 3] = np.nan
    means[:, :, 1, 2:] = np.nan  # the only one of its kind keeps its own
    ids = [f"p{number:02}" for number in range(N)]
    setup = Suspects(
        *(SIDES, ids, Suspicion(means, OWN, of.folds, 0), np.zeros((2 * N, N))),
        known=np.append(np.arange(N), np.arange(N)),
    )
    counts = np.isfinite(means[0, 0]).sum(axis=-1)
    rows = [(one, number) for one, n in zip(ids, counts, strict=True) for number in range(n)]
    table = pd.DataFrame(rows, columns=["prompt_id", "candidate"]).assign(total=range(len(rows)))
    moved = dealt_out(table, setup, 0, deal=0)
    assert moved.groupby("prompt_id")["candidate"].nunique().tolist() == counts.tolist()
    own = table.merge(moved, on=["prompt_id", "candidate", "total"])
    assert set(own["prompt_id"]) == {"p01"}
    assert not moved.equals(dealt_out(table, setup, 0, deal=1))


def test_missing_scores_and_candidates_tell_nothing() -> None:
    of = suspicion()
    nothing = np.full((N, 4), np.nan)
    assert np.array_equal(of_floats(of, {"total": nothing}), np.zeros((2 * N, N)))
    unknown = np.full(N, -1)
    assert np.abs(of_orders(of, unknown, unknown)).max() < 1e-9
    means = of.means.copy()
    means[:, :, ::3, 3] = np.nan  # every third prompt has three candidates
    fewer = Suspicion(means, OWN, of.folds, 0)
    table = scores(fewer)
    assert np.isfinite(of_floats(fewer, {"total": table})).all()
    known = np.append(np.arange(N), np.arange(N))
    found = Adversaries(SIDES, known, 0).told(of_floats(fewer, {"total": table}))
    assert found["linked"]["mean"] > 0.95
    best, worst = np.nanargmax(table, axis=1), np.nanargmin(table, axis=1)
    assert np.isfinite(of_orders(fewer, best, worst)).all()
    assert np.isfinite(of_texts(fewer)).all()


def test_texts_that_are_like_their_documents_tell_them() -> None:
    of = suspicion()
    means = of.means.copy()
    means[:, np.arange(N), np.arange(N)] += 0.5
    known = np.append(np.arange(N), np.arange(N))
    like = Adversaries(SIDES, known, 0).told(of_texts(Suspicion(means, OWN, of.folds, 0)))
    unlike = Adversaries(SIDES, known, 0).told(of_texts(of))
    assert like["linked"]["mean"] > 0.95 and unlike["linked"]["mean"] < 0.1


def test_prompts_by_hand() -> None:
    prompts = [frozenset(own) for own in (["HTA"], ["HTA"], ["HTA", "zona"], ["lupus"])]
    suspects = [frozenset(own) for own in (["HTA", "zona"], ["HTA"], ["lupus", "autre"], [])]
    found = of_prompts(suspects, prompts)
    assert found.argmax(axis=1)[0] == 2 and found.argmax(axis=1)[2] == 3
    assert found[1, 0] == found[1, 1] > found[1, 2]
    assert found[0, 2] > found[1, 0]  # a rare set that fits says more than a usual one
    share = 2 / 6  # of zona, one prompt of four, with one prompt more of either kind
    both = found[0, 2] - found[1, 2]
    assert both == pytest.approx(math.log(0.99 / share) - math.log(0.01 / share))


def test_among_all_is_the_mean_likelihood_ratio() -> None:
    assert among_all(np.log([[1.0, 3.0], [0.5, 0.5]])) == pytest.approx(np.log([2.0, 0.5]))


TEXTS = st.lists(
    st.lists(st.sampled_from(["a", "b", "c", "HTA,", "14/9", "é.", "fin"]), max_size=9).map(
        " ".join
    ),
    min_size=1,
    max_size=4,
)


@given(TEXTS, TEXTS, st.sampled_from(["exponential", "epsilon"]))
@settings(deadline=None, max_examples=60)
def test_bleu_of_all_pairs_is_that_of_each(
    candidates: list[str], documents: list[str], smoothing: Smoothing
) -> None:
    found = public_means.bleus(candidates, documents, smoothing)
    each = [[bleu(one, other, smoothing) for one in candidates] for other in documents]
    assert found == pytest.approx(np.array(each), abs=1e-12)


def test_similarity_of_all_pairs_is_that_of_each() -> None:
    corpus = _demo()
    encoder = LocalEvaluator(LocalSettings(lsa_dimensions=8))
    encoder.fit(corpus.public["text"].tolist())
    documents = corpus.private_train["text"].tolist()[:5]
    candidates = [*corpus.public["text"].tolist()[:5], ""]
    found = public_means.similarities(encoder, candidates, documents, 16, 8)
    each = [
        similarity.similarities(encoder, candidates, [one], np.zeros(6, dtype=np.int64), 16, 8)
        for one in documents
    ]
    assert found == pytest.approx(np.array(each), abs=1e-6)


@cache
def _demo() -> Any:
    from synthfr.corpora import demo
    from synthfr.corpora.demo import DemoSizes

    return demo.corpus(DemoSizes(public=60, private_train=60, private_holdout=60), 0)


def test_the_whole_attack_on_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids are joined as they should: BLEU finds every document behind its prompt, a choice few."""
    # the package has a function of this name
    monkeypatch.setattr(import_module("synthfr.privacy.linkage.attack"), "DEALS", 5)
    corpus = _demo()
    keywords = Keywords(min_documents=2)
    done = export(corpus.public, corpus.private_train, corpus.codes, keywords, "plain", 0)
    texts = corpus.public["text"].tolist()
    rows = [
        (prompt_id, number, texts[(7 * place + 13 * number) % len(texts)], 40, "stop")
        for place, prompt_id in enumerate(done.keyed["prompt_id"])
        for number in range(4)
    ]
    candidates = _frame(rows, ["prompt_id", "candidate", "text", "n_tokens", "finish_reason"])
    document = dict(zip(done.keyed["prompt_id"], done.keyed["text"], strict=True))
    told_of = candidates[["prompt_id", "candidate"]].copy()
    for name in ("similarity", "keyword_recall", "judge", "similarity_judge", "bleu", "total"):
        told_of[name] = np.float32("nan")
    told_of["bleu"] = told_of["total"] = np.array(
        [
            bleu(text, document[one])
            for one, text in zip(candidates["prompt_id"], candidates["text"], strict=True)
        ],
        dtype=np.float32,
    )
    params = Score.model_validate(
        {"strip_headings": False, "weights": {"similarity": 0.0, "bleu": 1.0}}
    )
    pair = Pair(min_margin=0.0)
    released = choose(candidates, told_of, pair, 0).orders
    round_ = Round(
        *("dpo1", candidates, done.prompts, released, corpus.public, corpus.codes, told_of),
        *(done.keyed, corpus.private_holdout),
    )
    found, measures = attack(round_, Linkage(suspects=40), params, pair, keywords, 0)
    # as many as there are others that hold a term which may leave
    assert 20 <= measures["suspects"] <= min(40, len(done.keyed))
    assert measures["by_scores"]["raw"]["linked"]["mean"] > 0.9
    assert measures["by_scores"]["order"]["linked"]["mean"] < 0.3
    assert {one.test for one in found} == {
        "prompt_membership",
        "prompt_linking",
        "score_membership",
        "score_membership_known_prompt",
        "score_linking",
        "score_membership_beside_prompts",
    }
    again, _ = attack(round_, Linkage(suspects=40), params, pair, keywords, 0)
    assert again == found
    # sums over the corpus beside the scores (score.dp.stratum) are none of them
    summed = replace(round_, scores=told_of.assign(population=np.int64(1) << 40))
    assert attack(summed, Linkage(suspects=40), params, pair, keywords, 0) == (found, measures)
    few = replace(round_, holdout=corpus.private_holdout[:5])
    assert attack(few, Linkage(), params, pair, keywords, 0) == ([], {})


def _frame(rows: list[tuple[Any, ...]], names: list[str]) -> Any:
    import pandas as pd

    return pd.DataFrame(rows, columns=names)
