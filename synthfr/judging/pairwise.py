"""Kind ``pairwise``: every two candidates of a prompt side by side, in both orders; a candidate's
score is the share of its comparisons that it wins, ties counted half.

Only a verdict that survives the exchange of the two texts counts: language models favour a place.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Any, Literal

from synthfr.engines.asking import AnswerSchema, Question, Respondent
from synthfr.judging.rows import Candidate, Judgement
from synthfr.judging.templates import render

Verdict = Literal["A", "B", "equal"]
VERDICTS: tuple[Verdict, ...] = ("A", "B", "equal")
_TURNED: dict[Verdict, Verdict] = {"A": "B", "B": "A", "equal": "equal"}
_POINTS: dict[Verdict, float] = {"A": 1.0, "B": 0.0, "equal": 0.5}  # of the first


def _verdict(answer: Any) -> Verdict | None:
    if not isinstance(answer, dict) or set(answer) != {"better"}:
        return None
    return next((verdict for verdict in VERDICTS if verdict == answer["better"]), None)


VERDICT: AnswerSchema[Verdict] = AnswerSchema(
    json.dumps(
        {
            "type": "object",
            "properties": {"better": {"type": "string", "enum": list(VERDICTS)}},
            "required": ["better"],
            "additionalProperties": False,
        }
    ),
    _verdict,
)


@dataclass(frozen=True)
class _Pair:
    """Two candidates, neither blank nor alike, and the questions about them in both orders."""

    first: Candidate
    second: Candidate

    def questions(self) -> tuple[Question, Question]:
        return _question(self.first, self.second), _question(self.second, self.first)


def _question(first: Candidate, second: Candidate) -> Question:
    return Question(
        (first.prompt_id, first.number, second.number),
        render("pairwise", first.language, first=first.text, second=second.text),
    )


def compare(
    candidates: Sequence[Candidate], respondent: Respondent
) -> tuple[list[Judgement], dict[str, Any]]:
    """A judgement of each candidate, in order, and measures; `candidates` are sorted by prompt.

    Not asked: equal texts tie, and a blank one loses; its own score is 0. A comparison that one of
    the two answers is missing for does not count; a candidate without any is null.
    """
    points: dict[tuple[str, int], list[float]] = defaultdict(list)
    compared: list[_Pair] = []

    def settle(first: Candidate, second: Candidate, verdict: Verdict) -> None:
        points[first.key].append(_POINTS[verdict])
        points[second.key].append(_POINTS[_TURNED[verdict]])

    identical = 0
    for _, group in groupby(candidates, key=lambda one: one.prompt_id):
        for first, second in combinations(group, 2):
            if first.blank or second.blank:
                settle(first, second, "B" if first.blank else "A")
            elif first.text.strip() == second.text.strip():
                identical += 1
                settle(first, second, "equal")
            else:
                compared.append(_Pair(first, second))

    questions = [question for pair in compared for question in pair.questions()]
    answers = respondent.answer(questions, VERDICT)
    settled = ties = contradictions = firsts = seconds = 0
    for pair in compared:
        straight, turned = (answers.by_id.get(one.id) for one in pair.questions())
        firsts += (straight == "A") + (turned == "A")
        seconds += (straight == "B") + (turned == "B")
        if straight is None or turned is None:
            continue
        settled += 1
        verdict: Verdict = straight if straight == _TURNED[turned] else "equal"
        ties += verdict == "equal"
        contradictions += straight == turned != "equal"  # the same place both times
        settle(pair.first, pair.second, verdict)

    judgements = []
    for candidate in candidates:
        won = points.get(candidate.key)
        share = 0.0 if candidate.blank else sum(won) / len(won) if won else None
        judgements.append(Judgement(*candidate.key, share))
    return judgements, {
        **answers.measures,
        "comparisons": settled,
        "identical": identical,
        "tie_share": _share(ties, settled),
        "position_bias": _share(contradictions, settled),
        "first_preferred": _share(firsts, firsts + seconds),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
