"""Steps beside one another: which pairs are compared, what is left out, a gain that is there."""

from dataclasses import replace

import pytest

from synthfr.coding.progress import progress
from synthfr.errors import UserError
from tests.coding.test_comparison import COUNTS, PATIENTS, coders

STEPS = {"base": 1.5, "step0": 1.5, "dpo1": 0.5}


def told(references: dict[str, list] | None = None) -> dict:
    steps = {name: coders(noise, 10 * at) for at, (name, noise) in enumerate(STEPS.items())}
    return progress(steps, references or {}, COUNTS, PATIENTS, 5, 0)


def test_each_step_minus_the_one_before_and_the_last_minus_all() -> None:
    found = told()
    assert list(found["differences"]) == ["step0 - base", "dpo1 - step0", "dpo1 - base"]
    assert (found["size"], found["top_k"]) == (100, 9)
    gain = found["differences"]["dpo1 - step0"]["macro_f1"]
    assert gain["difference"]["low"] > 0 and gain["adjusted_p"] < 0.05
    # negative control: two coders that see equally little
    none = found["differences"]["step0 - base"]["macro_f1"]
    assert none["difference"]["low"] < 0 < none["difference"]["high"]
    assert none["adjusted_p"] > 0.05
    assert set(found["bands"]) == set(STEPS)


def test_a_reference_of_another_size_or_without_answers_is_left_out() -> None:
    real = coders(0.3, 30)
    smaller = [replace(one, size=50) for one in real]
    found = told({"public_seed": smaller, "private_train": real, "none": []})
    assert "dpo1 - private_train" in found["differences"]
    assert not [name for name in found["differences"] if "public_seed" in name or "none" in name]
    assert "private_train" in found["bands"] and "public_seed" not in found["bands"]


def test_one_step_alone_has_no_difference() -> None:
    found = progress({"step0": coders(0.5)}, {}, COUNTS, PATIENTS, 5, 0)
    assert found["differences"] == {} and set(found["bands"]) == {"step0"}


def test_bands_go_from_rare_to_frequent() -> None:
    bands = told()["bands"]["dpo1"]
    assert [bands[name]["labels"] for name in ("rare", "middle", "frequent")] == [3, 3, 3]
    counts = [bands[name]["fewest_documents"] for name in ("rare", "middle", "frequent")]
    assert counts == [10, 40, 70]


def test_a_step_without_answers_is_told() -> None:
    with pytest.raises(UserError, match=r"no answers were kept for step0.*unbiased"):
        progress({"base": coders(0.5), "step0": []}, {}, COUNTS, PATIENTS, 5, 0)


def test_documents_of_few_patients_are_no_band() -> None:
    few = {name: f"p{number % 4}" for number, name in enumerate(PATIENTS)}
    found = progress({"step0": coders(0.5)}, {}, COUNTS, few, 5, 0)
    assert found["bands"] == {"step0": {}}


def test_answers_about_other_reports_are_told_without_their_ids() -> None:
    with pytest.raises(
        UserError, match=r"compare: 240 of the reports .* not in data/private"
    ) as of:
        progress({"step0": coders(0.5)}, {}, COUNTS, {"other": "p"}, 5, 0)
    assert "h7" not in str(of.value)
