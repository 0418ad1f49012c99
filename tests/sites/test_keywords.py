"""Keywords across two sites: the tables of one site come back, and no word that was not sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthfr import signing
from synthfr.corpora import Corpus, demo
from synthfr.corpora.demo import DemoSizes
from synthfr.errors import UserError
from synthfr.keywords.export import Keywords, export
from synthfr.sites import exchanges, keywords
from synthfr.sites.exchanges import Answer, Question
from tests.sites import toy

CANARY = "Zqxkanari"


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    made = demo.corpus(DemoSizes(public=40, private_train=60, private_holdout=1), random_seed=0)
    private = made.private_train.assign(
        text=[f"{text}\n{CANARY}." for text in made.private_train["text"]]
    )
    return Corpus(made.public, private, made.private_holdout, made.codes)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.keys(tmp_path_factory.mktemp("keys"), "lyon")[0]


def asked(corpus: Corpus, params: Keywords) -> Question:
    values = {"keywords": params.model_dump(mode="json")}
    return keywords.question(values, seed=corpus.public, codes=corpus.codes)


def answered(
    corpus: Corpus, params: Keywords, key: Path, private: pd.DataFrame | None = None
) -> tuple[Answer, Any, keywords.Exported]:
    question = asked(corpus, params)
    private = corpus.private_train if private is None else private
    done = keywords.answer(question, private, params, "plain", 0)
    data = exchanges.reply(question, done.answer, key)
    for name, part in toy.parts(data).items():
        assert CANARY.encode() not in part, name
    back, manifest, _ = exchanges.read_answer(data, "keywords", [signing.public_half(key)])
    return back, manifest, done


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"training_terms": "as_private", "complete_from_codes": True},
        {"form": "normalised", "given_fraction": 0.5},
        {"context": {"negated": "mark", "hypothetical": "mark", "family": "keep"}},
        {"code_sets": "sets", "min_documents": 2},
    ],
)
def test_the_public_tables_are_those_of_one_site(
    changes: dict[str, Any], corpus: Corpus, key: Path
) -> None:
    params = Keywords.model_validate({"min_documents": 3} | changes)
    back, manifest, _ = answered(corpus, params, key)
    keywords.check(back, manifest, asked(corpus, params), params, "plain")
    public, measures = keywords.public([back], corpus.public, "plain")
    one_site = export(corpus.public, corpus.private_train, corpus.codes, params, "plain", 0)
    for name in ("sft", "prompts"):
        ours, theirs = getattr(public, name), getattr(one_site, name)
        assert ours[sorted(ours)].equals(theirs[sorted(theirs)]), name
    assert public.code_sets.values.tolist() == one_site.code_sets.values.tolist()
    assert measures == one_site.counts
    assert back.documents == len(one_site.keyed)


def refused(
    corpus: Corpus, key: Path, table: str, column: str, value: Any, min_documents: int = 3
) -> str:
    """What outside says where a hospital puts something else into a cell of its answer."""
    params = Keywords(min_documents=3)
    _, _, done = answered(corpus, params, key)
    tables = dict(done.answer.tables)
    changed = tables[table].copy()
    cells = changed[column].tolist()
    cells[-1] = value
    tables[table] = changed.assign(**{column: pd.Series(cells, dtype=changed[column].dtype)})
    question = asked(corpus, params)
    data = exchanges.reply(question, Answer(tables, 60, {}), key)
    back, manifest, _ = exchanges.read_answer(data, "keywords", [signing.public_half(key)])
    with pytest.raises(UserError) as caught:
        keywords.check(back, manifest, question, params, "plain")
    message = str(caught.value)
    assert "\n" not in message and "Durand" not in message
    return message


@pytest.mark.parametrize(
    ("table", "column", "value", "said"),
    [
        ("prompts", "keywords", ["Mme Durand"], "prompts hold 1 words that are no names"),
        ("prompts", "prompt", "Écris sur Mme Durand", "not the template filled"),
        ("prompts", "prompt_id", "Mme Durand", "ids that are not ours"),
        ("prompts", "language", "Mme Durand", "a language that is not known"),
        ("terms", "keywords", ["Mme Durand"], "training terms hold 1 words"),
        ("terms", "report_id", "zz-Durand", "training terms of 1 reports that were not sent"),
        ("code_sets", "codes", ["Durand"], "codes that are not in the list"),
        ("code_sets", "n_documents", 2, r"count fewer than keywords.min_documents = 3"),
    ],
)
def test_what_was_not_sent_does_not_come_back(
    table: str, column: str, value: Any, said: str, corpus: Corpus, key: Path
) -> None:
    assert said in refused(corpus, key, table, column, value)


def test_a_code_list_that_spells_the_documents_is_refused_inside(corpus: Corpus) -> None:
    """Every word that three patients have is a name of some code."""
    params = Keywords(min_documents=3, max_keywords=None)
    done = keywords.answer(asked(corpus, params), corpus.private_train, params, "plain", 0)
    keywords.check_words_leaving(done.inside.keyed, keywords.MOST_WORDS)  # negative control
    words = sorted({word for text in corpus.private_train["text"] for word in text.split()})
    words = [word for word in words if word.isalpha() and len(word) > 2]
    spelt = corpus.codes.iloc[[0] * len(words)].assign(
        code=[f"X{number:03}" for number in range(len(words))],
        label=words,
        synonyms=[[word] for word in words],
        sources=[["synonym"]] * len(words),
    )
    hostile = pd.concat([corpus.codes, spelt], ignore_index=True)
    question = keywords.question({}, seed=corpus.public, codes=hostile)
    done = keywords.answer(question, corpus.private_train, params, "plain", 0)
    with pytest.raises(UserError, match=r"\d+% of a document's words would leave"):
        keywords.check_words_leaving(done.inside.keyed, keywords.MOST_WORDS)


def test_words_leaving_are_counted() -> None:
    keyed = pd.DataFrame(
        {"text": ["un deux trois quatre", "un deux"], "keywords": [["un"], ["a b"]]}
    )
    assert keywords.words_leaving(keyed) == (0.625, 1.0)


def test_other_codes_or_a_lower_wall_are_another_question(corpus: Corpus, key: Path) -> None:
    params = Keywords(min_documents=3)
    back, manifest, _ = answered(corpus, params, key)
    fewer = Corpus(
        corpus.public,
        corpus.private_train,
        corpus.private_holdout,
        corpus.codes[1:].reset_index(drop=True),
    )
    with pytest.raises(UserError, match="its codes are not those that lie here now"):
        keywords.check(back, manifest, asked(fewer, params), params, "plain")
    lower = Keywords(min_documents=2)
    with pytest.raises(UserError, match=r"parameter keywords\.min_documents is 3 in the bundle"):
        keywords.check(back, manifest, asked(corpus, lower), lower, "plain")


def test_two_hospitals_prompts_are_put_together_and_their_code_counts_added(
    corpus: Corpus, key: Path
) -> None:
    params = Keywords(min_documents=3)
    halves = corpus.private_train[:30], corpus.private_train[30:].reset_index(drop=True)
    answers = [answered(corpus, params, key, half)[0] for half in halves]
    public, measures = keywords.public(answers, corpus.public, "plain")
    ids = [set(one.tables["prompts"]["prompt_id"]) for one in answers]
    assert not ids[0] & ids[1]
    assert public.prompts["prompt_id"].tolist() == sorted(ids[0] | ids[1])
    size = [_documents(one.tables["code_sets"], "I10") for one in answers]
    assert _documents(public.code_sets, "I10") == sum(size) > max(size) > 0
    documents = [one.measures["keywords"]["private"]["documents"] for one in answers]
    assert measures["private"]["documents"] == sum(documents)


def test_hospitals_whose_training_terms_differ_are_refused(corpus: Corpus, key: Path) -> None:
    params = Keywords(min_documents=3, training_terms="as_private")
    halves = corpus.private_train[:30], corpus.private_train[30:].reset_index(drop=True)
    answers = [answered(corpus, params, key, half)[0] for half in halves]
    with pytest.raises(UserError, match=r"set keywords\.training_terms to all"):
        keywords.public(answers, corpus.public, "plain")


def _documents(sets: pd.DataFrame, code: str) -> int:
    rows = zip(sets["kind"], sets["codes"], sets["n_documents"], strict=True)
    return sum(int(n) for kind, codes, n in rows if (kind, codes) == ("code", [code]))
