"""Kind ``overall``: every candidate by itself, one grade in [0, 1] for language, plausibility and
the absence of an assistant's words together, as the original Synth-FR asks for it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from synthfr.engines.asking import AnswerSchema, Respondent
from synthfr.judging.alone import ask_of_each
from synthfr.judging.rows import Candidate, Judgement

_KEY = "score"


def _score(answer: Any) -> float | None:
    if not isinstance(answer, dict) or set(answer) != {_KEY}:
        return None
    score = answer[_KEY]
    # a truth value is an int to Python; "NaN", which its parser takes, lies in no range
    return float(score) if type(score) in (int, float) and 0 <= score <= 1 else None


# hundredths: a number of any length would let a model write digits until it is cut; one that is not
# held to the schema may give a finer grade
SCORE = AnswerSchema(
    json.dumps(
        {
            "type": "object",
            "properties": {_KEY: {"enum": [hundredths / 100 for hundredths in range(101)]}},
            "required": [_KEY],
            "additionalProperties": False,
        }
    ),
    _score,
)


def rate(
    candidates: Sequence[Candidate], respondent: Respondent
) -> tuple[list[Judgement], dict[str, Any]]:
    """A judgement of each candidate, in order, and measures; its criteria are null.

    One without an answer in the schema is null; a blank report is not asked about and has 0.
    """
    grades, measures = ask_of_each(candidates, "overall", respondent, SCORE, 0.0)
    judgements = [
        Judgement(*candidate.key, grade)
        for candidate, grade in zip(candidates, grades, strict=True)
    ]
    return judgements, measures
