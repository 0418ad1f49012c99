"""The discriminator: tells the two sides apart, and never by the candidate's own document."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from synthfr import records, seeding
from synthfr.errors import UserError
from synthfr.scoring import coarse
from synthfr.scoring.discriminator import Discriminator, DiscriminatorSettings, Floats, deal, rating
from synthfr.scoring.raters import Documents
from tests.scoring import toy

PARAMS = DiscriminatorSettings(folds=4, max_ngram=2, C=1.0)
HOSPITAL = ["HTA", "DNID", "OMI", "OAP", "BPCO", "RAS", "sat", "irrég", "via", "SAU"]
PUBLISHED = ["hypertension", "diabète", "des", "œdèmes", "une", "bronchite", "rien", "par"]
TOPICS = ["fièvre", "toux", "chute", "malaise", "bilan", "contrôle", "douleur", "dyspnée"]
N = 40


def report(style: list[str], side: str, number: int) -> str:
    """Three words in five of a style, the others of topics that both sides have."""
    rng = seeding.rng(1, "toy", side, number)
    return " ".join([*rng.choice(style, 12), *rng.choice(TOPICS, 8)])


def documents(texts: Mapping[str, str], owners: Mapping[str, str] | None = None) -> Documents:
    return Documents(dict(texts), {key: (owners or {}).get(key, key) for key in texts})


PRIVATE = {f"p{number:02}": report(HOSPITAL, "private", number) for number in range(N)}
PUBLIC = {f"s{number:02}": report(PUBLISHED, "public", number) for number in range(N)}


def fitted(
    private: Mapping[str, str] = PRIVATE,
    owners: Mapping[str, str] | None = None,
    public: Mapping[str, str] = PUBLIC,
    params: DiscriminatorSettings = PARAMS,
) -> Discriminator:
    return Discriminator(params, documents(private, owners), documents(public), 7)


def rate(rater: Discriminator, text: str, prompt_id: str) -> float:
    return float(rater.rate([text], [prompt_id])[0])


def one_per_prompt(rater: Discriminator, style: list[str], side: str) -> Floats:
    return rater.rate([report(style, side, 100 + number) for number in range(N)], sorted(PRIVATE))


@pytest.fixture
def told_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures that would not leave: there are too few private reports here."""
    monkeypatch.setattr(coarse, "MIN_PROMPTS", N)


@pytest.mark.usefixtures("told_of_few")
def test_private_style_is_rated_above_public_style() -> None:
    rater = fitted()
    private, public = (
        one_per_prompt(rater, style, side)
        for style, side in ((HOSPITAL, "private"), (PUBLISHED, "public"))
    )
    assert public.max() < 0.5 < private.min()
    found = rater.measures["discriminator"]
    assert found["auc"] == 1 and found["public"] < 0.45 < 0.55 < found["private"]


@pytest.mark.usefixtures("told_of_few")
def test_shuffled_labels_teach_nothing() -> None:
    """Negative control: each side holds both styles; no candidate stands out by its style."""
    texts = [*PRIVATE.values(), *PUBLIC.values()]
    order = seeding.rng(2, "labels").permutation(2 * N)
    rater = fitted(
        {key: texts[row] for key, row in zip(PRIVATE, order[:N], strict=True)},
        public={key: texts[row] for key, row in zip(PUBLIC, order[N:], strict=True)},
    )
    private, public = (
        one_per_prompt(rater, style, side)
        for style, side in ((HOSPITAL, "private"), (PUBLISHED, "public"))
    )
    assert abs(private.mean() - public.mean()) < 0.03
    assert 0.3 < rater.measures["discriminator"]["auc"] < 0.7


# --- cross-fitting ----------------------------------------------------------------------------

# words that no other patient has, and two of everybody's
OWN = "zébulon kérato zébulon kérato fièvre chute"
TOPICS_OF_OWN = "fièvre chute"


