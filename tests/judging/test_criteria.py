"""Grades become scores; a blank report is not asked about, an unusable answer is null."""

import json
from pathlib import Path
from typing import Any

import pytest

from synthfr.engines import Request
from synthfr.judging import criteria
from tests.judging import rounds


def grades(*values: Any) -> str:
    return json.dumps(dict(zip(criteria.CRITERIA, values, strict=True)))


def test_the_score_is_the_mean_of_three_grades(tmp_path: Path) -> None:
    read = rounds.candidates(p0=["HTA traitée", "RAS"], p1=["fièvre"])
    said = {"HTA traitée": grades(10, 8, 9), "RAS": grades(0, 0, 0), "fièvre": grades(7, 4, 10)}
    judge, engine = rounds.respondent(
        lambda one: next(said[text] for text in said if f"<<<\n{text}\n>>>" in one.prompt), tmp_path
    )
    found, measures = criteria.rate(read, judge)
    assert [(one.prompt_id, one.candidate) for one in found] == [("p0", 0), ("p0", 1), ("p1", 0)]
    assert [one.judge for one in found] == pytest.approx([0.9, 0.0, 0.7])
    assert (found[0].language, found[0].plausibility, found[0].authenticity) == (1.0, 0.8, 0.9)
    assert measures["language"]["mean"] == pytest.approx(1.7 / 3)
    assert len(engine.calls) == 1


def test_a_blank_report_is_zero_and_not_asked_about(tmp_path: Path) -> None:
    judge, engine = rounds.respondent(lambda _: grades(5, 5, 5), tmp_path)
    found, measures = criteria.rate(rounds.candidates(p0=["RAS", " \n"]), judge)
    assert (found[1].judge, found[1].authenticity, found[0].judge) == (0.0, 0.0, 0.5)
    assert [one.id for one in engine.calls[0]] == ["p0/0"]
    assert measures["questions"] == 1


UNUSABLE = [
    "",
    "Voici la note : 8",
    grades(10, 8, 11),
    grades(-1, 8, 10),
    grades(8.5, 8, 9),
    grades(True, 8, 9),
    grades("8", "8", "9"),
    grades(10, 8, 9)[:-4],
    f"```json\n{grades(10, 8, 9)}\n```",
    json.dumps({"language": 8, "plausibility": 8}),
    json.dumps({"language": 8, "plausibility": 8, "authenticity": 8, "comment": "bien"}),
    "[8, 8, 8]",
    "null",
    "[" * 100_000,
]


@pytest.mark.parametrize("answer", UNUSABLE, ids=lambda answer: answer[:40])
def test_an_unusable_answer_is_null_never_zero(tmp_path: Path, answer: str) -> None:
    def answers(request: Request) -> str:
        return answer if request.id == "p0/0" else grades(0, 0, 0)

    judge, engine = rounds.respondent(answers, tmp_path, max_unparsable_share=0.5)
    found, measures = criteria.rate(rounds.candidates(p0=["RAS", "HTA"]), judge)
    assert (found[0].judge, found[0].language) == (None, None)
    assert found[1].judge == 0.0  # the control: a zero that was given stays one
    assert (measures["asked_again"], measures["unparsable"]) == (1, 1)
    assert len(engine.calls) == 2


def test_the_schema_and_the_reading_agree() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    valid = jsonschema.Draft202012Validator(json.loads(criteria.GRADES.json_schema)).is_valid
    for answer in [*UNUSABLE[2:7], *UNUSABLE[9:13], grades(0, 10, 5), grades(1, 2, 3)]:
        parsed = json.loads(answer)
        assert valid(parsed) is (criteria.GRADES.convert(parsed) is not None), answer
