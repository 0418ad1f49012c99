"""From reports to prompts: what is kept, what is added, and that no private wording leaves."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr import prompts, records
from synthfr.errors import UserError
from synthfr.keywords.coverage import summary
from synthfr.keywords.export import Export, Keywords, export
from synthfr.keywords.prompt_terms import complete
from synthfr.keywords.report_terms import ContextTreatment, Keyword
from synthfr.pipeline.nested import flatten
from synthfr.text import language

SYNONYMS = {
    "I10": ["Hypertension artérielle", "HTA"],
    "I50": ["Insuffisance cardiaque"],
    "D64": ["Anémie"],
    "E11": ["Diabète de type 2", "DNID", "Diabète gras"],
    "E11.9": ["Diabète de type 2 sans complication"],
}
CODES = pd.DataFrame(
    [
        {"code": code, "label": terms[0], "synonyms": terms, "sources": ["label"] * len(terms)}
        for code, terms in SYNONYMS.items()
    ]
)
TERMS = {term for terms in SYNONYMS.values() for term in terms}
PARAMS = Keywords(
    min_documents=2,
    complete_public=True,
    complete_from_codes=True,
    max_keywords=12,
)


def reports(*rows: tuple[str, list[str]], prefix: str = "doc", **columns: Any) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "report_id": f"{prefix}-{number}",
                "text": text,
                "codes": codes,
                "keywords": [],
                "language": "fr",
            }
            for number, (text, codes) in enumerate(rows)
        ]
    ).assign(**columns)


PUBLIC = reports(("Une anémie et une HTA.", ["I10", "D64"]), ("Une anémie.", []), prefix="pub")


def run(
    private: pd.DataFrame, public: pd.DataFrame = PUBLIC, seed: int = 0, **changes: Any
) -> Export:
    done = export(public, private, CODES, PARAMS.model_copy(update=changes), "plain", seed)
    records.validate(done.sft, records.SFT, "sft")
    records.validate(done.prompts, records.PROMPTS, "prompts")
    records.validate(done.code_sets, records.CODE_SETS, "code_sets")
    records.validate(done.keyed, records.KEYED, "keyed")
    return done


def keywords_of(done: Export) -> dict[str, list[str]]:
    return dict(zip(done.keyed["report_id"], done.keyed["keywords"], strict=True))


def test_training_rows_by_hand() -> None:
    private = reports(("HTA.", ["I10"]), ("HTA.", ["I10"]))
    done = run(private)
    assert done.sft.to_dict("records") == [
        {
            "report_id": "pub-0",
            "prompt": prompts.render(["HTA", "Anémie"], "plain", "fr"),  # in the codes' order
            "completion": "Une anémie et une HTA.",
            "keywords": ["HTA", "Anémie"],
        },
        {
            "report_id": "pub-1",
            "prompt": prompts.render(["Anémie"], "plain", "fr"),
            "completion": "Une anémie.",
            "keywords": ["Anémie"],
        },
    ]
    assert keywords_of(done) == {"doc-0": ["HTA"], "doc-1": ["HTA"]}
    assert done.prompts["prompt"].tolist() == [prompts.render(["HTA"], "plain", "fr")] * 2


def test_keywords_that_too_few_private_documents_have_stay() -> None:
    private = reports(
        ("HTA et anémie.", ["I10"]), ("HTA.", ["I10"]), ("Anémie.", []), ("DNID.", [])
    )
    done = run(private, complete_from_codes=False)
    assert keywords_of(done) == {"doc-0": ["HTA", "Anémie"], "doc-1": ["HTA"], "doc-2": ["Anémie"]}
    assert done.counts["private"]["without_prompt_share"] == 0.25
    assert done.counts["private"]["without_keyword_share"] == 0
    assert done.counts["exported"]["dropped_as_rare"] == 1
    assert keywords_of(run(private, complete_from_codes=False, min_documents=1))["doc-3"] == [
        "DNID"
    ]


def test_a_code_that_no_keyword_names_adds_one_of_its_names() -> None:
    keywords = [Keyword("HTA", "I10")]
    added = complete(keywords, ["I10", "E11"], SYNONYMS, 0, "doc-1")
    assert added[0] == keywords[0]
    assert [keyword.code for keyword in added] == ["I10", "E11"]
    assert added[1].term in SYNONYMS["E11"]
    drawn = {complete([], ["E11"], SYNONYMS, 0, f"doc-{n}")[0].term for n in range(50)}
    assert drawn == set(SYNONYMS["E11"])
    assert complete(keywords, ["I10", "E11"], SYNONYMS, 0, "doc-1") == added


def test_a_keyword_names_its_part_and_its_whole() -> None:
    assert len(complete([Keyword("DNID", "E11")], ["E11.9"], SYNONYMS, 0, "d")) == 1
    part = Keyword("Diabète de type 2 sans complication", "E11.9")
    assert len(complete([part], ["E11"], SYNONYMS, 0, "d")) == 1


def test_names_drawn_for_one_code_gather_where_they_are_rare() -> None:
    # three names for six documents: each alone may be too rare, the code is not
    private = reports(*[("Sans mot.", ["E11"])] * 6)
    terms = [terms for terms in keywords_of(run(private, min_documents=5)).values()]
    assert len(terms) == 6
    assert len({term for [term] in terms}) == 1


def test_rare_codes_add_nothing() -> None:
    private = reports(("HTA.", ["I10"]), ("HTA.", ["I10", "D64"]))
    assert keywords_of(run(private)) == {"doc-0": ["HTA"], "doc-1": ["HTA"]}


def test_at_most_so_many_keywords_those_of_the_codes_first() -> None:
    private = reports(*[("Anémie, DNID et HTA.", ["I10"])] * 2)
    assert keywords_of(run(private, max_keywords=2))["doc-0"] == ["HTA", "Anémie"]


def test_given_keywords_are_looked_up_in_the_texts_stead() -> None:
    public = reports(("Une anémie.", []), prefix="pub")
    public.at[0, "keywords"] = ["HTA", "secret inconnu"]
    private = reports(*[("HTA.", ["I10"])] * 2)
    assert run(private, public).sft["keywords"].tolist() == [["HTA"]]


@pytest.mark.parametrize(("of_public", "of_private"), [(True, False), (False, True)])
def test_each_side_is_completed_from_its_own_codes_alone(of_public: bool, of_private: bool) -> None:
    rows = reports(("HTA.", ["I10", "D64"]), ("HTA.", ["I10", "D64"]))
    done = run(rows, rows, complete_public=of_public, complete_from_codes=of_private)
    named = [{"HTA"} < set(terms) for terms in done.sft["keywords"]]
    asked = [{"HTA"} < set(terms) for terms in done.prompts["keywords"]]
    assert (named, asked) == ([of_public] * 2, [of_private] * 2)


def test_ids_are_opaque_and_rows_sorted_by_them() -> None:
    private = reports(*[("HTA.", ["I10"])] * 20)
    done = run(private)
    ids = done.prompts["prompt_id"].tolist()
    assert ids == sorted(ids) == done.keyed["prompt_id"].tolist()
    assert done.keyed["report_id"].tolist() != private["report_id"].tolist()
    # who knows the seed and guesses the ids of stays cannot make the prompts' ids without the texts
    other = private.assign(text="HTA !")
    assert not set(run(other).prompts["prompt_id"]) & set(ids)
    assert not set(run(private, seed=1).prompts["prompt_id"]) & set(ids)


def test_row_order_of_the_private_table_changes_nothing() -> None:
    private = reports(
        ("HTA, anémie.", ["I10"]), ("HTA.", ["I10", "E11"]), ("Anémie.", ["E11"]), ("DNID.", [])
    )
    one, other = run(private), run(private.iloc[::-1].reset_index(drop=True))
    for name in ("sft", "prompts", "code_sets", "keyed"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))


def test_many_stays_of_one_patient_are_one() -> None:
    private = reports(*[("DNID.", ["I50"])] * 3, *[("HTA.", ["I10"])] * 2)
    private["patient_id"] = ["p", "p", "p", "q", "r"]
    done = run(private)
    assert set(keywords_of(done)) == {"doc-3", "doc-4"}
    assert "I50" not in str(done.code_sets["codes"].tolist())


def test_patients_stay_with_the_keyed_documents() -> None:
    private = reports(*[("HTA.", ["I10"])] * 2, patient_id=["p1", "p2"])
    assert set(run(private).keyed["patient_id"]) == {"p1", "p2"}


KEPT = ContextTreatment(negated="keep", hypothetical="keep", family="keep")
NEGATED = reports(
    ("Une anémie, sans HTA.", ["D64"]),
    ("Une anémie. Pas de HTA. Puis une HTA.", ["D64"]),
    ("Absence d'anémie; HTA.", ["D64"]),
)


def test_negated_terms_are_no_keywords_unless_they_are_also_affirmed() -> None:
    done = run(
        NEGATED,
        NEGATED.assign(report_id=["a", "b", "c"]),
        complete_public=False,
        complete_from_codes=False,
    )
    expected = [["Anémie"], ["Anémie", "HTA"], ["HTA"]]
    assert list(keywords_of(done)[f"doc-{n}"] for n in range(3)) == expected
    assert done.sft["keywords"].tolist() == expected  # the public side skips as well
    assert done.counts["private"]["negated_share"] == 3 / 7
    assert done.counts["public"]["negated_share"] == 3 / 7


def test_negative_control_kept_negated_terms_come_back() -> None:
    done = run(NEGATED, NEGATED, complete_from_codes=False, context=KEPT)
    both = {"Anémie", "HTA"}
    assert [set(terms) for terms in keywords_of(done).values()] == [both] * 3
    assert [set(terms) for terms in done.sft["keywords"]] == [both] * 3


def test_marked_terms_say_what_they_are_and_name_no_code() -> None:
    marked = ContextTreatment(negated="mark")
    done = run(NEGATED, NEGATED, context=marked, min_documents=1, complete_from_codes=True)
    assert keywords_of(done) == {
        "doc-0": ["Anémie", "absence de HTA"],
        "doc-1": ["Anémie", "absence de HTA", "HTA"],
        "doc-2": ["Anémie", "absence de Anémie", "HTA"],
    }


def test_a_marked_term_names_no_code() -> None:
    denied = reports(*[("Pas de HTA.", ["I10"])] * 2)
    done = run(denied, context=ContextTreatment(negated="mark"), complete_from_codes=True)
    assert all(len(terms) == 2 for terms in keywords_of(done).values())
    done = run(denied, context=KEPT, complete_from_codes=True)  # negative control
    assert set(map(tuple, keywords_of(done).values())) == {("HTA",)}


def test_given_keywords_that_are_negated_are_skipped() -> None:
    public = reports(("Rien.", []), prefix="pub")
    public.at[0, "keywords"] = ["pas de HTA", "anémie"]
    assert run(NEGATED, public).sft["keywords"].tolist() == [["Anémie"]]


def test_a_language_without_cues_is_told_once_and_skips_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import synthfr.keywords.report_terms as module

    silent = replace(language("fr"), contexts={})
    monkeypatch.setattr(module, "resources", lambda code: silent)
    told = run(NEGATED, complete_from_codes=False).notes
    assert sum("no cues for 'negated'" in note for note in told) == 1
    told = run(NEGATED, complete_from_codes=False, context=KEPT).notes
    assert not any("no cues" in note for note in told)
    monkeypatch.undo()
    told = run(NEGATED, complete_from_codes=False).notes
    assert not any("no cues" in note for note in told)


def test_a_language_that_cannot_mark_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import synthfr.keywords.report_terms as module

    mute = replace(language("fr"), marks={})
    monkeypatch.setattr(module, "resources", lambda code: mute)
    with pytest.raises(UserError, match=r"context\.negated is mark.*'fr'.*`marks`"):
        run(NEGATED, context=ContextTreatment(negated="mark"))
    run(NEGATED)


def test_prompts_of_both_sides_are_compared() -> None:
    codes = ["I10", "I50", "D64", "E11"]
    public = reports(*[("HTA.", codes)] * 3, prefix="pub")
    private = reports(*[("HTA.", codes)] * 3)
    done = run(private, public, complete_from_codes=False, complete_public=True)
    assert done.counts["training_prompts"] == {"terms_per_prompt": 4, "share_in_text": 0.25}
    assert done.counts["private_prompts"] == {"terms_per_prompt": 1, "share_in_text": 1}
    terms, share = done.notes
    assert "4.00 against 1.00 terms a prompt" in terms
    assert "0.25 against 1.00 of a prompt's terms" in share
    # negative control: both sides by one law
    done = run(private, public, complete_from_codes=False, complete_public=False)
    assert done.counts["training_prompts"] == done.counts["private_prompts"]
    assert not done.notes


def test_training_prompts_may_have_as_many_terms_as_private_ones() -> None:
    text = "HTA. Anémie. Insuffisance cardiaque. DNID."
    public = reports(*[(text, [])] * 40, prefix="pub")
    private = reports(*[("HTA.", ["I10"])] * 3, *[("HTA et anémie.", ["I10"])] * 3)
    matched = run(private, public, complete_from_codes=False, training_terms="as_private")
    sizes = matched.sft["keywords"].map(len)
    assert set(sizes) == {1, 2} and 0.25 < (sizes == 1).mean() < 0.75
    assert set(matched.sft["keywords"].map(tuple)) > {("HTA",), ("Anémie",)}
    order = {
        term: at for at, term in enumerate(["HTA", "Anémie", "Insuffisance cardiaque", "DNID"])
    }
    assert all(order[one] < order[other] for one, other in matched.sft["keywords"][sizes == 2])
    # negative control: all of them otherwise
    everything = run(private, public, complete_from_codes=False)
    assert set(everything.sft["keywords"].map(len)) == {4}


def test_coverage_is_counted() -> None:
    private = reports(("HTA et anémie.", ["I10", "E11.98", "Z99.9"]), ("HTA.", ["I10"]))
    counts = run(private).counts["private"]
    assert counts["codes_widened_share"] == 1 / 4  # E11.98: E11.9 is known
    assert counts["codes_unknown_share"] == 1 / 4  # Z99.9
    assert counts["label_share"] == 1
    told = summary(run(private).counts)
    assert "25.0% of codes counted as a wider one, 25.0% not in the list" in told


CANARIES = ["zqxcanari", "Véronique Martin-Dupuis", "zqx 06 12 34"]
MISSPELT = ["hypertention arterielle", "insuffisances cardiaque", "Anémies"]
PIECES = st.sampled_from([*CANARIES, *MISSPELT, *sorted(TERMS), "avec", "de la", ". ", ", "])
DOCUMENTS = st.lists(
    st.tuples(
        st.lists(PIECES, min_size=1, max_size=8)
        .map(" ".join)
        .filter(lambda text: text.strip(" .,")),
        st.lists(st.sampled_from([*SYNONYMS, "E11.98", "Z99.9"]), max_size=4, unique=True),
    ),
    min_size=4,
    max_size=14,
)


@given(DOCUMENTS, st.integers(1, 4), st.integers(1, 3), st.booleans())
@settings(max_examples=40, deadline=None)
def test_no_private_wording_leaves(
    documents: list[tuple[str, list[str]]], min_documents: int, k: int, completed: bool
) -> None:
    private = reports(*documents)
    try:
        done = run(
            private,
            min_documents=min_documents,
            min_set_documents=k,
            complete_from_codes=completed,
        )
    except UserError as error:
        message = str(error)
        assert not [words for words in (*CANARIES, *MISSPELT) if words in message]
        return
    leaving = [done.sft, done.prompts, done.code_sets]
    said = " ".join(str(value) for table in leaving for value in table.to_numpy().ravel())
    assert not [words for words in (*CANARIES, *MISSPELT) if words in said]
    assert not [name for name in private["report_id"] if name in said]
    counts = Counter(term for terms in done.prompts["keywords"] for term in terms)
    assert set(counts) <= TERMS
    assert all(count >= min_documents for count in counts.values())
    # prompts say nothing but keywords and template
    for terms, prompt in zip(done.prompts["keywords"], done.prompts["prompt"], strict=True):
        assert prompt == prompts.render(terms, "plain", "fr")
    sets = Counter(map(tuple, done.prompts["keywords"]))
    assert all(count >= k for count in sets.values())
    assert all(isinstance(number, int | float | None) for number in flatten(done.counts).values())


def test_negative_control_a_canary_in_the_dictionary_does_leave() -> None:
    codes = pd.concat(
        [
            CODES,
            pd.DataFrame(
                [
                    {
                        "code": "Z00",
                        "label": "Zqxcanari",
                        "synonyms": ["Zqxcanari"],
                        "sources": ["label"],
                    }
                ]
            ),
        ]
    )
    private = reports(*[("Un zqxcanari.", ["I10"])] * 2)
    done = export(PUBLIC, private, codes, PARAMS, "plain", 0)
    assert "Zqxcanari" in str(done.prompts.to_dict())


@pytest.mark.parametrize(
    ("private", "public", "told"),
    [
        ([("HTA.", ["I10"])] * 2, [("Rien.", [])], "No public report has a keyword"),
        ([("Rien.", [])] * 2, [("HTA.", [])], "No keyword is shared by enough"),
        ([("HTA.", [])] * 2, [("HTA.", [])], r"No code set.*keywords\.min_documents = 2"),
        ([("HTA.", ["I10"]), ("Rien.", ["D64"])], [("HTA.", [])], "No keyword is shared by enough"),
    ],
)
def test_nothing_to_start_from_is_told(private: Any, public: Any, told: str) -> None:
    with pytest.raises(UserError, match=told):
        run(reports(*private), reports(*public, prefix="pub"))
