"""Terms in normal form, longest first, without a cap, given ones; whole code sets; the defaults."""

import json
from hashlib import sha256
from typing import Any

import pandas as pd
import pytest

from synthfr import records
from synthfr.corpora import demo
from synthfr.corpora.demo import DemoSizes
from synthfr.errors import UserError
from synthfr.generation.synthesis import Synthesize, plan
from synthfr.keywords.disclosure import code_sets
from synthfr.keywords.export import Export, Keywords, export, exposure
from synthfr.keywords.prompt_terms import arranged, ordered
from synthfr.keywords.report_terms import ContextTreatment, Keyword
from tests.keywords.test_export import PARAMS, keywords_of, reports, run

TYPES = pd.DataFrame(
    {
        "code": ["E10", "E11", "Z00"],
        "label": ["Diabète de type 1", "Diabète de type 2", "2019"],
        "synonyms": [["Diabète de type 1"], ["Diabète de type 2"], ["2019"]],
        "sources": [["label"]] * 3,
    }
)


def typed(private: pd.DataFrame, public: pd.DataFrame, **changes: Any) -> Export:
    return export(public, private, TYPES, PARAMS.model_copy(update=changes), "plain", 0)


# --- the form of a term -----------------------------------------------------------------------


def test_normalised_terms_that_are_equal_count_as_one() -> None:
    both = "Diabète de type 1. Diabète de type 2."
    public = reports((both, []), prefix="pub")
    private = reports(
        ("Diabète de type 1.", ["E10"]), ("Diabète de type 2.", ["E11"]), ("Rien.", ["E10"]),
        ("Rien.", ["E11"]),
    )  # fmt: skip
    done = typed(private, public, form="normalised", complete_from_codes=False)
    assert done.sft["keywords"].tolist() == [["diabete de type"]]
    # two patients have the normalised term, one has each of the listed ones
    assert keywords_of(done) == {"doc-0": ["diabete de type"], "doc-1": ["diabete de type"]}
    assert done.counts["exported"]["dropped_as_rare"] == 0
    with pytest.raises(UserError, match="No keyword is shared by enough"):  # the control
        typed(private, public, complete_from_codes=False)


def test_completed_and_marked_terms_are_normalised_too() -> None:
    private = reports(*[("Pas d'anémie.", ["I10"])] * 2)
    done = run(
        private, form="normalised", context=ContextTreatment(negated="mark"), min_documents=1
    )
    for terms in keywords_of(done).values():
        assert terms[0] in {"hypertension arterielle", "hta"}
        assert terms[1] == "absence de anemie"
    assert all(term == term.lower() for terms in done.sft["keywords"] for term in terms)


def test_a_term_that_is_empty_once_normalised_is_left_out() -> None:
    public = reports(("Diabète de type 1.", ["Z00"]), prefix="pub")
    private = reports(*[("Diabète de type 1.", ["Z00"])] * 2)
    done = typed(private, public, form="normalised")
    assert done.sft["keywords"].tolist() == [["diabete de type"]]
    assert set(map(tuple, keywords_of(done).values())) == {("diabete de type",)}
    listed = typed(private, public)  # the control: its listed name is there
    assert listed.sft["keywords"].tolist() == [["2019", "Diabète de type 1"]]


# --- order and cap ----------------------------------------------------------------------------


def test_longest_first_by_hand() -> None:
    keywords = [Keyword("bb", "I10"), Keyword("dddd", "D64"), Keyword("aa", "E11")]
    assert ordered(keywords, ["E11", "I10"], "longest") == ["dddd", "aa", "bb"]
    assert ordered(keywords, ["E11", "I10"], "codes") == ["aa", "bb", "dddd"]
    assert arranged(["b", "a", "b", "ccc"], "codes") == ["b", "a", "ccc"]


