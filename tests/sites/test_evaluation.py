"""Evaluation across two sites: the figures of one site come back, and figures only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthfr import coding, fidelity, signing
from synthfr.coding import saved
from synthfr.coding.grid import Classify
from synthfr.corpora import Corpus, demo
from synthfr.corpora.demo import DemoSizes
from synthfr.errors import UserError
from synthfr.fidelity.settings import Distances, Fidelity
from synthfr.icd10.names import names
from synthfr.keywords.disclosure import code_sets
from synthfr.privacy.detection import Detection
from synthfr.privacy.examination import Private, examine
from synthfr.privacy.rewording import Reworder
from synthfr.privacy.settings import Privacy
from synthfr.sites import coders, evaluation, exchanges
from synthfr.sites.evaluation import Settings
from synthfr.sites.exchanges import Answer, Question
from synthfr.sites.manifest import plain
from tests.coding import test_encoder
from tests.sites import toy

SEEDS = [0, 1]
CLASSIFY = Classify(sizes=[30], top_k=[5], seeds=[0], evaluations=["unbiased"])
DETECTION = Detection(spikes=[5], repeats=14)
DISTANCES = Distances(fewest=20, repeats=1)
SETTINGS = Settings(CLASSIFY, Privacy(detection=DETECTION), DISTANCES, 5, "files", 0)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return demo.corpus(DemoSizes(public=120, private_train=40, private_holdout=40), random_seed=0)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.keys(tmp_path_factory.mktemp("keys"), "lyon")[0]


@pytest.fixture(scope="module")
def how(tmp_path_factory: pytest.TempPathFactory) -> saved.TrainCoder:
    return saved.TrainCoder(
        **{"seeds": SEEDS, "epochs": 1, "chunk_tokens": 32, "max_length": 64},
        model=str(test_encoder.encoder(tmp_path_factory.mktemp("model") / "encoder")),
    )


@pytest.fixture(scope="module")
def kept(corpus: Corpus, how: saved.TrainCoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Coders trained on those reports, as `train_coder` keeps them."""
    root = tmp_path_factory.mktemp("coders")
    question = asked(corpus)
    space = coding.exported_space(question.tables["code_sets"])
    reports = question.tables["reports"]
    saved.train(reports, how, CLASSIFY, space, 0, root / "scratch", root / "kept")
    evaluation.check_coders(carrying(question, root / "kept"), how, CLASSIFY, 0)
    return root / "kept"


def carrying(question: Question, kept: Path) -> Question:
    params = {**question.params, "train_coder.seeds": SEEDS}
    return replace(question, params=params, coders=coders.packed(kept))


def test_a_question_that_leaves_the_seeds_to_the_defaults_is_refused(
    corpus: Corpus, kept: Path, how: saved.TrainCoder
) -> None:
    """The hospital agrees to parameters by name: one that is not there is agreed to by nobody."""
    question = replace(asked(corpus), coders=coders.packed(kept))
    for params in ({}, {"train_coder": {}}, {"train_coder.epochs": 4}):
        silent = replace(question, params={**question.params, **params})
        with pytest.raises(UserError, match=r"does not set train_coder\.seeds, which a hospital"):
            evaluation.check_coders(silent, how, CLASSIFY, 0)
    named = carrying(question, kept)
    with pytest.raises(UserError, match=r"does not set train_coder\.seeds"):  # no such section
        evaluation.check_coders(named, None, CLASSIFY, 0)
    evaluation.check_coders(named, how, CLASSIFY, 0)
    evaluation.check_coders(asked(corpus), None, CLASSIFY, 0)  # without coders nothing is asked


def asked(corpus: Corpus, word: str = "") -> Question:
    """About the public reports, as if a step had written them."""
    made = corpus.public.drop(columns="patient_id")
    made = made.assign(
        text=[f"{text}{word}" for text in made["text"]], step="dpo1", seed=1, prompt="écris"
    )
    made["keywords"] = pd.Series([["HTA"]] * len(made), dtype=object)
    train = corpus.private_train
    sets = code_sets(train["codes"].tolist(), train["patient_id"].tolist(), 2)
    return evaluation.question(
        "dpo1",
        {"random_seed": 0},
        reports=made,
        code_sets=sets,
        codes=corpus.codes,
        seed=corpus.public,
    )


