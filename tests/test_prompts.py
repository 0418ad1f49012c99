"""Prompts: one template for training and inference."""

import pytest

from synthfr import prompts
from synthfr.errors import UserError


def test_keywords_keep_their_order():
    assert "asthme, HTA" in prompts.render(["asthme", "HTA"], "plain", "fr")


@pytest.mark.parametrize("template", ["plain", "instruct"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_template_has_exactly_one_slot(template, language):
    assert prompts.template_text(template, language).count(prompts.SLOT) == 1
    assert prompts.SLOT not in prompts.render(["HTA"], template, language)


def test_braces_in_a_keyword_are_left_alone():
    assert "{x}" in prompts.render(["{x}"], "plain", "fr")


def test_no_keyword_is_refused():
    with pytest.raises(UserError, match="at least one keyword"):
        prompts.render([], "plain", "fr")


def test_an_unknown_template_names_the_known_ones():
    with pytest.raises(UserError, match=r"plain\.fr"):
        prompts.render(["HTA"], "plian", "fr")


def test_a_language_without_a_template_of_its_own_takes_the_common_one():
    assert prompts.render(["hypertoni"], "plain", "sv").startswith("Keywords: hypertoni")
    assert prompts.render(["HTA"], "plain", "fr").startswith("Mots-clés")  # negative control
    with pytest.raises(UserError, match="no template 'instruct'"):
        prompts.render(["hypertoni"], "instruct", "sv")
