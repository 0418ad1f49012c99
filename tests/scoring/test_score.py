"""Scores of candidates: joined by id, weighted, stripped of headings, floats only."""

import io

import numpy as np
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


def scores(candidates: pd.DataFrame = CANDIDATES, **changes: object) -> pd.DataFrame:
    return scoring.score(candidates, toy.keyed(), toy.prompts(), toy.params(**changes)).scores


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


def test_order_of_rows_does_not_matter() -> None:
    mixed = CANDIDATES.sample(frac=1, random_state=1)
    keyed = toy.keyed().sample(frac=1, random_state=2)
    again = scoring.score(mixed, keyed, toy.prompts(), toy.params()).scores
    pd.testing.assert_frame_equal(scores(), again, check_exact=True)


def test_measures_are_numbers() -> None:
    measures = scoring.score(CANDIDATES, toy.keyed(), toy.prompts(), toy.params()).measures
    assert measures["candidates"] == 4 and measures["prompts"] == 2
    totals = scores()["total"].to_numpy()
    assert measures["spread"] == pytest.approx((np.ptp(totals[:2]) + np.ptp(totals[2:])) / 2)
    assert "judge" not in measures and measures["total"]["mean"] == pytest.approx(totals.mean())


def test_unknown_prompt_is_named() -> None:
    stranger = toy.candidates(("p0", 0, "texte"), ("p99", 0, "texte"))
    with pytest.raises(UserError, match=r"'p99'.*private documents.*generate"):
        scores(stranger)
    with pytest.raises(UserError, match=r"'p0'.*prompts"):
        scoring.score(CANDIDATES, toy.keyed(), toy.prompts().iloc[1:], toy.params())


def test_a_judge_that_does_not_exist() -> None:
    weights = {"similarity": 1, "keyword_recall": 0, "judge": 1, "bleu": 0}
    with pytest.raises(UserError, match=r"score\.weights\.judge"):
        scores(weights=weights)
