"""Scores of candidates: joined by id, weighted, stripped of headings, floats only."""

import io

import pandas as pd
import pytest

from synthfr import records, scoring
from synthfr.errors import UserError
from tests.scoring import toy

CANDIDATES = toy.candidates(
    ("p0", 0, toy.PRIVATE[0]),  # verbatim
    ("p0", 1, "Motif : fièvre. HTA, crépitants aux bases"),
    ("p1", 0, "HTA et œdème aigu"),  # of another patient
    ("p1", 1, ""),
)


WITH_JUDGE = {"similarity": 1, "keyword_recall": 0, "judge": 3, "bleu": 0}


def scored(
    candidates: pd.DataFrame = CANDIDATES, judged: tuple[float | None, ...] = (), **changes: object
) -> scoring.Scored:
    judgements = toy.judgements(candidates, *judged)
    return toy.score(candidates, toy.keyed(), toy.prompts(), judgements, toy.params(**changes))


def scores(candidates: pd.DataFrame = CANDIDATES, **changes: object) -> pd.DataFrame:
    return scored(candidates, **changes).scores


def test_a_copy_scores_one_and_another_patient_little() -> None:
    found = scores(window_tokens=100)
    assert found["similarity"][0] == pytest.approx(1, abs=1e-6)
    assert found["bleu"][0] == pytest.approx(1)
    assert 0.1 < found["similarity"][1] < 0.9
    assert found["similarity"][2] < 0.3 and found["similarity"][3] == 0


def test_only_the_schema_leaves(tmp_path: object) -> None:
    found = scores()
    assert found.columns.tolist() == records.SCORES.schema.names
    assert set(map(str, found.dtypes[2:])) == {"float32"}
    assert found["judge"].isna().all()
    records.validate(found, records.SCORES, "scores")
    buffer = io.StringIO()
    found.to_csv(buffer)
    assert "crépitants" not in buffer.getvalue()


def test_keyword_recall_is_over_the_exported_keywords() -> None:
    # the prompt asked for HTA and œdème aigu; the document's own keyword "caché" was not exported
    assert scores()["keyword_recall"].tolist() == [0.5, 0.5, 1.0, 0.0]


def test_total_is_the_mean_of_what_has_a_weight() -> None:
    weights = {"similarity": 3, "keyword_recall": 1, "judge": 0, "bleu": 0}
    found = scores(weights=weights)
    expected = (3 * found["similarity"] + found["keyword_recall"]) / 4
    assert found["total"].tolist() == pytest.approx(expected.tolist(), abs=1e-6)
    assert scores()["total"].equals(scores()["similarity"])


def test_headings_are_no_way_to_look_similar() -> None:
    """Negative control: only the section titles of the document, none of its content."""
    titles = toy.candidates(("p3", 0, "MDE : rien\nATCD : rien\nClin : rien\nAu total : rien"))
    stripped = scores(titles, window_tokens=100)["similarity"][0]
    kept = scores(titles, window_tokens=100, strip_headings=False)["similarity"][0]
    assert stripped < 0.1 < kept


