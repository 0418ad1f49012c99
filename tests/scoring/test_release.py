"""Nothing but ids and scores passes the gate."""

import numpy as np
import pandas as pd
import pytest

from synthfr.records import SCORES
from synthfr.scoring.release import NotReleasable, release
from tests.scoring import toy

CANDIDATES = toy.candidates(("p0", 0, "a"), ("p0", 1, "b"))


@pytest.fixture
def scores() -> pd.DataFrame:
    frame = CANDIDATES[["prompt_id", "candidate"]].copy()
    for name in SCORES.schema.names[2:]:
        frame[name] = np.array([0.5, np.nan if "judge" in name else -1.0], dtype=np.float32)
    return frame


def test_scores_pass_unchanged(scores: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(release(scores, CANDIDATES), scores)


def test_a_text_column_does_not_pass(scores: pd.DataFrame) -> None:
    with pytest.raises(NotReleasable, match="other columns"):
        release(scores.assign(text="Madame Martin"), CANDIDATES)


def test_texts_in_a_score_column_do_not_pass(scores: pd.DataFrame) -> None:
    with pytest.raises(NotReleasable, match="'bleu'") as error:
        release(scores.assign(bleu=["Madame Martin", "0.1"]), CANDIDATES)
    assert "Martin" not in str(error.value)


def test_wide_numbers_do_not_pass(scores: pd.DataFrame) -> None:
    with pytest.raises(NotReleasable, match="float64"):
        release(scores.astype({"total": "float64"}), CANDIDATES)
    with pytest.raises(NotReleasable, match="outside"):
        release(scores.assign(total=np.array([1e9, 0], dtype=np.float32)), CANDIDATES)


@pytest.mark.parametrize("ids", [["p0", "Madame Martin"], ["p0", "p0 "]])
def test_texts_in_ids_do_not_pass(scores: pd.DataFrame, ids: list[str]) -> None:
    with pytest.raises(NotReleasable, match="other ids") as error:
        release(scores.assign(prompt_id=ids), CANDIDATES)
    assert "Martin" not in str(error.value)


def test_doubled_and_missing_rows_do_not_pass(scores: pd.DataFrame) -> None:
    for rows in ([0, 0, 1], [0]):
        with pytest.raises(NotReleasable, match="other ids"):
            release(scores.iloc[rows], CANDIDATES)
