"""Prompts: one template for training and inference."""

import pytest

from synthfr import prompts
from synthfr.errors import UserError
from synthfr.text.language_names import known_languages


def test_keywords_keep_their_order():
    assert "asthme, HTA" in prompts.render(["asthme", "HTA"], "plain", "fr")


@pytest.mark.parametrize("template", ["plain", "instruct"])
@pytest.mark.parametrize("language", known_languages())
def test_every_template_has_exactly_one_slot(template, language):
    assert prompts.template_text(template, language).count(prompts.SLOT) == 1
    shown = prompts.render(["HTA"], template, language)
    assert "HTA" in shown and "{" not in shown


def test_braces_in_a_keyword_are_left_alone():
    assert "{x}" in prompts.render(["{x}"], "plain", "fr")


def test_no_keyword_is_refused():
    with pytest.raises(UserError, match="at least one keyword"):
        prompts.render([], "plain", "fr")


def test_an_unknown_template_names_the_known_ones():
    with pytest.raises(UserError, match="instruct, plain"):
        prompts.render(["HTA"], "plian", "fr")


def test_a_language_without_a_template_of_its_own_takes_the_common_one():
    shown = prompts.render(["hypertoni"], "plain", "sv")
    assert shown == "Keywords: hypertoni\nReport in Swedish:\n"
    assert " in Swedish " in prompts.render(["hypertoni"], "instruct", "sv")
    assert prompts.render(["HTA"], "plain", "fr").startswith("Mots-clés")  # negative control


def test_english_prompts_are_as_they_were():
    assert prompts.render(["COPD"], "plain", "en") == "Keywords: COPD\nReport:\n"
    assert " report in English that " in prompts.render(["COPD"], "instruct", "en")


def test_a_language_without_a_file_is_told():
    with pytest.raises(UserError, match=r"^There are no resources .*seed\.language"):
        prompts.render(["Husten"], "plain", "xx")