@pytest.fixture(scope="module")
def answer(corpus: Corpus, kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    scratch = tmp_path_factory.mktemp("scratch")
    question = carrying(asked(corpus), kept)
    done = evaluation.answer(
        question, corpus.private_train, corpus.private_holdout, 40, SETTINGS, scratch
    )
    assert done.examined.pairs  # to be read inside
    return done.answer


def sent_back(question: Question, answer: Answer, key: Path) -> tuple[Answer, Any]:
    data = exchanges.reply(question, answer, key)
    back, manifest, _ = exchanges.read_answer(data, "evaluation", [signing.public_half(key)])
    return back, manifest


def test_the_figures_are_those_of_one_site(
    corpus: Corpus, answer: Answer, kept: Path, key: Path, tmp_path: Path
) -> None:
    question = carrying(asked(corpus), kept)
    back, manifest = sent_back(question, answer, key)
    evaluation.check(back, manifest, question)
    measures = evaluation.measures([back], tmp_path)
    reports, train, holdout = (
        question.tables["reports"],
        corpus.private_train,
        corpus.private_holdout,
    )
    space = coding.exported_space(question.tables["code_sets"])
    cells = coding.evaluate_grid(
        reports, holdout, CLASSIFY, space, 0, tmp_path, min_documents=SETTINGS.min_documents
    )
    assert measures["classify"] == coding.summarise(cells, CLASSIFY.decision_rule)
    reworder = Reworder(SETTINGS.privacy.rewording, names(corpus.codes).values())
    examined = examine(reports, Private(train, holdout, 5), SETTINGS.privacy, reworder, 0)
    assert measures["privacy"] == plain(examined.as_dict())
    setup = fidelity.Setup(DISTANCES, 5, "files", 0)
    compared = fidelity.measure(reports, holdout, train, corpus.public, setup)
    assert measures["fidelity"] == plain(compared.figures)
    judged, _ = saved.judge(kept, holdout, CLASSIFY)
    assert measures["judge_coder"] == plain(coding.summarise(judged, CLASSIFY.decision_rule))
    assert measures["judge_coder"]["size=30"]["top_k=5"]["macro_f1"]["seed=1"] is not None
    assert measures["fidelity"]["faithfulness"] == {}
    assert measures["fidelity"]["embedding"]["repeats"] == 1


def test_another_data_set_is_another_question(corpus: Corpus, answer: Answer, key: Path) -> None:
    back, manifest = sent_back(asked(corpus), answer, key)
    with pytest.raises(UserError, match="its reports are not those that lie here now"):
        evaluation.check(back, manifest, asked(corpus, " Fin."))


def test_other_coders_are_another_question(
    corpus: Corpus, answer: Answer, kept: Path, key: Path, tmp_path: Path
) -> None:
    question = carrying(asked(corpus), kept)
    back, manifest = sent_back(question, answer, key)
    with pytest.raises(UserError, match="about more tables or coders"):
        evaluation.check(back, manifest, replace(question, coders={}))
    other = dict(question.coders)
    other["coder/seed=0/model.safetensors"] = other["coder/seed=1/model.safetensors"]
    with pytest.raises(UserError, match="its coders are not those that lie here now"):
        evaluation.check(back, manifest, replace(question, coders=other))


def test_figures_of_coders_that_were_not_asked_about_are_refused(
    corpus: Corpus, answer: Answer, kept: Path, key: Path
) -> None:
    back, manifest = sent_back(asked(corpus), answer, key)
    with pytest.raises(UserError, match="has figures of kept coders, and the question had none"):
        evaluation.check(back, manifest, asked(corpus))
    without = replace(answer, measures=dict(answer.measures) | {"judge_coder": {}})
    evaluation.check(*sent_back(asked(corpus), without, key), asked(corpus))  # negative control
    question = carrying(asked(corpus), kept)
    with pytest.raises(UserError, match="has no figures of kept coders, and the question had some"):
        evaluation.check(*sent_back(question, without, key), question)


def test_more_or_fewer_figures_are_refused(corpus: Corpus, answer: Answer, key: Path) -> None:
    question = asked(corpus)
    back, manifest = sent_back(question, Answer({}, 40, {"privacy": {"verdict": 1}}), key)
    with pytest.raises(UserError, match="not exactly the figures of classify, privacy"):
        evaluation.check(back, manifest, question)
    with pytest.raises(ValueError, match="may not leave: notes/n"):
        sent_back(question, Answer({}, 40, dict(answer.measures) | {"notes": {"n": 1}}), key)


def test_text_among_the_figures_does_not_leave(corpus: Corpus, key: Path) -> None:
    """Refused where the answer is written; where it is read, see `test_bundle`."""
    with pytest.raises(ValueError, match="measures"):
        exchanges.reply(asked(corpus), Answer({}, 40, {"privacy": {"worst": "Mme Durand"}}), key)


def test_a_table_does_not_leave(corpus: Corpus, answer: Answer, key: Path) -> None:
    with pytest.raises(KeyError):
        exchanges.reply(
            asked(corpus), Answer({"rows": corpus.private_train}, 40, answer.measures), key
        )


def test_too_few_texts_or_other_code_sets_are_refused_inside(corpus: Corpus) -> None:
    """One text, in a hundred rows that differ in a number, would be a test of who is inside."""
    question = asked(corpus)
    let_out = question.tables["code_sets"]
    evaluation.check_asked_about(question, let_out)  # negative control
    reports = question.tables["reports"]
    suspect = reports.assign(
        text=[f"{reports['text'][0]} {number}." for number in range(len(reports))]
    )
    few = Question("evaluation", "dpo1", {}, dict(question.tables) | {"reports": suspect})
    with pytest.raises(UserError, match="about 1 different texts, and figures about fewer than"):
        evaluation.check_asked_about(few, let_out)
    with pytest.raises(UserError, match="are not those that this hospital let out"):
        evaluation.check_asked_about(question, let_out[1:].reset_index(drop=True))
    other = let_out.assign(n_documents=let_out["n_documents"].to_numpy()[::-1])
    with pytest.raises(UserError, match="are not those that this hospital let out"):
        evaluation.check_asked_about(question, other)


def test_a_collapsed_step_is_stopped_outside(answer: Answer) -> None:
    measured = answer.measures["fidelity"]
    evaluation.guard("dpo1", measured, Fidelity())
    with pytest.raises(UserError, match="The data set of dpo1 has collapsed"):
        evaluation.guard("dpo1", measured, Fidelity(min_keyword_recall=1.0))


def test_several_hospitals_figures_are_not_averaged(answer: Answer, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="figures of 2 hospitals"):
        evaluation.measures([answer, answer], tmp_path)
