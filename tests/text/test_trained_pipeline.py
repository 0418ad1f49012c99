"""A trained pipeline, once installed, decides by part of speech. A tiny one is installed here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from synthfr.icd10.names import Entry
from synthfr.keywords.ngram_matcher import NgramMatcher
from synthfr.text import sentences

NAME = "fr_core_news_sm"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """``fr_core_news_sm`` as pip would leave it, with rules in place of a tagger."""
    import spacy

    nlp = spacy.blank("fr")
    nlp.meta.update({"name": "core_news_sm", "version": "3.8.0"})
    rules = nlp.add_pipe("attribute_ruler")
    rules.add([[{"LOWER": "plaie"}]], {"POS": "NOUN"})
    rules.add([[{"LOWER": "sous"}]], {"POS": "NOUN"})  # coins, not the preposition
    rules.add([[{"LOWER": "ouverte"}]], {"POS": "ADP"})  # no word list would say so
    package = tmp_path / NAME
    package.mkdir()
    nlp.to_disk(package / f"{NAME}-3.8.0")
    (package / "meta.json").write_bytes((package / f"{NAME}-3.8.0" / "meta.json").read_bytes())
    (package / "__init__.py").write_text(
        "from spacy.util import load_model_from_init_py\n"
        "def load(**overrides):\n"
        "    return load_model_from_init_py(__file__, **overrides)\n"
    )
    metadata = tmp_path / f"{NAME}-3.8.0.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 3.8.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    sentences._splitter.cache_clear()
    yield
    sentences._splitter.cache_clear()


ENTRIES = [Entry("Plaie ouverte", "T14.1"), Entry("Plaie", "T14"), Entry("Sous", "Z00")]
TEXT = "Une plaie ouverte. Avale deux sous."


def terms() -> list[str]:
    return [match.term for match in NgramMatcher(ENTRIES).extract([TEXT], "fr")[0]]


@pytest.mark.usefixtures("installed")
def test_part_of_speech_replaces_the_word_lists() -> None:
    # "sous" would also be a stop word on its own: the lists still drop those
    assert terms() == ["Plaie"]


@pytest.mark.usefixtures("installed")
def test_sentences_are_the_same_as_without_it() -> None:
    trained = next(iter(sentences.split([TEXT], "fr")))
    assert [sentence.form for sentence in trained] == ["une plaie ouverte", "avale deux sous"]
    assert [word.is_function for word in trained[1].words] == [False, False, False]


def test_negative_control_without_it_the_lists_decide() -> None:
    assert terms() == ["Plaie ouverte"]
    last = next(iter(sentences.split([TEXT], "fr")))[1].words[-1]
    assert last.is_function
