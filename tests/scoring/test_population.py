"""A patient moves the sums by at most 1, whatever they wrote; what no noise would hide is refused;
the same question has the same answer, and any other another noise.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from synthfr import scoring, seeding
from synthfr.dp import accounting, ledger
from synthfr.dp.noise import GRID
from synthfr.errors import UserError
from synthfr.preferences import Pair
from synthfr.scoring import population
from synthfr.scoring.patients import patient_known
from synthfr.scoring.raters import Documents
from synthfr.scoring.release import Books, Released, release
from synthfr.scoring.scores import Score
from synthfr.scoring.similarity import DocumentSimilarity, _products, _stepped, similarities
from tests.dp.test_ledger import written
from tests.scoring import toy

CODES = toy.codes()
ANYONE: frozenset[str] = frozenset()


class Table:
    """An encoder of a few words, each a dimension."""

    weights = None
    measures: dict[str, float] = {}
    WORDS = ("toux", "fièvre", "chute")

    def fit(self, texts: list[str]) -> None:
        pass

    def encode(self, texts: list[str]) -> np.ndarray:
        counts = np.array([[text.split().count(word) for word in self.WORDS] for text in texts])
        norms = np.linalg.norm(counts, axis=1, keepdims=True)
        return np.asarray(counts / np.where(norms > 0, norms, 1), dtype=np.float32)

    def windows(self, text: str, *_: object) -> list[str]:
        return text.split(" | ")


SIMILARITY = DocumentSimilarity(Table(), {}, 8, 4)
TEXTS = ["toux", "fièvre toux", "chute | toux", "chute", "fièvre", ""]
PROMPTS = ["p", "p", "p", "q", "q", "q"]


def summed(
    documents: dict[str, tuple[str, str, str]], strata: dict[str, frozenset[str]] | None = None
) -> np.ndarray:
    """Sums over `documents`: id -> (text, patient, code), in units of the norm."""
    private = Documents(
        {key: text for key, (text, _, _) in documents.items()},
        {key: owner for key, (_, owner, _) in documents.items()},
    )
    codes = {key: frozenset([code]) for key, (_, _, code) in documents.items()}
    of_prompt = strata or {"p": ANYONE, "q": ANYONE}
    found = population.sums(SIMILARITY, TEXTS, PROMPTS, of_prompt, private, codes)
    return found / GRID


def test_one_document_by_hand() -> None:
    # cosines with "toux": 1, 1/√2, (0 + 1/√2) / 2 of window and whole | 0, 0, blank
    similar = np.array([1, 2**-0.5, (2**-0.5 + 0) / 2, 0, 0, 0])
    similar[:3] -= similar[:3].mean()
    expected = similar / np.linalg.norm(similar)
    assert summed({"d": ("toux", "a", "I10")}) == pytest.approx(expected, abs=2e-6)


def test_similarities_with_all_are_those_with_each() -> None:
    documents = ["toux", "chute fièvre", "chute"]
    blocks = np.array(list(SIMILARITY.with_all(TEXTS, documents, at_once=2)))
    for at in range(len(documents)):
        of_one = similarities(Table(), TEXTS, [documents[at]], np.zeros(len(TEXTS), int), 8, 4)
        assert blocks[at] == pytest.approx(of_one, abs=3e-6)


def test_a_documents_similarities_depend_on_no_other_document() -> None:
    """To the last bit: else all vectors would move with one patient, by rounding."""
    from synthfr.scoring.local import LocalEvaluator, LocalSettings

    encoder = LocalEvaluator(LocalSettings(lsa_dimensions=4))
    encoder.fit(toy.PUBLIC)
    compared = DocumentSimilarity(encoder, {}, 8, 4)
    together = list(compared.with_all(toy.PUBLIC, toy.PRIVATE, at_once=6))
    for at, document in enumerate(toy.PRIVATE):
        (alone,) = compared.with_all(toy.PUBLIC, [document], at_once=1)
        assert (alone == together[at]).all()
    rng = np.random.default_rng(0)
    rows, columns = (rng.normal(size=(size, 300)).astype(np.float32) for size in (37, 9))
    rows, columns = (
        _stepped(one / np.linalg.norm(one, axis=1)[:, None]) for one in (rows, columns)
    )
    exact = _products(columns.astype(np.float64), rows)
    for at in range(9):
        (alone,) = _products(columns[at : at + 1].astype(np.float64), rows)
        assert (alone == exact[at]).all()
        assert (alone[::-1] == _products(columns[at : at + 1].astype(np.float64), rows[::-1])).all()


def test_a_patient_counts_once_however_many_documents() -> None:
    one = {"d": ("toux", "a", "I10")}
    copies = {f"d{number}": ("toux", "a", "I10") for number in range(5)}
    others = {f"d{number}": ("toux", f"a{number}", "I10") for number in range(5)}
    assert summed(copies) == pytest.approx(summed(one), abs=1e-9)
    assert summed(others) == pytest.approx(5 * summed(one), abs=1e-9)


def test_documents_count_in_their_strata() -> None:
    strata = {"p": frozenset(["I10", "E11"]), "q": frozenset(["J18"])}
    documents = {"d": ("toux", "a", "I10"), "e": ("chute", "b", "J18"), "f": ("toux", "c", "Z00")}
    found = summed(documents, strata)
    assert found[:3] == pytest.approx(summed({"d": documents["d"]})[:3], abs=1e-9)
    assert np.linalg.norm(found[3:]) == pytest.approx(1, abs=2e-6)
    assert found[3] > 0 > found[4]
    assert (summed({"f": documents["f"]}, strata) == 0).all()


def test_a_prompts_stratum_is_what_its_keywords_name() -> None:
    prompts = pd.DataFrame(
        {
            "prompt_id": ["a", "b", "c", "d"],
            "keywords": [["hta"], ["Diabète", "toux"], ["rien"], ["..."]],
            "language": "fr",
        }
    )
    assert population.strata(prompts, CODES) == {
        "a": frozenset(["I10", "J18"]),  # a name of two codes
        "b": frozenset(["E11"]),
        "c": ANYONE,
        "d": ANYONE,
    }


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40),
    st.sampled_from([1e-300, 1e-170, 1e-9, 1e-3, 1.0, 1e3]),
)
def test_no_vector_is_longer_than_one(values: list[float], scale: float) -> None:
    vector = np.array(values) * scale
    steps = population.on_grid(vector)
    assert sum(int(one) ** 2 for one in steps) <= GRID**2  # in exact integers
    assert (steps * vector >= 0).all()
    if np.linalg.norm(vector) >= 1e-3:
        assert np.linalg.norm(steps / GRID) == pytest.approx(1, abs=2e-6)


def test_what_is_no_number_is_no_vector() -> None:
    with pytest.raises(ValueError, match="finite"):
        population.on_grid(np.array([0.1, np.nan]))


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(Table.WORDS), max_size=4).map(" ".join),
            st.sampled_from("abc"),
            st.sampled_from(["I10", "J18"]),
        ),
        min_size=1,
        max_size=8,
    ),
    st.booleans(),
)
def test_a_patient_moves_the_sums_by_no_more_than_one(
    documents: list[tuple[str, str, str]], by_code: bool
) -> None:
    """Without patient a; and another's documents in their stead."""
    strata = {"p": frozenset(["I10"]), "q": frozenset(["J18"])} if by_code else None
    everyone = {str(at): one for at, one in enumerate(documents)}
    without = {key: one for key, one in everyone.items() if one[1] != "a"}
    moved = summed(everyone, strata) - summed(without, strata)
    assert np.linalg.norm(moved) <= 1
    replaced = {**without, "x": ("chute chute", "a", "I10"), "y": ("fièvre", "a", "J18")}
    assert np.linalg.norm(summed(everyone, strata) - summed(replaced, strata)) <= 2


