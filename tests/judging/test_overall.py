"""One grade a report; an unusable answer is null, or 0 where the parameters say so."""

import json
from pathlib import Path
from typing import Any

import pytest

from synthfr import judging
from synthfr.engines import Request
from synthfr.errors import UserError
from synthfr.judging import overall
from tests.judging import rounds


def grade(value: Any) -> str:
    return json.dumps({"score": value})


def test_the_grade_is_the_judgement_and_a_blank_report_has_none_asked(tmp_path: Path) -> None:
    read = rounds.candidates(p0=["HTA traitée", " \n"], p1=["fièvre", "RAS"])
    said = {"HTA traitée": grade(0.85), "fièvre": grade(1), "RAS": grade(0)}
    judge, engine = rounds.respondent(
        lambda one: next(said[text] for text in said if f"<<<\n{text}\n>>>" in one.prompt), tmp_path
    )
    found, measures = overall.rate(read, judge)
    assert [one.judge for one in found] == [0.85, 0.0, 1.0, 0.0]
    assert {(one.language, one.plausibility, one.authenticity) for one in found} == {(None,) * 3}
    assert sorted(one.id for one in engine.calls[0]) == ["p0/0", "p1/0", "p1/1"]
    assert (measures["questions"], measures["unparsable"]) == (3, 0)


UNUSABLE = [
    "",
    "0.8",
    "Voici la note : 0.8",
    grade(1.01),
    grade(-0.1),
    grade(True),
    grade("0.8"),
    grade(None),
    '{"score": NaN}',
    '{"score": Infinity}',
    '{"score": 0,8}',
    '{"score": 0.8, "comment": "bien"}',
    f"```json\n{grade(0.8)}\n```",
    "[0.8]",
]


@pytest.mark.parametrize("answer", UNUSABLE)
def test_an_unusable_answer_is_null_or_zero_by_the_parameters(tmp_path: Path, answer: str) -> None:
    def answers(request: Request) -> str:
        return answer if request.id == "p0/0" else grade(0.75)

    for unparsable, expected in (("empty", None), ("zero", 0.0)):
        judge, engine = rounds.respondent(
            answers, tmp_path / unparsable, kind="overall", max_unparsable_share=0.5
        )
        tables = rounds.tables(p0=["RAS", "HTA"])
        judged = judging.judge(*tables, "overall", judge, unparsable)  # type: ignore[arg-type]
        given = judged.table["judge"].astype(object).where(judged.table["judge"].notna(), None)
        assert given.tolist() == [expected, 0.75]
        # counted either way
        assert (judged.measures["unparsable"], judged.measures["unparsable_share"]) == (1, 0.5)
        assert judged.measures["judged"] == (1 if unparsable == "empty" else 2)
        assert len(engine.calls) == 2


def test_no_answer_at_all_passes_only_with_the_whole_share(tmp_path: Path) -> None:
    tables = rounds.tables(p0=["RAS", "HTA"])
    for kind in ("score", "overall"):
        judge, _ = rounds.respondent(
            lambda _: "bien", tmp_path, kind=kind, max_unparsable_share=1.0
        )
        judged = judging.judge(*tables, kind, judge, "zero")
        assert judged.table["judge"].tolist() == [0.0, 0.0]
        assert judged.table["language"].isna().all()  # no criterion was graded
        assert judged.measures["unparsable_share"] == 1
        strict, _ = rounds.respondent(lambda _: "bien", tmp_path, kind=kind)  # the control
        with pytest.raises(UserError, match="2 of 2 questions"):
            judging.judge(*tables, kind, strict, "zero")


def test_zero_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="unparsable 'zero' means nothing to kind 'pairwise'"):
        rounds.params(kind="pairwise", unparsable="zero")
    assert rounds.params(kind="overall", unparsable="zero").unparsable == "zero"


def test_what_the_schema_allows_is_read() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    valid = jsonschema.Draft202012Validator(json.loads(overall.SCORE.json_schema)).is_valid
    for value in (0, 0.0, 0.07, 0.85, 1, 1.0):
        assert valid({"score": value}) and overall.SCORE.convert({"score": value}) == value
    for answer in [*UNUSABLE[3:8], UNUSABLE[11], UNUSABLE[13]]:  # the control
        assert not valid(json.loads(answer))
        assert overall.SCORE.convert(json.loads(answer)) is None
    assert overall.SCORE.parse(grade(0.123)) == 0.123  # of a model that is not held to it
