"""A step's data set: the same prompts at every step, other seeds, no empty reports."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthfr import prompts, records
from synthfr.disk import read_yaml
from synthfr.engines import Request
from synthfr.errors import UserError
from synthfr.generation import Synthesis, plan, synthesis
from synthfr.generation import card as dataset_card
from synthfr.generation.synthesis import Synthesize
from synthfr.generation.synthesis import records as planned_records
from synthfr.models import Lineage
from synthfr.pipeline.parameters import Params, load_params
from tests.engines.fake import FakeEngine
from tests.generation.test_code_sets import CORPUS, exported

ROOT = Path(__file__).parents[2]
CODES = pd.DataFrame(
    {
        "code": ["A09", "E11", "I10", "Z99"],
        "label": ["Gastro-entérite", "Diabète", "Hypertension", "Jamais exporté"],
        "synonyms": [["Gastro-entérite"], ["Diabète", "DNID"], ["Hypertension", "HTA"], ["x"]],
        "sources": [["label"], ["label"] * 2, ["label"] * 2, ["label"]],
    }
)
CODE_SETS = exported(CORPUS, 5)
SYNONYMS = {code: set(names) for code, names in zip(CODES["code"], CODES["synonyms"], strict=True)}


def params(**changed: Any) -> Synthesize:
    given = {
        "engine": "transformers", "reports": 30, "temperature": 0.9, "top_p": 1.0, "top_k": 0,
        "max_codes": 5, "max_new_tokens": 40, "batch_size": 8, "chunk_size": 8,
    }  # fmt: skip
    return Synthesize.model_validate(given | changed)


def run(folder: Path, step: str = "step0", engine: Any = None, **changed: Any) -> Synthesis:
    folder.mkdir(exist_ok=True)
    how = params(**changed)
    planned = plan(CODE_SETS, CODES, how, step=step, template="plain", language="fr", random_seed=1)
    return synthesis(planned, engine or FakeEngine(), how.chunk_size, folder)


def test_reports_hold_what_was_asked(tmp_path: Path) -> None:
    made = run(tmp_path)
    records.validate(made.reports, records.SYNTHETIC, "reports")
    assert len(made.reports) == made.summary["reports"] == 30
    for row in made.reports.itertuples():
        assert len(row.keywords) == len(row.codes)
        assert all(
            word in SYNONYMS[code] for word, code in zip(row.keywords, row.codes, strict=True)
        )
        assert row.prompt == prompts.render(row.keywords, "plain", "fr")
        assert row.text == f"{row.prompt} #{row.seed % 1000}"


def test_steps_share_prompts_and_differ_in_seeds(tmp_path: Path) -> None:
    first, second = run(tmp_path).reports, run(tmp_path, "dpo1").reports
    for column in ("report_id", "codes", "keywords", "prompt"):
        assert first[column].tolist() == second[column].tolist()
    assert not set(first["seed"]) & set(second["seed"])
    assert set(second["step"]) == {"dpo1"}


def test_a_longer_data_set_begins_with_the_shorter(tmp_path: Path) -> None:
    short, long = run(tmp_path, reports=10).reports, run(tmp_path, reports=25).reports
    pd.testing.assert_frame_equal(short, long.head(10))


def test_every_synonym_gets_its_turn(tmp_path: Path) -> None:
    said = {word for row in run(tmp_path, reports=200).reports["keywords"] for word in row}
    assert said == {"Gastro-entérite", "Diabète", "DNID", "Hypertension", "HTA"}


def test_a_shared_synonym_is_said_once() -> None:
    codes = CODES.assign(synonyms=[["même"], ["même", "autre"], ["même"], ["x"]])
    for record in planned_records(CODE_SETS, codes, params(reports=60), "fr", 0):
        if sorted(record.codes) == ["E11", "I10"] and record.codes[0] == "I10":
            assert record.keywords == ["même", "autre"]


def test_several_synonyms_of_a_code_are_distinct_and_as_many_as_may_be() -> None:
    names = [f"nom {number}" for number in range(6)]
    one = CODES.assign(synonyms=[names] * 4, sources=[["label"] * 6] * 4)
    alone = exported([["I10"]] * 9, 1)
    how = params(reports=600, max_keywords_per_code=3)
    made = [record.keywords for record in planned_records(alone, one, how, "fr", 0)]
    sizes = Counter(map(len, made))
    assert set(sizes) == {1, 2, 3} and all(150 < count < 250 for count in sizes.values())
    assert all(len(set(terms)) == len(terms) for terms in made)
    assert {term for terms in made for term in terms} == set(names)
    # a code with two names gives two at most, one without a fresh name one
    for record in planned_records(CODE_SETS, CODES, params(max_keywords_per_code=9), "fr", 0):
        assert len(record.keywords) <= sum(len(SYNONYMS[code]) for code in record.codes)
    same = CODES.assign(synonyms=[["même"]] * 4, sources=[["label"]] * 4)
    for record in planned_records(CODE_SETS, same, params(max_keywords_per_code=9), "fr", 0):
        assert record.keywords == ["même"] * len(record.codes)
    # the control: one name a code, as it was
    assert all(
        len(record.keywords) == len(record.codes)
        for record in planned_records(CODE_SETS, CODES, params(), "fr", 0)
    )


def test_names_may_be_asked_for_in_normal_form() -> None:
    listed = planned_records(CODE_SETS, CODES, params(reports=60), "fr", 0)
    how = params(reports=60, keyword_form="normalised")
    made = planned_records(CODE_SETS, CODES, how, "fr", 0)
    said = {term for record in made for term in record.keywords}
    assert said == {"gastro enterite", "diabete", "dnid", "hypertension", "hta"}
    assert [record.codes for record in made] == [record.codes for record in listed]
    numbers = CODES.assign(synonyms=[["1"], ["2", "DNID"], ["x"], ["x"]])
    with pytest.raises(UserError, match=r"Code A09 has no name with a letter.*keyword_form"):
        planned_records(CODE_SETS, numbers, how, "fr", 0)
    planned_records(CODE_SETS, numbers, params(), "fr", 0)


def test_an_empty_report_is_asked_for_again(tmp_path: Path) -> None:
    refused: set[str] = set()

    def write(one: Request) -> str:
        if one.id.endswith("7") and one.id not in refused:
            refused.add(one.id)
            return " \n"
        return "texte"

    engine = FakeEngine(write)
    made = run(tmp_path, engine=engine)
    assert (made.summary["reports"], made.summary["left_out_empty"]) == (30, 0)
    again = [one for call in engine.calls[4:] for one in call]
    assert {one.id for one in again} == refused
    seeds = made.reports.set_index("report_id")["seed"]
    assert all(seeds[one.id] == one.seed for one in again)
    plain = run(tmp_path / "plain").reports.set_index("report_id")["seed"]
    assert (plain != seeds).sum() == 3


def test_reports_that_stay_empty_are_left_out_or_told(tmp_path: Path) -> None:
    stubborn = FakeEngine(lambda one: "" if one.id.endswith("7") else "texte")
    made = run(tmp_path, engine=stubborn)
    assert (made.summary["reports"], made.summary["left_out_empty"]) == (27, 3)
    records.validate(made.reports, records.SYNTHETIC, "reports")
    with pytest.raises(UserError, match="policy of dpo1 wrote nothing but empty reports"):
        run(tmp_path, "dpo1", engine=FakeEngine(lambda one: ""))


def test_a_code_without_entry_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Code I10 .* not in the code table"):
        planned_records(CODE_SETS, CODES[CODES["code"] != "I10"], params(reports=3), "fr", 0)


def test_the_folder_appears_with_its_card(tmp_path: Path) -> None:
    from synthfr.disk import write_json

    everything: Params = load_params(ROOT / "params.yaml")
    base = tmp_path / "base"
    provenance = {
        "source": "hub", "repo_id": "owner/name", "revision": "c" * 40, "parameters": 1234567,
        "digest": "d" * 64, "files": {},
    }  # fmt: skip
    write_json(base / "provenance.json", provenance)
    lineage = [Lineage("step0", None, "d" * 64, None), Lineage("dpo1", "step0", "d" * 64, "e" * 64)]
    made = run(tmp_path / "scratch", "dpo1")
    save = partial(
        dataset_card.save, made, everything.synthesize, tmp_path / "out", step="dpo1",
        language="fr", template="plain", source="demo", base_dir=base, lineage=lineage,
        min_documents=5,
    )  # fmt: skip
    for _ in range(2):  # a folder that is there is replaced
        save(completed_from_codes=False)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "README.md", "reports.parquet",
    ]  # fmt: skip
    card = (tmp_path / "out/README.md").read_text()
    _, front, body = card.split("---\n", 2)
    (tmp_path / "front.yaml").write_text(front)
    facts = read_yaml(tmp_path / "front.yaml")
    assert (facts["language"], facts["license"]) == (["fr"], "other")  # the base's card names none
    assert facts["size_categories"] == ["n<1K"] and facts["configs"][0]["data_files"] in {
        file.name for file in (tmp_path / "out").iterdir()
    }
    assert "owner/name at `cccc" in body
    assert "1,234,567 parameters" in body
    assert "`step0` -> `dpo1`" in body
    assert "says nothing about clinical realism" in body
    for row in made.reports.itertuples():
        assert row.text not in card
    assert (
        "* Codes: sets of at most 5, drawn from how often codes and pairs of codes occur in\n"
        "  the private corpus; only counts over at least `keywords.min_documents` private "
        "documents are known\n  on this side.\n"
        "* Keywords: one random synonym of each code. Prompt: template"
    ) in body
    told = "prompts of private documents were completed from gold codes"
    assert told not in card
    save(completed_from_codes=True)
    assert (tmp_path / "out/README.md").read_text().count(told) == 1
    assert "has not learnt" not in card
    (base / "README.md").write_text("---\nlanguage: [en, zh]\nlicense: mit\n---\n")
    save(completed_from_codes=False)
    foreign = (tmp_path / "out/README.md").read_text()
    assert "\nlicense: mit\n" in foreign
    assert "has not learnt to write 'fr' (its model card names en, zh)" in foreign
    write_json(base / "provenance.json", {**provenance, "source": "tiny", "repo_id": None})
    for source, told in (("files", 1), ("demo", 0)):  # the demo's base knows the demo
        save(completed_from_codes=False, source=source)
        limits = (tmp_path / "out/README.md").read_text()
        assert limits.count("The tiny base knows the demo's 32 diseases alone") == told


@pytest.mark.parametrize(
    ("changed", "told", "untold"),
    [
        ({}, "only counts over at least", "whole code sets"),
        ({"code_sets": "imitated"}, "sampled from whole code sets", "Nothing of the"),
        ({"code_sets": "uniform"}, "1 to 5 of all codes of the code table", "drawn from"),
        ({"code_sets": "uniform", "code_list": {"path": "a"}}, "of the codes of a list", "drawn"),
        ({"code_sets": "given", "given": {"path": "a"}}, "sets of a file", "drawn from"),
        ({"max_keywords_per_code": 3}, "1 to 3 random synonyms of each code.", "normal form"),
        ({"keyword_form": "normalised"}, "one random synonym of each code in normal form.", "1 to"),
    ],
)
def test_the_card_says_how_codes_and_keywords_came_to_be(
    tmp_path: Path, changed: dict[str, Any], told: str, untold: str
) -> None:
    base = {
        "source": "tiny", "repo_id": None, "revision": None, "parameters": 1, "digest": "d" * 64,
    }  # fmt: skip
    made, how = run(tmp_path), params(**changed)
    card = partial(
        dataset_card.card, made, how, step="step0", language="fr", template="plain", source="demo",
        base=base, unlearnt=None, licence={"license": "other"}, lineage=[],
        completed_from_codes=False,
    )  # fmt: skip
    text = card(min_documents=5)
    assert "merged in" not in text
    merged = {"adapters": [{"repo_id": "owner/step0", "revision": "c" * 40}]}
    told_of_it = card(min_documents=5, base=base | merged)
    assert f"with `owner/step0` at `{'c' * 40}` merged in" in told_of_it
    described = text.split("## How it was made")[1].split("* Policy")[0]
    assert told in " ".join(described.split()) and untold not in described
    held_back = "what a single patient has is known, too"
    assert held_back not in text
    assert (held_back in card(min_documents=1)) == (how.code_sets in ("cooccurrence", "imitated"))
