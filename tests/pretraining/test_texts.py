"""What the shipped base has read: nothing of the private hospital, and a check that would tell."""

from itertools import islice
from types import SimpleNamespace

import pytest

from synthfr import prompts, seeding
from synthfr.corpora.demo import corpus
from synthfr.corpora.demo.hospitals import OTHERS, local_phrases, other_hospitals
from synthfr.corpora.demo.knowledge import knowledge
from synthfr.pretraining.texts import texts
from synthfr.pretraining.tiny import PHASES, TinyBase

KNOWLEDGE = knowledge()
SETTINGS = TinyBase()
PROMPT = prompts.render(["HTA"], SETTINGS.template, "fr").split()[0]


def pretraining(count: int) -> list[str]:
    """The first texts that the shipped base was trained on, of each phase."""
    return [
        text
        for phase in PHASES
        for text in islice(
            texts(
                seeding.rng(SETTINGS.seed, phase.stream),
                KNOWLEDGE,
                SETTINGS.template,
                phase.mix,
                phase.max_past,
            ),
            count,
        )
    ]


READ = pretraining(8_000)


def leaks(read: list[str], holdout: list[str]) -> tuple[set[str], set[str]]:
    """Local phrases, and whole lines of holdout reports, that stand in what was read."""
    joined = "\n".join(read)
    phrases = {phrase for phrase in local_phrases(KNOWLEDGE) if phrase in joined}
    lines = {line for text in holdout for line in text.split("\n")}
    return phrases, lines & set(joined.split("\n"))


@pytest.fixture(scope="module", params=range(3))
def holdout(request) -> list[str]:
    sizes = SimpleNamespace(public=1, private_train=1, private_holdout=800)
    return corpus(sizes, request.param).private_holdout["text"].tolist()


def test_no_local_phrase_and_no_holdout_line_stands_in_what_the_base_read(holdout):
    assert leaks(READ, holdout) == (set(), set())


def test_one_that_does_is_found(holdout):
    phrase = min(local_phrases(KNOWLEDGE))
    assert leaks([*READ, f"x {phrase} x"], holdout)[0] == {phrase}
    line = holdout[7].split("\n")[3]
    assert leaks([*READ, f"Titre\n{line}"], holdout)[1] == {line}


def test_prompts_introduce_textbook_reports_alone():
    """Ward wording is known from notes without prompts; those are a third to a half of all."""
    ward = {phrase for house in other_hospitals(KNOWLEDGE) for phrase in house.owners()}
    prompted = [text for text in READ if text.startswith(PROMPT)]
    notes = [text for text in READ if not text.startswith(PROMPT)]
    assert not [text for text in prompted if any(phrase in text for phrase in ward)]
    assert 0.3 < len(notes) / len(READ) < 0.6
    assert sum(any(phrase in text for phrase in ward) for text in notes) > 0.95 * len(notes)
    titles = tuple(layout.title.partition(" du {")[0] for layout in OTHERS)
    assert all(text.startswith(titles) for text in notes)