def test_a_copy_is_not_rated_by_a_model_that_saw_the_original(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two stays of one patient share words that are its own; a candidate copies one of them."""
    private, owners = PRIVATE | {"p03": OWN, "p17": OWN}, {"p03": "patient", "p17": "patient"}
    rater = fitted(private, owners)
    fair = rate(rater, OWN, "p03")
    assert fair == rate(rater, TOPICS_OF_OWN, "p03")  # its own words are no words to this model
    seen = []
    for fold in set(range(PARAMS.folds)) - {rater._fold_of["p03"]}:
        monkeypatch.setitem(rater._fold_of, "p03", fold)  # on purpose: a model that saw it
        seen.append(rate(rater, OWN, "p03"))
    by_report = fitted(private)
    assert by_report._fold_of["p03"] != by_report._fold_of["p17"]  # this model saw the other stay
    assert min(*seen, rate(by_report, OWN, "p03")) > fair + 0.03  # more than pair.min_margin


def test_a_rating_does_not_depend_on_the_document() -> None:
    """To the last bit; those of other prompts' candidates do."""
    owners = {"p03": "patient", "p17": "patient"}
    texts = [report(HOSPITAL, "candidate", number) for number in range(N)]
    ids = sorted(PRIVATE)
    before = fitted(PRIVATE, owners).rate(texts, ids)
    after = fitted(PRIVATE | {"p03": OWN, "p17": OWN}, owners).rate(texts, ids)
    fold_of = deal(documents(PRIVATE, owners).owners, PARAMS.folds, 7, "private")
    same_fold = np.array([fold_of[key] == fold_of["p03"] for key in ids])
    assert (before[same_fold] == after[same_fold]).all()
    assert (before[~same_fold] != after[~same_fold]).all()


def test_folds_are_of_patients_and_even() -> None:
    owners = {f"d{number:02}": f"patient-{number // 2}" for number in range(20)}
    dealt = deal(owners, 3, 7, "private")
    assert all(dealt[f"d{number:02}"] == dealt[f"d{number + 1:02}"] for number in range(0, 20, 2))
    sizes = [list(dealt.values()).count(fold) for fold in range(3)]
    assert sorted(sizes) == [6, 6, 8]
    assert deal(dict(reversed(owners.items())), 3, 7, "private") == dealt
    assert deal(owners, 3, 8, "private") != dealt != deal(owners, 3, 7, "public")
    alone = deal({key: key for key in owners}, 3, 7, "private")  # the control: by document
    assert any(alone[f"d{number:02}"] != alone[f"d{number + 1:02}"] for number in range(0, 20, 2))


# --- numbers ----------------------------------------------------------------------------------


def test_order_of_rows_and_company_do_not_matter() -> None:
    texts, ids = [*PUBLIC.values(), *PRIVATE.values()], sorted(PRIVATE) * 2
    once = fitted().rate(texts, ids)
    mixed = fitted(
        dict(sorted(PRIVATE.items(), reverse=True)), public=dict(reversed(PUBLIC.items()))
    )
    order = seeding.rng(3, "rows").permutation(2 * N)
    again = mixed.rate([texts[row] for row in order], [ids[row] for row in order])
    assert (again == once[order]).all() and mixed.measures == fitted().measures
    assert rate(mixed, texts[5], ids[5]) == once[5]
    assert len(set(once)) > N  # the control: they are not all alike


def test_ratings_near_the_end_still_differ() -> None:
    log_odds = np.array([-100.0, -99, -8, -4, 0, 4, 8, 20, 21, 99, 100])
    found = rating(log_odds)
    single = found.astype(np.float32)
    assert (np.diff(single) > 0).all() and single[0] > 0 and single[-1] < 1
    assert found[4] == 0.5 and found[5] == pytest.approx((1 + 1 / np.sqrt(2)) / 2)
    assert rating(-log_odds) == pytest.approx(1 - found)
    probability = (1 / (1 + np.exp(-log_odds))).astype(np.float32)  # the control
    assert probability[7] == probability[8] == 1
    # what the docstring says of a margin of .02
    for x, apart in ((0.0, 0.2), (4.0, 0.5), (8.0, 1.8)):
        assert rating(np.array([x + apart]))[0] - rating(np.array([x]))[0] == pytest.approx(
            0.02, rel=0.25
        )


def test_what_says_nothing() -> None:
    rater = fitted()
    assert rater.rate(["", " \n", "zzz qqq"], ["p00"] * 3).tolist() == [0, 0, 0.5]


def test_a_word_of_one_report_alone_weighs_nothing() -> None:
    fold_of = fitted()._fold_of
    one, other = [key for key in PRIVATE if fold_of[key] != fold_of["p00"]][:2]
    once = PRIVATE | {one: PRIVATE[one] + " zébulon"}
    twice = once | {other: PRIVATE[other] + " zébulon"}
    assert rate(fitted(once), "zébulon", "p00") == 0.5
    assert rate(fitted(twice), "zébulon", "p00") > 0.5  # the control


def test_too_little_to_learn_from() -> None:
    few = dict(list(PRIVATE.items())[:3])
    with pytest.raises(UserError, match=r"folds is 4, but the private reports are of 3 patients"):
        fitted(few)
    with pytest.raises(UserError, match=r"folds is 4, but the public reports are of 3 patients"):
        fitted(public=few)
    empty, unlike = dict.fromkeys(PRIVATE, ";"), {key: f"mot{key}" for key in PRIVATE}
    with pytest.raises(UserError, match="no word"):
        fitted(empty, public=dict.fromkeys(PUBLIC, "..."))
    with pytest.raises(UserError, match=r"no word stands in 2 of .* 60 training reports") as error:
        fitted(unlike, public={key: f"mot{key}" for key in PUBLIC})
    assert "motp" not in str(error.value)


# --- as the stage's evaluator -----------------------------------------------------------------

CANDIDATES = toy.candidates(
    ("p1", 0, "MDE : F67, OMI ++, HTA, via SAU"),
    ("p1", 1, "une hypertension ; des crépitants"),
    ("p2", 0, ""),
    ("p2", 1, "une fracture"),
)


def scored(candidates: pd.DataFrame = CANDIDATES, **changes: object) -> tuple[pd.DataFrame, dict]:
    params = toy.params(kind="discriminator", **changes)
    done = toy.score(candidates, toy.keyed(), toy.prompts(), toy.judgements(candidates), params)
    assert done.evaluator_weights is None
    return done.scores, done.measures


def test_scores_fit_the_schema() -> None:
    found, measures = scored()
    records.validate(found, records.SCORES, "scores")
    assert found["similarity"][0] > 0.5 > found["similarity"][1]
    assert found["similarity"][2] == 0 and found["total"].equals(found["similarity"])
    assert measures["discriminator"] == {"auc": None, "private": None, "public": None}  # of six


@pytest.mark.usefixtures("told_of_few")
def test_figures_of_many_patients_are_told_coarsely() -> None:
    told = fitted().measures["discriminator"]
    assert all(one == round(one, 2) for one in told.values())
    # as many reports of fewer patients
    few = fitted(owners={"p03": "patient", "p17": "patient"})
    assert set(few.measures["discriminator"].values()) == {None}


def test_the_other_parts_are_what_they_are_with_a_document() -> None:
    found, _ = scored()
    judgements = toy.judgements(CANDIDATES)
    compared = toy.score(CANDIDATES, toy.keyed(), toy.prompts(), judgements, toy.params()).scores
    for part in ("keyword_recall", "bleu", "judge"):
        pd.testing.assert_series_equal(found[part], compared[part])
    assert not found["similarity"].equals(compared["similarity"])


def test_patients_are_kept_together_where_they_are_known() -> None:
    """Three patients fill three folds; six reports of two do not."""
    keyed = toy.keyed()
    params = toy.params(kind="discriminator")
    for patients, enough in ((["a", "b", "c"] * 2, True), (["a", "b"] * 3, False)):
        known = keyed.assign(patient_id=patients)
        arguments = (CANDIDATES, known, toy.prompts(), toy.judgements(CANDIDATES), params)
        if enough:
            toy.score(*arguments)
        else:
            with pytest.raises(UserError, match="the private reports are of 2 patients"):
                toy.score(*arguments)


def test_headings_are_no_way_to_look_private() -> None:
    """Negative control: only section titles."""
    titles = toy.candidates(("p3", 0, "MDE : rien\nATCD : rien\nClin : rien\nAu total : rien"))
    assert scored(titles)[0]["similarity"][0] == 0.5  # no word that it knows is left
    assert scored(titles, strip_headings=False)[0]["similarity"][0] > 0.55
