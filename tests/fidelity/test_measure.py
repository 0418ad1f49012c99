"""All figures: of equal corpora, of a doubled one, of corpora with one thing wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from synthfr.corpora import demo
from synthfr.fidelity import Setup, measure
from synthfr.fidelity.distributions import distributions
from synthfr.fidelity.sampling import dealt
from synthfr.fidelity.settings import Distances
from synthfr.fidelity.telling_apart import Reports, told_apart
from synthfr.pipeline.nested import flatten
from tests.fidelity import toy

DISTANCES = Distances(fewest=20, repeats=2)
SETUP = Setup(DISTANCES, 5, "files", 0)
HOLDOUT, TRAIN, PUBLIC = toy.reports(90, 0, "h"), toy.reports(180, 1, "t"), toy.reports(60, 2, "p")
GROUPS = ("distributions", "diversity", "discriminator", "embedding", "own_codes")


def figures(made: pd.DataFrame, **others: pd.DataFrame) -> dict[str, Any]:
    sides = {"holdout": HOLDOUT, "train": TRAIN, "public": PUBLIC} | others
    return measure(made, *sides.values(), SETUP).figures


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return figures(toy.reports(100, 3, "s"))


def leaves(tree: dict[str, Any], last: str) -> Iterator[tuple[str, float]]:
    for name, value in flatten(tree).items():
        if f"/{last}" in f"/{name}":
            yield name, value


def test_equal_corpora_differ_by_nothing() -> None:
    """Whatever their ids are, and the order of their rows."""
    copied = HOLDOUT.assign(report_id=[f"s{row}" for row in range(90)]).sample(
        frac=1, random_state=1
    )
    found = figures(copied)
    for group in GROUPS:
        for name, value in leaves(found[group], "difference"):
            assert value == pytest.approx(0, abs=1e-12), name
    for name, value in leaves(found["distributions"], "ks/synthetic"):
        assert value == 0, name
    for name, value in leaves(found["distributions"], "js/synthetic"):
        assert value == pytest.approx(0, abs=1e-12), name
    embedding = found["embedding"]
    assert embedding["frechet"]["synthetic"]["mean"] == pytest.approx(0, abs=1e-9)
    for name in ("precision", "recall", "coverage", "mauve"):
        assert embedding[name]["synthetic"]["mean"] == pytest.approx(1), name
    assert found["discriminator"]["auc"]["synthetic"]["mean"] == 0.5


def test_train_equal_to_holdout_has_a_floor_of_nothing() -> None:
    found = distributions(toy.reports(90, 3, "s"), HOLDOUT, HOLDOUT, 5)
    for name, value in leaves(found, "floor"):
        if "merged" not in name:  # a share of train, no distance
            assert value is None or value == pytest.approx(0, abs=1e-12), name


def test_the_truth_has_a_floor_where_it_is_known() -> None:
    """Codes of train are mixed up: the floor of code recall is what that costs."""
    wards = demo.corpus(demo.DemoSizes(public=20, private_train=40, private_holdout=40), 0)
    holdout, train = wards.private_holdout, wards.private_train
    mixed = train.assign(codes=list(train["codes"].sample(frac=1, random_state=0)))
    setup = Setup(DISTANCES, 5, "demo", 0)
    made = holdout.assign(keywords=[["HTA"]] * 40)
    even, broken = (
        measure(made, holdout, used, wards.public, setup).figures for used in (train, mixed)
    )
    assert even["faithfulness_real"]["code_recall"] == 1
    assert even["faithfulness_floor"]["code_recall"] == 0
    assert even["faithfulness_floor"]["wrong_codes"] == 0
    assert broken["faithfulness_floor"]["code_recall"] > 0.3
    assert broken["faithfulness_floor"]["wrong_codes"] < -0.5


def test_a_doubled_corpus_has_the_exact_ratios() -> None:
    doubled = HOLDOUT.assign(text=[f"{text}\n{text}" for text in HOLDOUT["text"]])
    found = distributions(doubled, HOLDOUT, TRAIN[:90], 5)
    for name in ("words_per_report", "sentences_per_report", "sections_per_report"):
        assert found[name]["synthetic"] == pytest.approx(2 * found[name]["real"]), name
        assert found[name]["difference"] == pytest.approx(-found[name]["real"]), name
    for name in ("numbers_per_100_words", "negated_share"):
        assert found[name]["synthetic"] == pytest.approx(found[name]["real"]), name
    assert found["words"]["js"]["synthetic"] == pytest.approx(0, abs=1e-12)
    assert found["sections"]["js"]["synthetic"] == pytest.approx(0, abs=1e-12)


def test_a_sample_of_the_same_ward_is_as_near_as_real_reports(found: dict[str, Any]) -> None:
    assert abs(found["discriminator"]["auc"]["synthetic"]["mean"] - 0.5) < 0.15
    assert found["distributions"]["words"]["js"]["synthetic"] < 0.02
    for name in ("precision", "recall", "coverage"):
        assert found["embedding"][name]["synthetic"]["mean"] > 0.8, name
    own = found["own_codes"]["ranked_right"]
    assert own["real"] > 0.9 and abs(own["difference"]) < 0.05 and abs(own["floor"]) < 0.05


def test_shuffled_words_are_caught() -> None:
    """Negative control: every word is there, as often as in real reports."""
    broken = figures(toy.shuffled_words(toy.reports(100, 3, "s"), 0))
    assert broken["distributions"]["words"]["js"]["synthetic"] < 0.02
    assert broken["discriminator"]["auc"]["synthetic"]["mean"] > 0.95
    assert broken["discriminator"]["alone"]["common_words"]["synthetic"] < 0.7
    assert broken["discriminator"]["alone"]["common_word_pairs"]["synthetic"] > 0.8
    assert broken["distributions"]["sentences_per_report"]["ks"]["synthetic"] > 0.9


def test_the_kinds_that_tell_a_corpus_apart_are_named() -> None:
    loud = toy.reports(100, 3, "s")
    loud["text"] = [text.upper() for text in loud["text"]]
    shares = figures(loud)["discriminator"]
    assert shares["auc"]["synthetic"]["mean"] > 0.95
    by_kind = {kind: own["synthetic"] for kind, own in shares["shares"].items()}
    assert max(by_kind, key=by_kind.__getitem__) == "casing"
    assert sum(by_kind.values()) == pytest.approx(1)
    assert shares["alone"]["casing"]["synthetic"] > 0.95
    assert abs(shares["alone"]["digits"]["synthetic"] - 0.5) < 0.2


def test_a_gain_from_stereotyped_text_shows(found: dict[str, Any]) -> None:
    """Every code is said, better than a ward does, and always in the same words."""
    rigid = figures(toy.stereotyped(100, 3))
    probability = rigid["own_codes"]["probability"]
    assert probability["synthetic"] > probability["real"] + 0.05
    assert abs(found["own_codes"]["probability"]["difference"]) < 0.05  # the control
    assert rigid["diversity"]["same_codes_self_bleu"]["synthetic"] > 0.95
    assert rigid["diversity"]["same_codes_self_bleu"]["real"] < 0.8


def test_codes_of_other_reports_are_not_expressed() -> None:
    wrong = toy.reports(100, 3, "s")
    wrong["codes"] = list(wrong["codes"].sample(frac=1, random_state=0))
    own = figures(wrong)["own_codes"]
    assert own["ranked_right"]["synthetic"] < own["ranked_right"]["real"] - 0.2
    assert own["micro_f1"]["synthetic"] < own["micro_f1"]["real"] - 0.2


def test_a_rare_private_heading_is_not_seen() -> None:
    """Whether two private reports have a heading, or none, changes no divergence of sections."""
    marked, other = HOLDOUT.copy(), HOLDOUT.copy()
    marked.loc[:1, "text"] += "\nGreffe : en 2019"
    other.loc[:1, "text"] += "\nTransfert : en 2019"
    made = toy.reports(90, 3, "s")
    made["text"] += "\nGreffe : en 2019"
    one, two = (distributions(made, side, TRAIN[:90], 5)["sections"] for side in (marked, other))
    assert one == two
    # the control: five do
    marked.loc[2:4, "text"] += "\nGreffe : en 2019"
    assert distributions(made, marked, TRAIN[:90], 5)["sections"] != two


def test_a_heading_of_four_patients_is_not_seen() -> None:
    marked, other = HOLDOUT.copy(), HOLDOUT.copy()
    marked.loc[:9, "text"] += "\nGreffe : en 2019"
    other.loc[:9, "text"] += "\nTransfert : en 2019"
    made = toy.reports(90, 3, "s")
    made["text"] += "\nGreffe : en 2019"

    def sections(side: pd.DataFrame, patients: int) -> Any:
        owned = side.assign(patient_id=[f"p{row % patients}" for row in range(90)])
        return distributions(made, owned, TRAIN[:90], 5)["sections"]

    assert sections(marked, 4) == sections(other, 4)  # ten reports
    assert sections(marked, 5) != sections(other, 5)  # the control


def test_labels_of_few_patients_are_none() -> None:
    def own_codes(patients: int) -> Any:
        train = TRAIN.assign(patient_id=[f"p{row % patients}" for row in range(180)])
        return figures(toy.reports(100, 3, "s"), train=train)["own_codes"]

    assert own_codes(180)["labels"] == 4
    assert own_codes(16) is None  # half of them are eight patients, and a label takes ten


def test_equal_corpora_are_equal_where_patients_have_several_reports() -> None:
    owned = HOLDOUT.assign(patient_id=[f"p{row // 3}" for row in range(90)])
    copied = owned.drop(columns="patient_id").assign(report_id=[f"s{row}" for row in range(90)])
    embedding = figures(copied, holdout=owned)["embedding"]
    assert embedding["repeats"] == 2
    assert embedding["frechet"]["synthetic"]["mean"] == pytest.approx(0, abs=1e-9)


def test_one_real_text_many_times_is_not_one_patient() -> None:
    copies = HOLDOUT.assign(text=HOLDOUT["text"][0], report_id=[f"s{row}" for row in range(90)])
    assert figures(copies.drop(columns="patient_id"))["embedding"]["repeats"] == 2


def test_no_patient_is_in_two_parts() -> None:
    owners = {"real": [f"p{row * 7 % 20}" for row in range(60)], "floor": [*map(str, range(70))]}
    rows = dealt(owners, 3, 15)
    assert {name: own.shape for name, own in rows.items()} == {"real": (3, 18), "floor": (3, 18)}
    parts = [{owners["real"][row] for row in part} for part in rows["real"]]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    # of patients with one report each, parts are what comes first, second and third
    assert rows["floor"].ravel().tolist() == list(range(54))
    assert dealt({"real": ["a"] * 40 + ["b"] * 30}, 5, 10)["real"].shape == (2, 30)
    assert dealt({"real": ["a"] * 40}, 5, 10)["real"].tolist() == [list(range(40))]


def test_the_limits_of_the_auc_are_those_of_other_patients() -> None:
    """Two samples of one ward: most limits hold .5. Three reports of each patient that say the same
    are no more than one.
    """

    def auc(seed: int, each: int) -> Any:
        sides = []
        for number in (0, 1):
            texts = toy.reports(90, 2 * seed + number)["text"].repeat(each).tolist()
            own = [f"{text} {row % each}" for row, text in enumerate(texts)]
            owners = [f"p{row // each}" for row in range(90 * each)]
            sides.append(Reports(own, ["fr"] * len(own), owners))
        found = told_apart(*sides, seed)
        assert found is not None and 80 < found.auc.n <= 90  # less where both wrote the same
        return found.auc

    found = [auc(seed, 1) for seed in range(10)]
    assert sum(one.low <= 0.5 <= one.high for one in found) >= 8
    widths = [one.high - one.low for one in found]
    assert 0.12 < sum(widths) / 10 < 0.25  # Hanley and McNeil 1982: 2 * 1.96 * .043 = .17
    often = auc(0, 3)
    assert often.high - often.low > 0.8 * widths[0]  # over documents it would be .58 of it


def test_its_limits_are_as_far_out_as_six_patients_ask_for() -> None:
    """However many reports these have, and however many patients the other side has."""
    texts = [f"{text} {row}" for text in toy.reports(6, 0)["text"] for row in range(15)]
    real = Reports(texts, ["fr"] * 90, [f"p{row // 15}" for row in range(90)])
    others = Reports(toy.reports(90, 1)["text"].tolist(), ["fr"] * 90, [*map(str, range(90))])
    found = told_apart(real, others, 0)
    assert found is not None and found.auc.n == 6


def test_too_few_reports_are_not_measured_and_the_reason_is_told() -> None:
    few = measure(toy.reports(19, 3, "s"), HOLDOUT, TRAIN, PUBLIC, SETUP)
    assert {few.figures[group] for group in GROUPS} == {None}
    assert few.figures["words_mean"]["real"] > 0
    assert len(few.notes) == 2 and all("fidelity.distances.fewest" in note for note in few.notes)


def test_a_collapsed_corpus_has_no_discriminator() -> None:
    same = toy.reports(4, 3, "s")
    copies = pd.concat([same] * 10, ignore_index=True)
    copies["report_id"] = [f"s{row}" for row in range(40)]
    done = measure(copies, HOLDOUT, TRAIN, PUBLIC, SETUP)
    assert done.figures["discriminator"] is None and "different texts" in done.notes[0]
    assert done.figures["diversity"]["self_bleu"]["synthetic"] == pytest.approx(1)


def test_no_text_is_among_the_figures(found: dict[str, Any]) -> None:
    for name, value in flatten(found).items():
        assert value is None or isinstance(value, int | float), name
        assert not any(word in name.lower() for word in ("hta", "motif", "petit", "i10")), name


def test_the_same_seed_gives_the_same_figures_in_any_order(found: dict[str, Any]) -> None:
    made = toy.reports(100, 3, "s").sample(frac=1, random_state=5)
    again = figures(made, holdout=HOLDOUT.sample(frac=1, random_state=6))
    for group in GROUPS:
        assert flatten(again[group]) == pytest.approx(flatten(found[group]), abs=1e-9), group
