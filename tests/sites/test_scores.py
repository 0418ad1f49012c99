"""Scores across two sites: what comes back is the one-site table; all else is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthfr import seeding, signing
from synthfr.dp import ledger
from synthfr.errors import UserError
from synthfr.pipeline.profiles import nested
from synthfr.scoring import release
from synthfr.sites import exchanges, scores
from synthfr.sites.exchanges import Answer, Question
from synthfr.sites.leaves import leaves
from synthfr.sites.memory import Memory
from tests.pipeline import leaks
from tests.scoring import toy as scoring_toy
from tests.sites import toy

IDS = scoring_toy.IDS


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return toy.keys(tmp_path, "lyon")[0]


def sent_back(question: Question, answer: Answer, key: Path) -> tuple[Answer, Any]:
    data = exchanges.reply(question, answer, key)
    back, manifest, _ = exchanges.read_answer(data, "scores", [signing.public_half(key)])
    return back, manifest


def refused(answer: Answer, asked: Question, now: Question, key: Path) -> str:
    """What outside says of an answer to `asked`, when it would ask `now`."""
    params = scoring_toy.params(release=now.params["score.release"])
    with pytest.raises(UserError) as caught:
        scores.check(*sent_back(asked, answer, key), now, params)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def refused_inside(question: Question, keyed: pd.DataFrame | None = None) -> str:
    with pytest.raises(UserError) as caught:
        toy.answer(question, keyed)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("way", ["order", "raw"])
def test_the_answer_is_the_table_of_one_site(way: str, key: Path) -> None:
    question = toy.question(**{"score.release": way})
    done = toy.answer(question)
    back, manifest = sent_back(question, done.answer, key)
    params = scoring_toy.params(release=way)
    scores.check(back, manifest, question, params)

    asked = toy.candidates()
    scored = scoring_toy.score(
        asked, toy.keyed(), scoring_toy.prompts(), scoring_toy.judgements(asked), params
    )
    seed = seeding.derive(toy.SEED, "dpo1")
    one_site = release.release(scored.scores, asked, params, toy.PAIR, seed, min_documents=5)
    assert back.tables["released"].equals(one_site.table)
    assert back.measures["release"] == one_site.measures
    assert done.scores.equals(scored.scores)
    assert back.documents == len(IDS)


def test_an_order_says_which_and_no_more(key: Path) -> None:
    question = toy.question()
    back, _ = sent_back(question, toy.answer(question).answer, key)
    table = back.tables["released"]
    assert table.columns.tolist() == ["prompt_id", "best", "chosen", "rejected"]
    assert (table["best"] == 0).all()  # the piece of its own document


def test_a_hospital_s_own_prompts_alone(key: Path) -> None:
    """Asked about two of six prompts, and checked against the question about all."""
    question = toy.question(IDS[:2])
    done = toy.answer(question)
    back, manifest = sent_back(question, done.answer, key)
    scores.check(back, manifest, toy.question(), scoring_toy.params())
    with pytest.raises(UserError, match="4 of the 6 prompts asked about have no answer"):
        scores.complete(back.tables["released"], toy.candidates())


# --- refused inside ---------------------------------------------------------------------------


def test_prompts_of_no_document_here_are_refused_inside() -> None:
    message = refused_inside(toy.question(), toy.keyed()[1:])
    assert "1 prompts that no private document here is behind, such as 'p0'" in message


def test_other_keywords_than_were_let_out_are_refused_inside() -> None:
    keyed = toy.keyed()
    keyed["keywords"] = [["HTA"]] * len(keyed)
    assert "keywords of prompt 'p0' are not those" in refused_inside(toy.question(), keyed)


def test_candidates_without_their_prompts_are_refused_inside() -> None:
    asked = toy.question()
    short = asked.tables["prompts"][1:].reset_index(drop=True)
    message = refused_inside(
        Question("scores", "dpo1", asked.params, dict(asked.tables) | {"prompts": short})
    )
    assert "prompts are not those of its candidates" in message


def test_changed_parameters_are_refused_inside(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "private" / "site.json")
    first = toy.question()
    assert memory.new(first) == leaves(toy.PARAMS) | {"rounds or steps": toy.ROUNDS}
    memory.check(first)
    memory.keep(first)
    weights = {"similarity": 1.0, "bleu": 0.5}
    again = Memory(tmp_path / "private" / "site.json")
    again.check(toy.question())  # negative control: the same question may be asked again
    again.check(toy.question(round_="dpo2", word="fièvre"))  # and one about another round
    assert again.new(toy.question(round_="dpo2")) == {}
    with pytest.raises(UserError, match=r"parameter score\.weights\.bleu is 0\.5 in the bundle"):
        again.check(toy.question(**{"score.weights": weights}))
    with pytest.raises(UserError, match=r"parameter score\.release is 'raw'"):
        again.check(toy.question(**{"score.release": "raw"}))
    short = {name: value for name, value in toy.PARAMS.items() if name != "score.release"}
    silent = toy.question(round_="dpo2")
    with pytest.raises(UserError, match=r"does not say what score\.release is"):
        again.check(Question("scores", "dpo2", short, silent.tables))
    assert (tmp_path / "private" / "site.json").stat().st_mode & 0o077 == 0


def test_other_candidates_of_a_round_that_was_answered_are_refused_inside(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "site.json")
    memory.keep(toy.question())
    with pytest.raises(UserError, match="scores@dpo1 was answered before, to another question"):
        memory.check(toy.question(word="fièvre"))


def test_a_round_that_was_not_agreed_on_is_refused_inside(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "site.json")
    with pytest.raises(UserError, match=r"scores@dpo3 is not among .* \(dpo1, dpo2\)"):
        memory.check(toy.question(round_="dpo3"))  # not even among its own
    memory.keep(toy.question())
    again = Memory(tmp_path / "site.json")
    more = replace(toy.question(round_="dpo3"), items=["dpo1", "dpo2", "dpo3"])
    with pytest.raises(UserError, match="scores@dpo3 is not among those that were agreed on"):
        again.check(more)
    again.check(replace(toy.question(), items=["dpo1", "dpo2", "dpo3"]))  # control: an agreed one


def test_a_parameter_under_a_longer_name_is_no_other_one(tmp_path: Path) -> None:
    """What was agreed on in a section is not asked for again beside it."""
    memory = Memory(tmp_path / "site.json")
    memory.keep(toy.question())
    apart = {name: value for name, value in toy.PARAMS.items() if name != "score.weights"}
    weights = {"score.weights.similarity": 1.0, "score.weights.bleu": 0.5}
    asked = toy.question()
    with pytest.raises(UserError, match=r"parameter score\.weights\.bleu is 0\.5 in the bundle"):
        memory.check(replace(asked, params=apart | weights))
    second = toy.question(round_="dpo2")
    memory.check(replace(second, params=apart | weights | {"score.weights.bleu": 0.0}))  # control
    with pytest.raises(UserError, match="a section of parameters where"):
        memory.check(replace(asked, params={"score.release": {"way": "raw"}}))


@pytest.mark.parametrize(
    "beside", [{"score.weights.bleu": 0.5}, {"score.weights.bleu": 0.0}, {"score.release.way": "x"}]
)
def test_a_parameter_twice_is_refused_inside(beside: dict[str, Any], key: Path) -> None:
    data = exchanges.ask(replace(toy.question(), params=toy.PARAMS | beside), key)
    with pytest.raises(UserError, match="has a parameter twice, or as a section and a value"):
        exchanges.read_question(data, "scores", [signing.public_half(key)])


def test_a_value_within_a_section_leaves_the_question_as_it_is() -> None:
    section = {"similarity": 1.0}
    assert nested({"score.weights": section, "score.weights.bleu": 0.5}) == {
        "score": {"weights": {"similarity": 1.0, "bleu": 0.5}}
    }
    assert section == {"similarity": 1.0}


def test_a_ledger_older_than_what_the_hospital_remembers_is_refused(tmp_path: Path) -> None:
    """Secret, head and ledger put back together from one older copy."""
    private, copy = tmp_path / "private", tmp_path / "copy"
    secret = private / "secret.key"
    ledger.begin(secret)
    dp = {"stratum": "corpus", "epsilon": 8.0, "releases": 2, "budget": 20.0}
    local = {"fit": "public", "lsa_weight": 0.6, "lsa_dimensions": 4}
    evaluator = {"kind": "local", "local": local}
    params = scoring_toy.params(release="population", dp=dp, evaluator=evaluator)
    seed = {"seed": scoring_toy.public()}
    asked = [toy.question(), toy.question(round_="dpo2", word="fièvre")]
    rounds = [replace(one, tables=dict(one.tables) | seed) for one in asked]

    def give(question: Question, memory: Memory) -> int:
        done = scores.answer(
            question, toy.keyed(), params, toy.PAIR, toy.SEED, secret, 5, memory.entries
        )
        memory.keep(question, done.entry)
        return done.entry

    shutil.copytree(private, copy)
    memory = Memory(tmp_path / "site.json")
    assert [give(one, memory) for one in rounds] == [1, 2]
    assert Memory(tmp_path / "site.json").entries == 2
    shutil.rmtree(private)
    shutil.copytree(copy, private)
    with pytest.raises(UserError, match="has 0 entries, and earlier releases speak of 2"):
        give(rounds[0], Memory(tmp_path / "site.json"))
    assert give(rounds[0], Memory(tmp_path / "none.json")) == 1  # negative control


# --- refused outside --------------------------------------------------------------------------


def test_other_candidates_are_refused_outside(key: Path) -> None:
    asked = toy.question()
    answer = toy.answer(asked).answer
    message = refused(answer, asked, toy.question(word="fièvre"), key)
    assert "its candidates are not those that lie here now" in message


def test_another_round_is_refused_outside(key: Path) -> None:
    asked = toy.question(round_="dpo2")
    assert "about dpo2, not about dpo1" in refused(
        toy.answer(asked).answer, asked, toy.question(), key
    )


def test_a_changed_parameter_is_refused_outside(key: Path) -> None:
    asked = toy.question()
    now = toy.question(**{"score.weights": {"similarity": 1.0, "bleu": 1.0}})
    message = refused(toy.answer(asked).answer, asked, now, key)
    assert "parameter score.weights.bleu is 0.0 in the bundle and 1.0 in params.yaml" in message


def test_an_unknown_id_is_refused_outside(key: Path) -> None:
    asked = toy.question()
    answer = toy.answer(asked).answer
    table = answer.tables["released"].copy()
    table.loc[len(table) - 1, "prompt_id"] = "Mme Durand"
    message = refused(Answer({"released": table}, 6), asked, asked, key)
    assert "1 prompts that were not asked about, such as not shown" in message
    assert "Durand" not in message


def test_a_number_of_no_candidate_is_refused_outside(key: Path) -> None:
    asked = toy.question()
    table = toy.answer(asked).answer.tables["released"].copy()
    table.loc[0, "best"] = 77
    message = refused(Answer({"released": table}, 6), asked, asked, key)
    assert "has numbers of no candidate of the prompt" in message


def test_more_than_was_agreed_on_is_refused_outside(key: Path) -> None:
    """Floats where an order was asked for, and a part of the score that has no weight."""
    asked = toy.question()
    raw = toy.question(**{"score.release": "raw"})
    floats = toy.answer(raw).answer
    assert "score.release is order" in refused(floats, asked, asked, key)
    table = floats.tables["released"].assign(bleu=np.float32(0.5))
    message = refused(Answer({"released": table}, 6), raw, raw, key)
    assert "score column 'bleu' has values, and no weight" in message


def test_a_string_column_is_refused_on_both_sides(key: Path) -> None:
    """Inside, when the answer is written; outside, see `test_bundle` on columns smuggled in."""
    asked = toy.question()
    table = toy.answer(asked).answer.tables["released"].assign(comment="Mme Durand")
    with pytest.raises(UserError, match="column 5 of 5 has no place in a orders table") as caught:
        exchanges.reply(asked, Answer({"released": table}, 6), key)
    assert "Durand" not in str(caught.value)


def test_texts_do_not_come_back(key: Path) -> None:
    """Canary: no word of a private document is in the answer's bytes, once decoded."""
    asked = toy.question()
    bundle = exchanges.reply(asked, toy.answer(asked).answer, key)
    for name, part in toy.parts(bundle).items():
        (key.parent / name).write_bytes(part)
    words = ["crépitants", "néphropathie", "EABPCO"]
    assert leaks.find(key.parent, words, ()) == []
    for name, part in toy.parts(exchanges.ask(asked, key)).items():
        (key.parent / name).write_bytes(part)
    assert leaks.find(key.parent, words, ()) != []  # the candidates, which are public, have them
