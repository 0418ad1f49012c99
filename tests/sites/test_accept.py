"""Answers of several hospitals, accepted into a clone outside; and that clone's dvc.yaml."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthfr import records
from synthfr.disk import read_yaml, write_text
from synthfr.errors import UserError
from synthfr.pipeline import exchange, layout, outside, profiles, unpacking
from synthfr.pipeline.parameters import Params, load_params
from synthfr.sites import exchanges, scores
from synthfr.sites.exchanges import Question
from tests.scoring import toy as scoring_toy
from tests.sites import toy

ROOT = Path(__file__).parents[2]
IDS = scoring_toy.IDS
LYON, PARIS = IDS[:3], IDS[3:]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone outside in which the toy round was generated and judged."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, folder / name)
    monkeypatch.chdir(folder)
    outside.rewrite()
    profiles.lay(
        Path("params.yaml"),
        {
            "pair": {"min_margin": 0.0, "max_pairs": None, "max_length_ratio": None},
            "score": {"evaluator": {"local": {"lsa_dimensions": 4}}},
            "random_seed": toy.SEED,
        },
    )
    write(toy.candidates())
    records.write_table(scoring_toy.prompts(), layout.PROMPTS, records.PROMPTS)
    records.write_table(scoring_toy.public(), layout.SEED, records.REPORTS)
    records.write_table(scoring_toy.codes(), layout.CODES, records.CODES)
    toy.keys(tmp_path, "lyon", "paris")
    return folder


def write(candidates: pd.DataFrame) -> None:
    records.write_table(candidates, layout.candidates("dpo1"), records.CANDIDATES)
    judged = scoring_toy.judgements(candidates)
    records.write_table(judged, layout.judgements("dpo1"), records.JUDGEMENTS)


def of(ids: list[str], whole: Question) -> Question:
    """The part of a question that is about these prompts."""
    tables = {
        name: frame[frame["prompt_id"].isin(ids)].reset_index(drop=True)
        for name, frame in whole.tables.items()
    }
    return Question(whole.exchange, whole.item, whole.params, tables)


def answer(clone: Path, site: str, ids: list[str], params: Params) -> Path:
    """A hospital's answer about its own prompts, written where it was sent to."""
    question = of(ids, exchange.question("scores", "dpo1", params))
    keyed = toy.keyed()
    keyed = keyed[keyed["prompt_id"].isin(ids)].reset_index(drop=True)
    done = scores.answer(
        question, keyed, params.score, params.pair, params.random_seed, Path("no secret"), 5
    )
    out = clone.parent / f"{site}.zip"
    out.write_bytes(exchanges.reply(question, done.answer, clone.parent / site))
    return out


def senders(clone: Path) -> list[Path]:
    return [clone.parent / "lyon.pub", clone.parent / "paris.pub"]


def test_two_hospitals_answers_become_the_round_s_table(clone: Path) -> None:
    params = load_params()
    accepted = exchange.accept(answer(clone, "lyon", LYON, params), senders(clone), params)
    assert accepted.site == "lyon"
    with pytest.raises(UserError, match="3 of the 6 prompts asked about have no answer yet"):
        unpacking.unpack("release", "dpo1", params)
    exchange.accept(answer(clone, "paris", PARIS, params), senders(clone), params)
    measures = unpacking.unpack("release", "dpo1", params).measures
    table = records.read_table(layout.scores("dpo1"), records.ORDERS)
    assert table["prompt_id"].tolist() == IDS
    assert (table["best"] == 0).all()
    assert measures["counts"]["prompts"] == 6
    assert unpacking.unpack("score", "dpo1", params).measures["candidates"] == 12
    kept = sorted(path.name for path in layout.answers("scores", "dpo1").iterdir())
    assert kept == ["lyon.pub", "lyon.zip", "paris.pub", "paris.zip"]


def test_new_candidates_make_old_answers_void(clone: Path) -> None:
    """They are refused where they lie, and give way to the first answer to the new question."""
    params = load_params()
    exchange.accept(answer(clone, "lyon", LYON, params), senders(clone), params)
    write(toy.candidates(word="fièvre"))
    with pytest.raises(UserError, match=r"lyon\.zip: the answer is to another question"):
        unpacking.unpack("release", "dpo1", params)
    exchange.accept(answer(clone, "paris", PARIS, params), senders(clone), params)
    kept = sorted(path.name for path in layout.answers("scores", "dpo1").iterdir())
    assert kept == ["paris.pub", "paris.zip"]


