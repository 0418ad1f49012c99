"""What the kinds share that look at every candidate by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from synthfr.engines.asking import AnswerSchema, Question, Respondent
from synthfr.judging.rows import Candidate
from synthfr.judging.templates import render

T = TypeVar("T")


def ask_of_each(
    candidates: Sequence[Candidate],
    kind: str,
    respondent: Respondent,
    schema: AnswerSchema[T],
    of_blank: T,
) -> tuple[list[T | None], dict[str, Any]]:
    """The answer about each candidate, in order, and measures.

    None where there is none in the schema; a blank report is not asked about and has `of_blank`.
    """
    questions = {
        one.key: Question(one.key, render(kind, one.language, text=one.text))
        for one in candidates
        if not one.blank
    }
    answers = respondent.answer(list(questions.values()), schema)
    found = [
        of_blank if one.blank else answers.by_id.get(questions[one.key].id) for one in candidates
    ]
    return found, answers.measures
