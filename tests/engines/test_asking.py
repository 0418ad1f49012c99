"""Answers in form are kept, others asked for once more with another seed, then given up."""

from pathlib import Path

import pytest

from synthfr import seeding
from synthfr.engines import Request
from synthfr.engines.asking import AnswerSchema, Question
from synthfr.errors import UserError
from tests.judging import rounds

ONE: AnswerSchema[int] = AnswerSchema(
    '{"type": "integer"}', lambda answer: answer if answer == 1 else None
)
QUESTIONS = [Question((f"p{number}", 0), f"question {number}") for number in range(4)]


def test_what_is_not_in_form_is_asked_again_once(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        if request.id == "p1/0":
            return "1" if request.seed == second["p1/0"] else "Voici : 1"
        return "{" if request.id == "p3/0" else "2" if request.id == "p2/0" else "1"

    first, second = (
        {one.id: seeding.derive(7, "judge", "dpo1", *one.about, attempt) for one in QUESTIONS}
        for attempt in (0, 1)
    )
    judge, engine = rounds.respondent(answer, tmp_path, max_unparsable_share=0.5)
    answers = judge.answer(QUESTIONS, ONE)
    assert answers.by_id == {"p0/0": 1, "p1/0": 1}
    assert answers.measures == {
        "questions": 4,
        "asked_again": 3,
        "unparsable": 2,
        "unparsable_share": 0.5,
        "tokens": 9,
    }
    asked = [{one.id: one.seed for one in call} for call in engine.calls]
    assert asked == [first, {name: second[name] for name in ("p1/0", "p2/0", "p3/0")}]
    assert not set(first.values()) & set(second.values())


def test_all_go_to_the_engine_as_the_parameters_say(tmp_path: Path) -> None:
    judge, engine = rounds.respondent(
        lambda _: "1", tmp_path, temperature=0.5, top_p=0.9, top_k=3, max_new_tokens=11
    )
    judge.answer(QUESTIONS, ONE)
    (call,) = engine.calls  # one call for all: prefixes are shared
    for one in call:
        assert (one.temperature, one.top_p, one.top_k, one.max_new_tokens) == (0.5, 0.9, 3, 11)
        assert one.json_schema == ONE.json_schema


def test_too_many_failures_are_told(tmp_path: Path) -> None:
    judge, _ = rounds.respondent(lambda one: "non" if one.id == "p2/0" else "1", tmp_path)
    with pytest.raises(UserError, match=r"1 of 4 questions \(25\.0%\).*about p2/0: raise judge"):
        judge.answer(QUESTIONS, ONE)


def test_no_question_is_no_failure(tmp_path: Path) -> None:
    judge, engine = rounds.respondent(lambda _: "1", tmp_path)
    answers = judge.answer([], ONE)
    assert (answers.by_id, answers.measures["unparsable_share"], engine.calls) == ({}, 0.0, [])
