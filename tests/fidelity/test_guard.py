"""A step that says too little, or too much, is stopped with one sentence; a sound one is not."""

from types import SimpleNamespace

import pytest

from synthfr import fidelity
from synthfr.errors import UserError

LIMITS = {"min_keyword_recall": 0.4, "min_code_recall": 0.9, "max_wrong_codes": 0.5}
SOUND = {"code_recall": 0.97, "wrong_codes": 0.1}


def guard(recall=0.8, faithfulness=SOUND, **limits):
    params = SimpleNamespace(**LIMITS | limits)
    fidelity.guard("dpo2", {"keyword_recall": {"synthetic": recall}}, faithfulness, params)


def test_a_sound_step_passes():
    guard()
    guard(recall=0.4, faithfulness={"code_recall": 0.9, "wrong_codes": 0.5})


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"recall": 0.39}, "keyword recall of 0.39 (fidelity.min_keyword_recall: 0.4)"),
        ({"faithfulness": SOUND | {"code_recall": 0.7}}, "code recall of 0.70"),
        ({"faithfulness": SOUND | {"wrong_codes": 0.8}}, "0.80 wrong codes a report"),
    ],
)
def test_a_collapsed_step_is_stopped_by_the_figure_that_shows_it(found, words):
    with pytest.raises(UserError) as error:
        guard(**found)
    assert str(error.value).startswith("The data set of dpo2 has collapsed: ")
    assert words in str(error.value)


def test_a_limit_of_null_is_none_and_an_unknown_truth_is_no_collapse():
    guard(recall=0.0, min_keyword_recall=None)
    guard(faithfulness=SOUND | {"wrong_codes": 9.0}, max_wrong_codes=None)
    guard(faithfulness={})