# --- parameters ---------------------------------------------------------------------------------

DP = {"stratum": "codes", "epsilon": 2.0, "budget": 6.0}
PUBLIC_FIT = {"kind": "local", "local": {"fit": "public", "lsa_dimensions": 4}}


def params(**changes: object) -> Score:
    base: dict[str, object] = {"evaluator": PUBLIC_FIT, "release": "population", "dp": DP}
    base |= {"window_tokens": 8, "stride_tokens": 4}
    return Score.model_validate(base | changes)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"release": "raw"}, "dp.epsilon is set, but release 'raw'"),
        ({"release": "order"}, "dp.epsilon is set, but release 'order'"),
        ({"evaluator": {"kind": "local"}}, "'local' is fitted on the private documents"),
        (
            {"evaluator": {"kind": "local"}, "release": "raw", "dp": {"stratum": "codes"}},
            "'local' is fitted on the private documents",
        ),
        ({"evaluator": {"kind": "discriminator"}}, "'discriminator' is fitted on the private"),
        (
            {
                "evaluator": {
                    "kind": "sentence_transformers",
                    "sentence_transformers": {"model": "data/private/encoder"},
                }
            },
            "uses a model of data/private",
        ),
        ({"dp": {**DP, "stratum": None}}, "wants dp.stratum"),
        ({"weights": {"bleu": 0.5}}, "weights.bleu is above 0"),
        ({"weights": {"similarity_judge": 0.5}}, "weights.similarity_judge is above 0"),
        ({"weights": {"similarity": 0, "judge": 1}}, "weights.similarity is 0"),
        ({"control": "shuffled"}, "control 'shuffled' is of scores beside own documents"),
        ({"dp": {**DP, "epsilon": 21}}, "less than or equal to 20"),
        ({"dp": {**DP, "epsilon": 0}}, "greater than or equal to 0.01"),
        ({"dp": {**DP, "delta": 0}}, "greater than 0"),
        ({"dp": {**DP, "delta": 2e-4}}, "less than or equal to 0.0001"),
    ],
)
def test_no_guarantee_is_claimed_that_does_not_hold(
    changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ValidationError, match=complaint):
        params(**changes)


