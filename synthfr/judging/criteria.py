"""Kind ``score``: every candidate by itself, rated 0-10 for three criteria; the judge's score is
their mean, in [0, 1].
"""

from __future__ import annotations

import json
from typing import Any

from synthfr.engines.asking import Form, Question
from synthfr.judging.panel import Candidate, Judgement, Panel, distribution
from synthfr.judging.templates import render

CRITERIA = ("language", "plausibility", "authenticity")
HIGHEST = 10


def _read(answer: Any) -> tuple[float, ...] | None:
    if not isinstance(answer, dict) or set(answer) != set(CRITERIA):
        return None
    grades = [answer[name] for name in CRITERIA]
    if not all(type(grade) is int and 0 <= grade <= HIGHEST for grade in grades):
        return None
    return tuple(grade / HIGHEST for grade in grades)


FORM = Form(
    schema=json.dumps(
        {
            "type": "object",
            "properties": {
                name: {"type": "integer", "minimum": 0, "maximum": HIGHEST} for name in CRITERIA
            },
            "required": list(CRITERIA),
            "additionalProperties": False,
        }
    ),
    read=_read,
)


def judge(candidates: list[Candidate], panel: Panel) -> tuple[list[Judgement], dict[str, Any]]:
    """A judgement of each candidate, in order, and measures.

    One without an answer in form is null; a blank report is not asked about and has 0 in
    everything.
    """
    asked = {
        one.key: Question(one.key, render("score", one.language, text=one.text))
        for one in candidates
        if not one.blank
    }
    answers = panel.ask(list(asked.values()), FORM)
    found = []
    for one in candidates:
        grades = (0.0,) * len(CRITERIA) if one.blank else answers.given.get(asked[one.key].id)
        found.append(
            Judgement(*one.key)
            if grades is None
            else Judgement(*one.key, sum(grades) / len(grades), *grades)
        )
    return found, {
        **answers.measures,
        **{name: distribution([getattr(one, name) for one in found]) for name in CRITERIA},
    }