def test_the_published_total() -> None:
    """Mean of similarity, judge and keyword overlap, of whole texts; BLEU is recorded only."""
    document = toy.PRIVATE[0]
    texts = toy.candidates(("p0", 0, document), ("p0", 1, "HTA :\nrien"))
    found = scored(
        texts,
        judged=(0.8, 0.5),
        weights={"similarity": 1, "keyword_recall": 1, "judge": 1, "bleu": 0},
        strip_headings=False,
        bleu_smoothing="epsilon",
        windows_within_tokens=8,
    ).scores
    assert found["similarity"][0] > 0.5 and found["bleu"][0] == pytest.approx(1)
    assert found["keyword_recall"].tolist() == [0.5, 0.5]  # HTA, of HTA and œdème aigu
    for row, judged in enumerate((0.8, 0.5)):
        expected = (found["similarity"][row] + judged + 0.5) / 3
        assert found["total"][row] == pytest.approx(expected, abs=1e-6)
    stripped = scores(texts)["bleu"][0]  # the control: of what is below the headings
    assert stripped == pytest.approx(1) and found["bleu"][1] != scores(texts)["bleu"][1]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"windows_within_tokens": 7}, r"windows_within_tokens \(7\) has no room.*\(8\)"),
        ({"bleu_smoothing": "floor"}, "'exponential' or 'epsilon'"),
        (
            {"kind": "sentence_transformers", "model": "any", "window_tokens": 33},
            r"window_tokens \(33\) is above .*max_tokens \(32\)",
        ),
    ],
)
def test_parameters_that_cannot_be_meant(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        toy.params(**changes)  # type: ignore[arg-type]
    toy.params(windows_within_tokens=8, bleu_smoothing="epsilon")  # the control


def test_order_of_rows_does_not_matter() -> None:
    mixed = CANDIDATES.sample(frac=1, random_state=1)
    keyed = toy.keyed().sample(frac=1, random_state=2)
    judgements = toy.judgements(CANDIDATES, 0.1, 0.2, 0.3, 0.4).iloc[::-1]
    again = toy.score(mixed, keyed, toy.prompts(), judgements, toy.params()).scores
    straight = scored(judged=(0.1, 0.2, 0.3, 0.4)).scores
    pd.testing.assert_frame_equal(straight, again, check_exact=True)
    assert straight["judge"].tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_measures_are_counts() -> None:
    """What may be told of the scores themselves is not for this stage to say."""
    assert scored().measures == {"candidates": 4, "prompts": 2, "unjudged": 0}


def test_unknown_prompt_is_named() -> None:
    stranger = toy.candidates(("p0", 0, "texte"), ("p99", 0, "texte"))
    with pytest.raises(UserError, match=r"'p99'.*private documents.*generate"):
        scores(stranger)
    with pytest.raises(UserError, match=r"'p0'.*prompts"):
        prompts, judgements = toy.prompts().iloc[1:], toy.judgements(CANDIDATES)
        toy.score(CANDIDATES, toy.keyed(), prompts, judgements, toy.params())


def test_the_judge_has_its_part_in_the_total() -> None:
    found = scored(judged=(0.0, 1.0, 0.5, 0.25), weights=WITH_JUDGE)
    expected = (found.scores["similarity"] + 3 * found.scores["judge"]) / 4
    assert found.scores["total"].tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_without_a_judgement_there_is_no_total_and_never_a_zero() -> None:
    found = scored(judged=(0.9, None, 0.0, None), weights=WITH_JUDGE)
    assert found.scores["total"].isna().tolist() == [False, True, False, True]
    assert found.measures["unjudged"] == 2
    records.validate(found.scores, records.SCORES, "scores")
    recorded = scored(judged=(0.9, None, 0.0, None)).scores  # the control: no weight, no matter
    assert recorded["total"].notna().all() and recorded["judge"].isna().sum() == 2


def test_judgements_must_be_those_of_the_candidates() -> None:
    for judgements in (toy.judgements(CANDIDATES).iloc[:-1], toy.judgements(CANDIDATES[:0])):
        with pytest.raises(UserError, match=r"of prompt 'p\d'.*judge stage again"):
            toy.score(CANDIDATES, toy.keyed(), toy.prompts(), judgements, toy.params())
    for similar in (toy.similarities(CANDIDATES).iloc[:-1], toy.similarities(CANDIDATES[:0])):
        with pytest.raises(UserError, match=r"of prompt 'p\d'.*similarity_judge stage again"):
            judgements, params = toy.judgements(CANDIDATES), toy.params()
            toy.score(CANDIDATES, toy.keyed(), toy.prompts(), judgements, params, similar)
    more = pd.concat([CANDIDATES, toy.candidates(("p9", 0, "RAS"))])
    with pytest.raises(UserError, match=r"candidate 0 of prompt 'p9' is on one side only"):
        toy.score(CANDIDATES, toy.keyed(), toy.prompts(), toy.judgements(more), toy.params())


def test_a_weight_without_a_judge() -> None:
    with pytest.raises(UserError, match=r"score\.weights\.judge is above 0, but no candidate"):
        scores(weights=WITH_JUDGE)
    with pytest.raises(UserError, match=r"score\.weights\.similarity_judge is above 0, but no"):
        scores(weights={"similarity_judge": 1})


def similar(*judged: float | None, weight: float) -> scoring.Scored:
    given = toy.judgements(CANDIDATES), toy.params(weights={"similarity_judge": weight})
    judged_similar = toy.similarities(CANDIDATES, *judged).iloc[::-1]  # joined by id
    return toy.score(CANDIDATES, toy.keyed(), toy.prompts(), *given, judged_similar)


def test_the_similarity_judge_has_its_part_in_the_total() -> None:
    table = similar(1.0, 0.0, 0.7, 0.0, weight=3).scores
    records.validate(table, records.SCORES, "scores")
    assert table["similarity_judge"].tolist() == pytest.approx([1.0, 0.0, 0.7, 0.0])
    expected = (table["similarity"] + 3 * table["similarity_judge"]) / 4
    assert table["total"].tolist() == pytest.approx(expected.tolist(), abs=1e-6)
    judged = similar(None, 0.3, 0.8, 0.0, weight=1)
    assert judged.scores["total"].isna().tolist() == [True, False, False, False]
    assert judged.measures["unjudged"] == 1
    recorded = similar(None, 0.3, 0.8, 0.0, weight=0).scores  # the control: no weight, no matter
    assert recorded["total"].notna().all() and recorded["similarity_judge"].isna().sum() == 1


def test_without_weight_the_similarity_judge_changes_no_other_column() -> None:
    off, on = scored(), similar(0.4, 0.4, 0.4, 0.0, weight=0)
    assert off.scores["similarity_judge"].isna().all()
    others = [name for name in records.SCORES.schema.names if name != "similarity_judge"]
    pd.testing.assert_frame_equal(on.scores[others], off.scores[others], check_exact=True)
    assert on.measures == off.measures