@pytest.mark.parametrize(
    "model",
    [
        *("data/private/encoder", "./data/private/encoder", "models/../data/private/encoder"),
        *("{here}/data/private/encoder", "models/linked", "data/private"),
    ],
)
def test_a_private_model_by_any_name(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/private/encoder").mkdir(parents=True)
    (tmp_path / "models").mkdir()
    (tmp_path / "models/linked").symlink_to(tmp_path / "data/private/encoder")

    def named(one: str) -> Score:
        own = {"model": one.format(here=tmp_path), "max_tokens": 32}
        return params(evaluator={"kind": "sentence_transformers", "sentence_transformers": own})

    with pytest.raises(ValidationError, match="uses a model of data/private"):
        named(model)
    for public in ("models/encoder", "data/private-looking", f"owner/name@{'0' * 40}"):
        named(public)  # negative control


def test_sums_may_be_kept_for_later_whatever_is_released() -> None:
    assert params(release="order", dp={"stratum": "codes"}).dp.epsilon is None


# --- release ------------------------------------------------------------------------------------

CANDIDATES = toy.candidates(
    *((key, at, f"{text} {at}") for key in toy.IDS[:4] for at, text in enumerate(toy.PUBLIC[:3]))
).assign(n_tokens=9, finish_reason="stop")


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "private" / "secret.key"
    ledger.begin(path)
    return path


def scored(candidates: pd.DataFrame, keyed: pd.DataFrame, of: Score) -> pd.DataFrame:
    judged = toy.judgements(candidates)
    return scoring.score(
        candidates,
        keyed,
        toy.prompts(),
        judged,
        toy.similarities(candidates),
        toy.public(),
        of,
        codes=CODES,
        random_seed=7,
        round_name="dpo1",
    ).scores


def books(secret_file: Path, patients_known: bool = True) -> Books:
    return Books("dpo1", secret_file, 0, patients_known)


def answered(
    secret_file: Path,
    candidates: pd.DataFrame = CANDIDATES,
    keyed: pd.DataFrame | None = None,
    **changes: object,
) -> Released:
    of = params(**changes)
    table = scored(candidates, toy.keyed() if keyed is None else keyed, of)
    return release(table, candidates, of, Pair(), 0, books(secret_file), min_documents=5)


def test_the_total_alone_leaves_and_the_cost_is_told(secret_file: Path) -> None:
    found = answered(secret_file)
    assert found.table.drop(columns=["prompt_id", "candidate", "total"]).isna().all(axis=None)
    assert found.table["total"].abs().max() == 1
    told = found.measures["dp"]
    assert told["epsilon"]["all_rounds"] == pytest.approx(2, abs=1e-6)
    assert told["epsilon"]["round"] == told["epsilon"]["spent"]
    assert 1 < told["epsilon"]["round"] < 2
    assert told["mu"]["round"] == pytest.approx(told["mu"]["all_rounds"] / 3**0.5)
    assert told["mu"]["round"] == pytest.approx(1 / told["sigma"])
    assert told["neighbours"] == {"add_remove": 1}
    assert (told["ledger_entry"], told["delta"]) == (1, 1e-5)
    assert "does not cover the keywords" in found.told
    replaced = answered(
        secret_file, dp={**DP, "epsilon": 1.0, "neighbours": "replace_one"}
    ).measures["dp"]
    assert (replaced["sensitivity"], told["sensitivity"]) == (2, 1)
    assert replaced["sigma"] > 2 * told["sigma"]
    json.dumps(found.measures)


def test_the_same_question_has_the_same_answer_at_no_cost(secret_file: Path) -> None:
    first, again = answered(secret_file), answered(secret_file)
    pd.testing.assert_frame_equal(first.table, again.table)
    assert first.measures == again.measures
    assert "at no cost" in again.told
    assert len(written(secret_file)) == 1
    # what is only made of the answer is no question
    combined = answered(secret_file, weights={"similarity": 1.0, "keyword_recall": 1.0})
    assert not combined.table["total"].equals(first.table["total"])
    assert len(written(secret_file)) == 1


PAYING = {**DP, "budget": 20.0}


def noise_of(secret_file: Path, **asked: Any) -> np.ndarray:
    """What stands between the answer and the answer without noise, up to its scale."""
    noisy, bare = (
        answered(secret_file, **{**asked, "dp": dp}).table["total"].to_numpy(dtype=np.float64)
        for dp in (asked["dp"], {**asked["dp"], "epsilon": None})
    )
    return np.asarray(noisy - (noisy @ bare) / (bare @ bare) * bare)


def test_another_question_has_other_noise_and_is_charged(secret_file: Path) -> None:
    other_text = CANDIDATES.assign(text=[*CANDIDATES["text"][:-1], "autre chose"])
    changed = toy.keyed()
    changed.loc[5, "text"] += " et une toux"
    asked: list[dict[str, object]] = [
        {},
        {"candidates": other_text},
        {"keyed": changed},
        {"strip_headings": False},
        {"dp": {**PAYING, "stratum": "corpus"}},
        {"dp": {**PAYING, "epsilon": 1.5}},
    ]
    drawn = [noise_of(secret_file, **{"dp": PAYING, **one}) for one in asked]
    assert len(written(secret_file)) == len(asked)
    for at in range(len(drawn)):
        for other in range(at):
            alike = np.corrcoef(drawn[at], drawn[other])[0, 1]
            assert abs(alike) < 0.95, (at, other)


def test_another_hospital_has_other_noise(secret_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "secret.key"
    ledger.begin(other)
    assert not answered(secret_file).table.equals(answered(other).table)


def test_an_exhausted_budget_releases_nothing(secret_file: Path) -> None:
    answered(secret_file, dp={**DP, "budget": 1.5})
    other = CANDIDATES.assign(text=CANDIDATES["text"] + " !")
    with pytest.raises(UserError, match="nothing was released"):
        answered(secret_file, other, dp={**DP, "budget": 1.5})
    assert len(written(secret_file)) == 1


def test_nothing_is_released_without_a_secret_or_sums(tmp_path: Path, secret_file: Path) -> None:
    with pytest.raises(UserError, match="`synth-fr secret`"):
        answered(tmp_path / "none" / "secret.key")
    table = scored(CANDIDATES, toy.keyed(), params(release="order", dp={}))
    assert "population" not in table
    with pytest.raises(UserError, match=r"score\.dp\.stratum"):
        release(table, CANDIDATES, params(), Pair(), 0, books(secret_file), min_documents=5)


def test_patients_whom_nobody_knows_are_promised_nothing(secret_file: Path) -> None:
    table, nobody = scored(CANDIDATES, toy.keyed(), params()), books(secret_file, False)
    with pytest.raises(UserError, match="no private document says whom it is about"):
        release(table, CANDIDATES, params(), Pair(), 0, nobody, min_documents=5)
    assert written(secret_file) == []
    bare = params(dp={**DP, "epsilon": None})  # claims nothing
    release(table, CANDIDATES, bare, Pair(), 0, nobody, min_documents=5)


@pytest.mark.parametrize(
    ("patients", "owners"),
    [
        (None, ["p0", "p1", "p2"]),
        ([None, None, " "], ["p0", "p1", "p2"]),
        # a patient may be called as a document without one
        (["p1", None, "p1"], ["p1", "\0p1", "p1"]),
        (["a", None, None], ["a", "\0p1", "\0p2"]),
    ],
)
def test_a_document_without_a_patient_is_its_own(
    patients: list[str | None] | None, owners: list[str]
) -> None:
    keyed = toy.keyed()[:3].drop(columns="patient_id")
    if patients is not None:
        keyed["patient_id"] = patients
    found = Documents.of(keyed, "prompt_id", False).owners
    assert list(found.values()) == owners
    known = [bool(one and one.strip()) for one in patients or [None] * 3]
    assert patient_known(keyed) == known


def test_without_noise_nothing_is_claimed_or_charged(secret_file: Path) -> None:
    found = answered(secret_file, dp={**DP, "epsilon": None})
    assert found.measures == {}
    assert "nothing is guaranteed" in found.told
    assert written(secret_file) == []


# --- an attack ----------------------------------------------------------------------------------

FPR, WORLDS = 0.05, 150


def share_found(tmp_path: Path, dp: dict[str, object], worlds: int) -> float:
    """Is this patient in the corpus? Who knows all else of it looks along the patient's own vector;
    each world has a hospital's secret of its own. Share found, at `FPR`.
    """
    of = params(dp=dp)
    corpus = toy.keyed()
    # in no stratum: as if the patient had never been there
    without = corpus.assign(codes=[["Z99"], *corpus["codes"][1:]])
    tables = [scored(CANDIDATES, one, of) for one in (without, corpus)]
    first, second = (table["population"].to_numpy() for table in tables)
    patient = (second - first) / GRID
    assert np.linalg.norm(patient) == pytest.approx(1, abs=1e-5)
    told = np.empty((2, worlds))
    secret_file = tmp_path / "secret.key"
    secret_file.touch(mode=0o600)
    for at, table in enumerate(tables):
        for world in range(worlds):
            secret_file.write_bytes(seeding.rng(0, "world", at, world).bytes(32))
            found = release(table, CANDIDATES, of, Pair(), 0, books(secret_file), min_documents=5)
            told[at, world] = found.table["total"].to_numpy(dtype=np.float64) @ patient
    return float((told[1] > np.quantile(told[0], 1 - FPR)).mean())


def test_an_attack_on_what_is_released_stays_under_the_ceiling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "charge", lambda *_, **__: ledger.Spent(1, 4.0, False))
    dp: dict[str, object] = {**DP, "epsilon": 4.0, "releases": 1}
    mu = accounting.mu_of(accounting.sigma_for(4.0, 1e-5, 1, "add_remove"), "add_remove")
    ceiling = accounting.tpr_ceiling(mu, FPR)
    assert 0.2 < ceiling < 0.3
    slack = 0.15  # three standard errors of share and threshold
    assert share_found(tmp_path, dp, WORLDS) <= ceiling + slack
    # negative control: without noise everybody is found
    assert share_found(tmp_path, {**dp, "epsilon": None}, 1) == 1