def test_the_cap_keeps_the_longest_or_there_is_none() -> None:
    private = reports(*[("Anémie, DNID et HTA. Insuffisance cardiaque.", ["I10"])] * 2)
    terms = {"order": "longest", "complete_from_codes": False}
    capped = keywords_of(run(private, max_keywords=2, **terms))["doc-0"]
    assert capped == ["Insuffisance cardiaque", "Anémie"]
    everything = keywords_of(run(private, max_keywords=None, **terms))["doc-0"]
    assert everything == ["Insuffisance cardiaque", "Anémie", "DNID", "HTA"]
    assert Keywords.model_validate({"max_keywords": None}).max_keywords is None


# --- given terms ------------------------------------------------------------------------------


PRIVATE = reports(*[("HTA.", ["I10"])] * 2)


def test_given_terms_stand_in_the_place_of_found_ones() -> None:
    public = reports(
        ("Une anémie.", ["I10"]), ("Une anémie.", ["I50", "I10"]), ("Une anémie.", []), prefix="pub"
    )
    public.at[0, "keywords"] = ["Fatigue (2 ans)", "Mot du médecin"]
    done = run(PRIVATE, public, given_fraction=1.0)
    assert done.sft["keywords"].tolist() == [
        ["Fatigue (2 ans)", "Mot du médecin"],  # those that come with the report
        ["Insuffisance cardiaque", "Hypertension artérielle"],  # the first name of each code
        ["Anémie"],  # neither: what was found
    ]
    assert done.counts["given"] == {"drawn": 3, "by_report": 1, "by_codes": 1, "neither": 1}
    arranged_too = run(
        PRIVATE, public, given_fraction=1.0, form="normalised", order="longest", max_keywords=1
    )
    assert arranged_too.sft["keywords"].tolist() == [
        ["mot du medecin"], ["hypertension arterielle"], ["anemie"],
    ]  # fmt: skip
    assert not {"Fatigue (2 ans)"} & {t for terms in done.prompts["keywords"] for t in terms}
    # the control: without it, keywords of the report are searched for terms of the dictionary
    none = run(PRIVATE, public, complete_public=False)
    assert none.sft["keywords"].tolist() == [["Anémie"], ["Anémie"]]
    assert "given" not in none.counts


def test_the_share_is_drawn_by_id() -> None:
    public = reports(*[("Une anémie.", ["I10"])] * 400, prefix="pub")
    half = run(PRIVATE, public, given_fraction=0.5, complete_public=False)
    given = {
        row.report_id
        for row in half.sft.itertuples()
        if row.keywords == ["Hypertension artérielle"]
    }
    assert half.counts["given"]["drawn"] == len(given) == pytest.approx(200, abs=40)
    part = public.iloc[::-1].head(100).reset_index(drop=True)
    again = run(PRIVATE, part, given_fraction=0.5, complete_public=False)
    drawn = {row.report_id for row in again.sft.itertuples() if row.keywords != ["Anémie"]}
    assert drawn == given & set(part["report_id"])
    other = run(PRIVATE, public, seed=1, given_fraction=0.5, complete_public=False)
    assert other.counts["given"]["drawn"] != 400
    assert other.sft["keywords"].tolist() != half.sft["keywords"].tolist()


# --- whole code sets --------------------------------------------------------------------------

PATIENTS = [f"p{number}" for number in range(9)]


def test_only_sets_that_enough_patients_have_exactly_leave() -> None:
    documents = [
        ["I10", "E11", "D64"],
        ["I10", "D64", "E11"],  # the same principal and the same associated ones
        ["E11", "I10", "D64"],  # another principal
        ["I10", "E11"],  # a part of it
        ["I10"], ["I10"], [],
    ]  # fmt: skip
    table = code_sets(documents, PATIENTS[:7], 2, documents)
    sets = table[table["kind"] == "set"]
    assert sets.drop(columns="kind").values.tolist() == [
        [["I10"], 1, 2],
        [["I10", "D64", "E11"], 3, 2],
    ]
    # nothing else of the table changes
    counts = code_sets(documents, PATIENTS[:7], 2)
    pd.testing.assert_frame_equal(table[table["kind"] != "set"], counts)
    records.validate(table, records.CODE_SETS, "here")
    # two stays of one patient are one
    assert "set" not in set(code_sets(documents[:2], ["p", "p"], 2, documents[:2])["kind"])
    # the control: with a threshold of 1 the others leave as well
    everything = code_sets(documents, PATIENTS[:7], 1, documents)
    assert (everything["kind"] == "set").sum() == 4


