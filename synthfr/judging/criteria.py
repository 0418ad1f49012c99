"""Kind ``score``: every candidate by itself, rated 0-10 for three criteria; the judge's score is
their mean, in [0, 1].
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from synthfr.engines.asking import AnswerSchema, Respondent
from synthfr.judging.alone import ask_of_each
from synthfr.judging.rows import Candidate, Judgement, distribution

CRITERIA = ("language", "plausibility", "authenticity")
HIGHEST = 10


def _grades(answer: Any) -> tuple[float, ...] | None:
    if not isinstance(answer, dict) or set(answer) != set(CRITERIA):
        return None
    grades = [answer[name] for name in CRITERIA]
    if not all(type(grade) is int and 0 <= grade <= HIGHEST for grade in grades):
        return None
    return tuple(grade / HIGHEST for grade in grades)


GRADES = AnswerSchema(
    json.dumps(
        {
            "type": "object",
            "properties": {
                name: {"type": "integer", "minimum": 0, "maximum": HIGHEST} for name in CRITERIA
            },
            "required": list(CRITERIA),
            "additionalProperties": False,
        }
    ),
    _grades,
)


def rate(
    candidates: Sequence[Candidate], respondent: Respondent
) -> tuple[list[Judgement], dict[str, Any]]:
    """A judgement of each candidate, in order, and measures.

    One without an answer in the schema is null; a blank report is not asked about and has 0 in
    everything.
    """
    nothing = (0.0,) * len(CRITERIA)
    graded, measures = ask_of_each(candidates, "score", respondent, GRADES, nothing)
    judgements = [
        Judgement(*candidate.key)
        if grades is None
        else Judgement(*candidate.key, sum(grades) / len(grades), *grades)
        for candidate, grades in zip(candidates, graded, strict=True)
    ]
    return judgements, {
        **measures,
        **{name: distribution([getattr(one, name) for one in judgements]) for name in CRITERIA},
    }
