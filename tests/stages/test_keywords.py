"""The stage ``keywords``: its tables, its log, and that private text stays where it is."""

import json
from pathlib import Path

import pytest

from synthfr import records
from synthfr.pipeline import layout
from tests.pipeline import leaks
from tests.stages import small_seed


@pytest.fixture(autouse=True)
def _seeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_seed.prepare(tmp_path, monkeypatch)
    result = small_seed.run("seed")
    assert result.exit_code == 0, result.output


def test_tables_and_counts() -> None:
    result = small_seed.run("keywords")
    assert result.exit_code == 0, result.output
    sft = records.read_table(layout.SFT_TABLE, records.SFT)
    prompts = records.read_table(layout.PROMPTS, records.PROMPTS)
    keyed = records.read_table(layout.KEYED, records.KEYED)
    sets = records.read_table(layout.CODE_SETS, records.CODE_SETS)
    train = records.read_table(layout.PRIVATE_TRAIN, records.REPORTS)
    assert len(sft) == 12
    assert prompts["prompt_id"].tolist() == keyed["prompt_id"].tolist()
    assert set(keyed["report_id"]) <= set(train["report_id"])
    assert set(sets["kind"]) == {"size", "code", "pair"}
    logged = json.loads(layout.metrics("keywords").read_text())
    assert logged["private"]["documents"] == len(train)
    assert logged["private"]["kept"] == len(prompts)
    assert logged["matcher"]["terms"] > 3


def test_same_parameters_same_bytes() -> None:
    small_seed.run("keywords")
    first = small_seed.outputs()
    small_seed.run("keywords")
    assert small_seed.outputs() == first
    assert str(layout.KEYED) in first


def test_private_text_and_ids_stay_on_the_private_side() -> None:
    small_seed.run("keywords")
    assert leaks.find(Path(), [small_seed.CANARY, "priv0", "priv-patient"]) == []
    # negative control: the private side does hold them
    assert leaks.find(Path(), [small_seed.CANARY], (str(small_seed.PRIVATE),))


def test_the_private_table_is_its_owners_alone() -> None:
    train = layout.PRIVATE_TRAIN
    train.chmod(0o644)  # as DVC checks it out
    small_seed.run("keywords")
    assert [path.stat().st_mode & 0o777 for path in (train, layout.KEYED)] == [0o600, 0o600]
    assert layout.PROMPTS.stat().st_mode & 0o044  # negative control: public tables are open


def test_nothing_shared_widely_enough_is_told_and_writes_nothing() -> None:
    small_seed.change(keywords={"min_documents": 1000})
    result = small_seed.run("keywords")
    assert result.exit_code == 1
    assert "keywords: No keyword is shared by enough private documents" in result.output
    assert result.output.count("\n") == 1
    assert not layout.SFT_TABLE.exists()
    assert not layout.KEYED.exists()


def test_published_rules_and_what_they_leave_of_the_wall() -> None:
    assert "min_documents is 1" not in small_seed.run("keywords").output
    small_seed.change(
        keywords={
            "form": "normalised", "order": "longest", "max_keywords": None, "given_fraction": 0.5,
            "code_sets": "sets", "min_documents": 1,
        }
    )  # fmt: skip
    result = small_seed.run("keywords")
    assert result.exit_code == 0, result.output
    assert "a whole code set or a term that a single patient has leaves" in result.output
    sets = records.read_table(layout.CODE_SETS, records.CODE_SETS)
    assert set(sets["kind"]) == {"size", "code", "pair", "set"}
    logged = json.loads(layout.metrics("keywords").read_text())
    assert logged["given"]["drawn"] == logged["given"]["by_codes"] > 0
    for table, kind in ((layout.PROMPTS, records.PROMPTS), (layout.SFT_TABLE, records.SFT)):
        for terms in records.read_table(table, kind)["keywords"]:
            assert terms == sorted(terms, key=lambda term: (-len(term), term))
            assert all(term == term.lower() and term.isascii() for term in terms)
    assert leaks.find(Path(), [small_seed.CANARY, "priv0", "priv-patient"]) == []


def test_without_the_seed_the_remedy_is_told() -> None:
    layout.PRIVATE_TRAIN.unlink()
    result = small_seed.run("keywords")
    assert result.exit_code == 1
    assert "train.parquet is missing: make it with `dvc repro`" in result.output


def test_prompts_of_two_kinds_are_told() -> None:
    alike = small_seed.run("keywords")
    assert alike.exit_code == 0 and "differ" not in alike.output  # negative control
    table = records.read_table(layout.SEED, records.REPORTS)
    table["text"] = [f"Patient suivi {row}." for row in range(len(table))]  # prompts of codes alone
    records.write_table(table, layout.SEED, records.REPORTS)
    told = small_seed.run("keywords")
    assert told.exit_code == 0, told.output
    assert "keywords: training prompts and private prompts differ: 0.00 against 1" in told.output