def test_a_document_whose_principal_stays_has_no_set() -> None:
    own = [["C16.9", "I10"], ["C16.9", "I10"], ["E11.98", "I10"]]
    released = [["I10"], ["I10"], ["E11.9", "I10"]]  # too few have C16; E11.98 became a wider one
    table = code_sets(released, PATIENTS[:3], 1, own)
    assert table.loc[table["kind"] == "set", "codes"].tolist() == [["E11.9", "I10"]]


def test_sets_leave_where_the_parameters_say_so() -> None:
    private = reports(*[("HTA.", ["I10", "E11"])] * 2, ("HTA.", ["E11", "I10"]), ("HTA.", ["I10"]))
    assert "set" not in set(run(private).code_sets["kind"])  # the default
    done = run(private, code_sets="sets")
    sets = done.code_sets[done.code_sets["kind"] == "set"]
    assert sets["codes"].tolist() == [["I10", "E11"]]
    assert done.counts["exported"]["set_rows"] == 1
    assert done.counts["exported"]["whole_sets_share"] == 0.5
    assert not any("whole code sets" in note for note in done.notes)
    rarer = pd.concat([private, reports(("HTA.", ["E11"]), prefix="other")], ignore_index=True)
    assert any("are those of 40.0% of the" in note for note in run(rarer, code_sets="sets").notes)
    assert "whole_sets_share" not in run(rarer).counts["exported"]
    apart = reports(("HTA.", ["I10", "E11"]), ("HTA.", ["E11", "I10"]))
    run(apart)
    with pytest.raises(UserError, match=r"No whole code set is shared by keywords\.min_documents"):
        run(apart, code_sets="sets")


def test_without_a_threshold_the_user_is_told() -> None:
    assert list(exposure(PARAMS)) == []
    (told,) = exposure(PARAMS.model_copy(update={"min_documents": 1, "code_sets": "sets"}))
    assert "keywords.min_documents is 1" in told and "whole code set" in told
    done = run(reports(("HTA.", ["I10", "D64"])), min_documents=1, code_sets="sets")
    assert keywords_of(done) == {"doc-0": ["HTA", "Anémie"]}
    assert done.code_sets["codes"].tolist()[-1] == ["I10", "D64"]


# --- the defaults -----------------------------------------------------------------------------


def test_the_defaults_write_what_they_wrote_before_there_was_a_choice() -> None:
    """Golden values, of the release before."""
    corpus = demo.corpus(DemoSizes(public=40, private_train=120, private_holdout=10), 0)
    done = export(
        corpus.public, corpus.private_train, corpus.codes, Keywords(min_documents=3), "plain", 0
    )
    planned = plan(
        done.code_sets, corpus.codes, Synthesize(reports=50), step="step0", template="plain",
        language="fr", random_seed=0,
    )  # fmt: skip
    asked = [[one.report_id, one.codes, one.keywords] for one in planned.records.values()]
    prompts = [[one.prompt, one.seed] for one in planned.attempt(0)]
    made = [table.values.tolist() for table in (done.sft, done.prompts, done.code_sets)]
    assert list(map(digest, [*made, asked, prompts])) == GOLDEN
    other = plan(
        done.code_sets, corpus.codes, Synthesize(reports=50, max_keywords_per_code=2), step="step0",
        template="plain", language="fr", random_seed=0,
    )  # fmt: skip
    changed = [[one.report_id, one.codes, one.keywords] for one in other.records.values()]
    assert digest(changed) != GOLDEN[3]  # the control


def digest(rows: Any) -> str:
    return sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()[:16]


# digests of training rows, prompts, code sets; of codes and keywords asked for; of their prompts
GOLDEN = [
    "a12a55c4e7d1e266",
    "4b123e14fd46d1c9",
    "5a27580cb730111c",
    "ef81c9a6dcd94c81",
    "0a043bf89fb6acab",
]
