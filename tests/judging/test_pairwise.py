"""Comparisons in both orders: agreement wins, contradiction ties, a favoured place is found out."""

import json
from pathlib import Path

import pytest

from synthfr.engines import Request
from synthfr.judging import pairwise
from tests.judging import rounds


def shown(request: Request) -> tuple[str, str]:
    """The two texts that a question shows, first and second."""
    first, second = (part.split("\n>>>")[0] for part in request.prompt.split("<<<\n")[1:])
    return first, second


def better(verdict: str) -> str:
    return json.dumps({"better": verdict})


def honest(request: Request) -> str:
    """Prefers the text with the higher number."""
    first, second = (int(text) for text in shown(request))
    return better("A" if first > second else "B" if second > first else "equal")


def test_each_two_candidates_of_a_prompt_meet_in_both_orders(tmp_path: Path) -> None:
    judge, engine = rounds.respondent(honest, tmp_path)
    found, measures = pairwise.compare(rounds.candidates(p0=["3", "1", "2"], p1=["5", "4"]), judge)
    asked = sorted(shown(one) for one in engine.calls[0])
    expected = [("1", "2"), ("1", "3"), ("2", "1"), ("2", "3"), ("3", "1"), ("3", "2")]
    assert asked == [*expected, ("4", "5"), ("5", "4")]
    assert [one.judge for one in found] == [1.0, 0.0, 0.5, 1.0, 0.0]
    assert {one.language for one in found} == {None}
    assert (measures["comparisons"], measures["tie_share"]) == (4, 0.0)
    assert (measures["position_bias"], measures["first_preferred"]) == (0.0, 0.5)


@pytest.mark.parametrize(("place", "preferred"), [("A", 1.0), ("B", 0.0)])
def test_a_judge_that_names_a_place_says_nothing(
    tmp_path: Path, place: str, preferred: float
) -> None:
    judge, _ = rounds.respondent(lambda _: better(place), tmp_path)
    found, measures = pairwise.compare(rounds.candidates(p0=["3", "1", "2"]), judge)
    assert [one.judge for one in found] == [0.5, 0.5, 0.5]
    assert (measures["position_bias"], measures["tie_share"]) == (1.0, 1.0)
    assert measures["first_preferred"] == preferred


def test_an_equal_and_a_win_are_a_tie_without_contradiction(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        return better("equal" if shown(request)[0] == "1" else "A")

    judge, _ = rounds.respondent(answer, tmp_path)
    found, measures = pairwise.compare(rounds.candidates(p0=["1", "2"]), judge)
    assert [one.judge for one in found] == [0.5, 0.5]
    assert (measures["position_bias"], measures["tie_share"]) == (0.0, 1.0)


def test_blank_and_identical_texts_are_not_asked_about(tmp_path: Path) -> None:
    judge, engine = rounds.respondent(honest, tmp_path)
    found, measures = pairwise.compare(
        rounds.candidates(p0=["2", "2 ", "", "1"], p1=["", ""]), judge
    )
    # of three comparisons each: the twins tie, beat the blank and 1; 1 beats the blank
    assert [one.judge for one in found[:4]] == pytest.approx([2.5 / 3, 2.5 / 3, 0.0, 1 / 3])
    assert [one.judge for one in found[4:]] == [0.0, 0.0]
    assert len(engine.calls[0]) == 4
    assert (measures["identical"], measures["comparisons"]) == (1, 2)


def test_half_a_comparison_does_not_count(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        return "bof" if shown(request) == ("1", "2") else honest(request)

    judge, _ = rounds.respondent(answer, tmp_path, max_unparsable_share=0.5)
    found, measures = pairwise.compare(rounds.candidates(p0=["1", "2", "3"], p1=["8", "9"]), judge)
    assert [one.judge for one in found] == [0.0, 0.0, 1.0, 0.0, 1.0]  # 1-2 is missing
    assert (measures["unparsable"], measures["comparisons"]) == (1, 3)
    only = rounds.candidates(p0=["1", "2"])
    assert [one.judge for one in pairwise.compare(only, judge)[0]] == [None, None]
    assert [one.judge for one in pairwise.compare(rounds.candidates(p0=["1"]), judge)[0]] == [None]


@pytest.mark.parametrize("answer", ['{"better": "C"}', '"A"', '{"better": ["A"]}', "{}", "A"])
def test_other_verdicts_are_unusable(tmp_path: Path, answer: str) -> None:
    judge, _ = rounds.respondent(lambda _: answer, tmp_path, max_unparsable_share=1.0)
    found, measures = pairwise.compare(rounds.candidates(p0=["1", "2"]), judge)
    assert [one.judge for one in found] == [None, None]
    assert (measures["unparsable"], measures["tie_share"]) == (2, None)
