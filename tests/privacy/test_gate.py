"""What a verdict lets out, and the whole of an examination: copies fail, an independent set does
not, a set too small cannot tell.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthfr.corpora import canaries
from synthfr.errors import UserError
from synthfr.privacy import gate
from synthfr.privacy.audits import AUDITS, Audited, Setup
from synthfr.privacy.detection import UNKNOWN, Detection
from synthfr.privacy.examination import Examination, Private, examine, put_to_tests
from synthfr.privacy.outcome import Verdict
from synthfr.privacy.questions import HERE, question, questions
from synthfr.privacy.settings import Privacy
from synthfr.privacy.sides import Sides
from synthfr.privacy.verdicts import overall
from tests.privacy.toy import backwards, reports

SETTINGS = Privacy(detection=Detection(spikes=[5, 10, 20], repeats=14))


def examined(share_copied: float, n: int = 60) -> Examination:
    train, holdout = reports("train", n), reports("holdout", n)
    written = pd.concat([train[: round(share_copied * n)], reports("others", 100)])
    return examine(written, Private(train, holdout, 5), SETTINGS, backwards, 0)


def test_an_independent_set_does_not_fail() -> None:
    found = examined(0.0).as_dict()
    assert found["verdict"] != Verdict.FAIL
    assert gate.refusal("dpo1", found) is None


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_copies_of_train_fail(share: float) -> None:
    found = examined(share).as_dict()
    assert found["verdict"] == Verdict.FAIL
    told = gate.refusal("dpo1", found)
    assert told is not None and "privacy audit of dpo1 failed" in told
    assert question("copied_runs", "en").remedy in told


def test_too_few_reports_cannot_tell() -> None:
    found = examined(1.0, n=10).as_dict()
    assert found == {"verdict": Verdict.CANNOT_TELL, "tests": {}}
    told = gate.warning("dpo1", found)
    assert told is not None and "too few private reports" in told


def test_too_few_patients_cannot_tell() -> None:
    private = Private(reports("train", 100, patients=4), reports("holdout", 24), 5)
    found = examine(reports("others", 100), private, SETTINGS, backwards, 0)
    assert found.as_dict() == {"verdict": Verdict.CANNOT_TELL, "tests": {}}


def test_canaries_are_seen_by_their_own_test_alone() -> None:
    train, holdout = reports("train"), reports("holdout")
    planted, drawn = canaries.planted(train, 40, 0)
    texts = drawn["text"][:40].tolist()
    others = reports("others", 100)
    told = others.assign(text=[f"{a} {b}" for a, b in zip(others["text"], texts * 3, strict=False)])

    def seen(written: pd.DataFrame, *private: Any) -> Examination:
        return examine(written, Private(*private), SETTINGS, backwards, 0)

    with_canaries = seen(told, planted, holdout, 5, drawn)
    without = seen(told, train, holdout, 5)
    assert with_canaries.judged["canaries"].verdict is Verdict.FAIL
    assert set(with_canaries.judged) - set(without.judged) == {"canaries"}
    for name, one in without.judged.items():
        assert one.finding == with_canaries.judged[name].finding, name
    assert with_canaries.described == without.described
    # negative control: a set without them; one planted report brings its canary along
    clean = seen(others, planted, holdout, 5, drawn).judged["canaries"]
    assert clean.verdict is Verdict.PASS and clean.limits.verbatim == 5


def test_limits_can_be_left_out_and_change_no_accusation() -> None:
    sides = Sides.of(reports("train"), reports("holdout"), 0)
    setup = Setup(sides, SETTINGS, 0, 5)
    for texts, verdict in ((sides.texts[:20], Verdict.FAIL), (["Rien."], Verdict.CANNOT_TELL)):
        judged = put_to_tests(Audited(texts), setup, None)
        assert overall(judged) is verdict
        assert {one.limits for one in judged.values()} == {UNKNOWN}
        whole = put_to_tests(Audited(texts), setup, backwards)
        assert {name: one.finding for name, one in whole.items()} == {
            name: one.finding for name, one in judged.items()
        }


def test_what_is_written_holds_numbers_alone() -> None:
    def leaves(tree: Any) -> list[Any]:
        return (
            [one for value in tree.values() for one in leaves(value)]
            if (isinstance(tree, dict))
            else [tree]
        )

    found = examined(0.25)
    assert {type(one) for one in leaves(found.as_dict())} <= {
        int, float, type(None), np.float64, np.int64,
    }  # fmt: skip
    assert "mot1" not in json.dumps(found.as_dict(), default=float)
    assert {row["test"] for row in found.limits()} == set(found.judged)


def test_every_test_is_explained_in_every_language() -> None:
    languages = [path.stem for path in HERE.glob("*.yaml")]
    assert {"en", "fr"} <= set(languages)
    names = [set(questions(language)) for language in languages]
    assert all(one == names[0] for one in names)
    for name in AUDITS:
        assert all(question(name, language).remedy for language in languages), name
    assert question("membership_nearest", "en") == questions("en")["membership"]
    assert question("of_tomorrow", "en").question == "of tomorrow"  # negative control


def test_who_answers_for_a_failure_has_a_name_and_a_reason() -> None:
    assert gate.Acceptance.read("Dr Martin: public form") == gate.Acceptance(
        "Dr Martin", "public form"
    )
    for wrong in ("Dr Martin", ": reason", "Dr Martin:", "", "a: b\nc"):
        with pytest.raises(UserError, match="write who answers for it and why"):
            gate.Acceptance.read(wrong)


def test_figures_without_a_verdict_have_none() -> None:
    assert gate.verdict(None) is None and gate.verdict({"train": {}}) is None
    assert gate.refusal("dpo1", {}) is None and gate.warning("dpo1", {}) is None