@pytest.mark.parametrize(
    ("given", "said"),
    [("question", "it is a question"), ("none", "cannot be read"), ("unknown", "not signed with")],
)
def test_what_is_no_answer_of_a_known_site_is_refused(clone: Path, given: str, said: str) -> None:
    params = load_params()
    path, known = answer(clone, "lyon", LYON, params), senders(clone)
    if given == "question":
        path.write_bytes(
            exchanges.ask(exchange.question("scores", "dpo1", params), clone.parent / "lyon")
        )
    elif given == "none":
        path.unlink()
    else:
        known = known[1:]
    with pytest.raises(UserError, match=said):
        exchange.accept(path, known, params)
    assert not layout.EXCHANGE.exists()


def test_an_entry_of_the_ledger_that_was_given_twice_is_refused(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hospital's ledger and memory were put back together: outside has what it answered."""
    params = load_params()
    exchange.accept(answer(clone, "lyon", LYON, params), senders(clone), params)
    (first,) = exchange.accepted("scores", "dpo1")
    assert first.entry is None

    def paid(round_: str, entry: int, site: str = "lyon") -> exchange.Accepted:
        told = {"release": {"dp": {"ledger_entry": entry}}}
        given = replace(first.answer, measures=told)
        return exchange.Accepted(site, given, first.manifest.model_copy(update={"item": round_}))

    kept = {"dpo1": [paid("dpo1", 1)]}
    monkeypatch.setattr(exchange, "accepted", lambda _, round_: kept.get(round_, []))
    exchange._check_ledger(paid("dpo2", 2), params)
    exchange._check_ledger(paid("dpo1", 1), params)  # the same question again
    exchange._check_ledger(paid("dpo2", 1, "paris"), params)
    with pytest.raises(UserError, match="number in lyon's ledger that its answer to dpo1 has"):
        exchange._check_ledger(paid("dpo2", 1), params)


def test_nothing_accepted_is_one_sentence(clone: Path) -> None:
    with pytest.raises(UserError, match="scores/dpo1 has no answer: send the question"):
        unpacking.unpack("release", "dpo1", load_params())
    with pytest.raises(UserError, match="No answer stands for stage reference"):
        unpacking.unpack("reference", None, load_params())


class TestGraphOutside:
    def test_no_stage_is_private_and_none_depends_on_private_data(self, clone: Path) -> None:
        before, after = stages(ROOT / "dvc.yaml"), stages(clone / "dvc.yaml")
        private = {name for name, body in before.items() if body["desc"].startswith("PRIVATE.")}
        answered = {"seed"} | {one for each in exchanges.STAGES.values() for one in each}
        assert answered <= private
        assert after.keys() == before.keys() - private | answered
        for name, body in after.items():
            if name not in answered:
                assert body == before[name]
                continue
            told = str({key: body.get(key) for key in ("cmd", "deps", "outs", "metrics")})
            assert "data/private" not in told
            assert "seed.files.private" not in told
            assert body["cmd"].startswith(f"python -m stages.answer {name}")
            assert body["metrics"] == before[name]["metrics"]

    def test_what_is_public_is_still_made(self, clone: Path) -> None:
        before, after = stages(ROOT / "dvc.yaml"), stages(clone / "dvc.yaml")
        for name in ("keywords", "release"):
            made = [one for one in before[name]["outs"] if isinstance(one, str)]
            assert after[name]["outs"] == made

    def test_all_that_a_question_counts_is_watched(self, clone: Path) -> None:
        """Else a changed parameter would meet an old answer unseen."""
        params, after = load_params(), stages(clone / "dvc.yaml")
        for name in ("score", "release"):
            watched = {str(one).split(".$")[0] for one in after[name]["params"]}
            for counted in exchange.counted("scores", "dpo1", params):
                assert any(counted == one or counted.startswith(f"{one}.") for one in watched)

    def test_a_second_time_changes_nothing(self, clone: Path) -> None:
        once = (clone / "dvc.yaml").read_bytes()
        assert outside.rewrite() == []
        assert (clone / "dvc.yaml").read_bytes() == once

    def test_a_private_stage_is_seen(self, clone: Path) -> None:
        """Negative control: one that is put back is taken out again."""
        write_text("dvc.yaml", (ROOT / "dvc.yaml").read_text(encoding="utf-8"))
        assert "score" in outside.rewrite()


def stages(path: Path) -> dict[str, Any]:
    written: dict[str, Any] = read_yaml(path)["stages"]
    return {name: entry.get("do", entry) for name, entry in written.items()}
