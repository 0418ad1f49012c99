"""Replay: what train alone has and the synthetic texts repeat; phantoms of both sides cancel."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest
from faker import Faker

from synthfr.privacy.identifiers import IdentifierReplay, Identifiers
from synthfr.privacy.sides import Sides

ALPHA = 0.01


def table(texts: list[str], side: str, language: str = "fr") -> pd.DataFrame:
    ids = [f"{side}{i}" for i in range(len(texts))]
    return pd.DataFrame(
        {"report_id": ids, "text": texts, "codes": [["I10"]] * len(ids), "language": language}
    )


def written(seed: int, n: int) -> list[str]:
    """Reports of invented people: a name and a date each, a telephone in each second one."""
    fake = Faker("fr_FR")
    fake.seed_instance(seed)
    rng = np.random.default_rng(seed)
    texts = []
    for at in range(n):
        day, month = rng.integers(1, 29), rng.integers(1, 13)
        phone = (
            f" Tél : 01 45 {rng.integers(10, 99)} {rng.integers(10, 99)} {rng.integers(10, 99)}."
        )
        texts.append(
            f"M. {fake.first_name()} {fake.last_name()}, vu le {day:02}/{month:02}/2019 (n° {at}). "
            f"Apyrétique.{phone if at % 2 else ''}"
        )
    return texts


@cache
def sides(n: int = 100) -> Sides:
    return Sides.of(table(written(1, n), "train"), table(written(2, n), "holdout"), 0)


@cache
def audit(min_documents: int = 5) -> IdentifierReplay:
    return IdentifierReplay(sides(), Identifiers(), 0, min_documents=min_documents)


def of_both(train: list[str], holdout: list[str], **settings: list[str]) -> IdentifierReplay:
    both = Sides.of(table(train, "train"), table(holdout, "holdout"), 0)
    return IdentifierReplay(both, Identifiers(**settings), 0, min_documents=5)  # type: ignore[arg-type]


def test_rates_by_hand() -> None:
    names = ["Dupont", "Martin", "Petit", "Moreau"]
    train = [f"M. {names[i % 4]} et Mme Train{'abcdefghijklmnopqrst'[i]}" for i in range(20)]
    holdout = [f"M. {names[i % 4]} et Mme Hold{'abcdefghijklmnopqrst'[i]}" for i in range(20)]
    test = of_both(train, holdout)
    # names of both sides do not count; Traina to Traine are 5 of 20, Holda is 1 of 20
    synthetic = ["M. Dupont, M. Martin, Mme Holda, Mme Traina", "Mme TRAINB, Mme Trainc", "Rien."]
    found = test.finding(test.measure([*synthetic, "Mme Traind puis Mme Traine, M. Inconnu"]))
    assert found.train == pytest.approx(5 / 20)
    assert found.holdout == pytest.approx(1 / 20)
    assert found.difference.mean == pytest.approx(4 / 20)
    assert found.difference.low < 0.2 < found.difference.high
    assert 0.01 < found.p_value < 0.5
    assert not found.exceeds  # a name alone is no absolute proof
    kinds = found.measures["kinds"]
    assert isinstance(kinds, dict)
    assert kinds["name"]["farthest"] == 1
    assert kinds["record"] == {
        "train": None,
        "holdout": None,
        "difference": None,
        "farthest": 0,
        "too_few_reports": 1,
    }


def test_an_independent_set_replays_phantoms_alone() -> None:
    """300 days drawn among 336: dates meet on both sides by chance, and that is no leak."""
    leaks = 0
    for seed in range(3, 13):
        texts = [text.split(" Tél")[0] for text in written(seed, 300)]
        found = audit().finding(audit().measure(texts))
        kinds = found.measures["kinds"]
        assert isinstance(kinds, dict)
        assert kinds["date"]["train"] > 0.4 and kinds["date"]["holdout"] > 0.4
        leaks += found.leaks(ALPHA)
    assert leaks == 0


def test_copies_of_train_are_found_and_copies_of_holdout_are_not() -> None:
    names = [text.split(",")[0] for text in written(1, 100)]
    found = audit().finding(audit().measure(names[:20]))
    assert found.leaks(ALPHA) and not found.exceeds
    assert found.train == pytest.approx(0.2, abs=0.03)  # names of both sides are left out
    of_holdout = [text.split(",")[0] for text in written(2, 100)]
    assert not audit().finding(audit().measure(of_holdout[:20])).leaks(ALPHA)


def test_one_telephone_of_train_is_absolute() -> None:
    one = next(text for text in written(1, 100) if "Tél" in text)
    phone = one.split("Tél : ")[1].rstrip(".").replace(" ", "")
    found = audit().finding(audit().measure([f"Rappeler le {phone}."]))
    assert found.exceeds and found.leaks(ALPHA) and found.p_value > ALPHA
    of_holdout = next(text for text in written(2, 100) if "Tél" in text)
    assert not audit().finding(audit().measure([of_holdout])).exceeds


def test_a_telephone_of_both_sides_is_no_leak() -> None:
    ward = "Secrétariat 01 45 67 89 10."
    test = of_both(
        [f"{ward} Mme T{'abcdefghijklmnopqrst'[i]}x" for i in range(20)],
        [f"{ward} Mme H{'abcdefghijklmnopqrst'[i]}x" for i in range(20)],
    )
    found = test.finding(test.measure([ward] * 50))
    assert not found.exceeds and not found.leaks(0.5)


def test_what_several_patients_have_is_no_identifier() -> None:
    """A physician's name or a ward's telephone points at no patient, absolute or not."""
    letters = "abcdefghijklmnopqrst"
    ward = "Dr Garnier. Tél 06 12 34 56 78."
    train = [f"{ward if i < 2 else ''} Mme T{letters[i]}x." for i in range(20)]
    test = of_both(train, [f"Mme H{letters[i]}x." for i in range(20)])
    found = test.finding(test.measure([ward]))
    assert found.train == found.holdout == 0.0 and not found.exceeds
    # negative control: in the report of one patient it is his
    alone = of_both([train[0], *train[2:], "Toux."], [f"Mme H{letters[i]}x." for i in range(20)])
    assert alone.finding(alone.measure(["tél 0612345678"])).exceeds


def test_of_an_absolute_kind_it_is_told_whether_not_how_often() -> None:
    """Two replayed telephones of fifty are a count below `min_documents`."""
    of_two = [text.split(" Tél")[1] for text in written(1, 100) if " Tél" in text][:2]
    found = audit().finding(audit().measure(of_two))
    kinds = found.measures["kinds"]
    assert isinstance(kinds, dict) and found.exceeds
    assert {kinds["phone"][one] for one in ("train", "farthest")} == {1.0}
    assert kinds["phone"]["holdout"] == 0 and kinds["phone"]["difference"] == {"mean": 1.0}
    assert (found.train, found.holdout, found.difference.mean) == (1.0, 0.0, 1.0)
    assert kinds["mail"]["train"] == kinds["mail"]["holdout"] == 0.0


def test_which_kinds_are_absolute_is_a_parameter() -> None:
    train = [f"n° de dossier {10_000 + i}" for i in range(20)]
    holdout = [f"n° de dossier {20_000 + i}" for i in range(20)]
    copied = [train[3]]
    assert not (one := of_both(train, holdout)).finding(one.measure(copied)).exceeds
    strict = of_both(train, holdout, never=["record"], compared=["name"])
    assert strict.finding(strict.measure(copied)).exceeds


def test_texts_without_identifiers_have_nothing_to_replay() -> None:
    test = of_both([f"Toux {i}." for i in range(20)], [f"Rash {i}." for i in range(20)])
    for texts in ([], ["M. Dupont 01 45 67 89 10"], ["🙂", "e\u0301"]):
        found = test.finding(test.measure(texts))
        assert not found.leaks(1.0 - 1e-9) and found.p_value == 1.0
        assert found.measures["nothing_to_replay"] == 1
        json.dumps(found.as_dict(), allow_nan=False)


def test_too_few_reports_tell_no_rate() -> None:
    found = audit(min_documents=60).finding(audit(min_documents=60).measure(written(1, 100)))
    kinds = found.measures["kinds"]
    assert isinstance(kinds, dict)
    assert kinds["phone"]["too_few_reports"] == 1 and kinds["name"]["too_few_reports"] == 0
    assert kinds["record"]["train"] is None and kinds["name"]["train"] is not None
    assert found.exceeds and kinds["phone"]["train"] == 1.0  # that any came out is told


def test_parts_join_to_the_whole() -> None:
    one, more = written(1, 20), written(5, 50)
    joined = audit().join(audit().measure(one), audit().measure(more))
    assert joined == audit().measure([*one, *more])
    assert audit().measure([]) == frozenset()


def test_no_identifier_and_no_id_stands_in_the_finding() -> None:
    told = json.dumps(audit().finding(audit().measure(written(1, 100))).as_dict())
    for text in written(1, 100):
        assert text.split(",")[0].removeprefix("M. ") not in told
    assert "train0" not in told


def test_same_seed_same_numbers_and_other_languages_are_read() -> None:
    state = audit().measure(written(1, 10))
    assert audit().finding(state).as_dict() == audit().finding(state).as_dict()
    letters = "abcdefghijklmnopqrstuvwxyz"
    train = table([f"M. T{letters[i]}x" for i in range(20)], "train", "fr")
    holdout = table([f"ФИО: Смирнов{letters[i]}" for i in range(20)], "holdout", "ru")
    both = Sides.of(train, holdout, 0)
    test = IdentifierReplay(both, Identifiers(), 0, min_documents=1)
    assert len(test.measure(["M. Tax", "ФИО: Смирновb"])) == 2
