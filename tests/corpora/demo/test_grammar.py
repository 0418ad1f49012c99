"""The demo grammar: its phrases have one owner, its reports say what the truth record holds."""

from itertools import permutations

import numpy as np
import pytest

from synthfr.corpora.demo.grammar import render
from synthfr.corpora.demo.hospitals import PRIVATE, private_hospital
from synthfr.corpora.demo.knowledge import KINDS, STYLES, knowledge
from synthfr.corpora.demo.truth import MAX_PAST, sample_codes, sample_stay, weighted
from synthfr.corpora.demo_audit import faithfulness, private_owners

KNOWLEDGE = knowledge()
HOUSE = private_hospital(KNOWLEDGE, 0)
OWNERS = private_owners(KNOWLEDGE, 0)


def _reports(hospital: float, count: int = 200, seed: int = 0):
    rng = np.random.default_rng(seed)
    stays = [sample_stay(rng, KNOWLEDGE) for _ in range(count)]
    return [render(stay, hospital, HOUSE, KNOWLEDGE, rng) for stay in stays], [
        s.codes for s in stays
    ]


def test_at_least_thirty_categories_over_many_chapters():
    assert len(KNOWLEDGE.codes) >= 30
    assert len({code[0] for code in KNOWLEDGE.codes}) >= 10


def test_no_phrase_contains_another_so_that_each_has_one_owner():
    phrases = [
        phrase
        for entry in KNOWLEDGE
        for phrase in (*entry.reason, *(p for style in STYLES for p in entry.facts(style)))
    ]
    assert not [(a, b) for a, b in permutations(phrases, 2) if a in b]


def test_no_two_categories_share_a_name():
    names = [name.lower() for entry in KNOWLEDGE for name in entry.names]
    assert len(names) == len(set(names))


def test_codes_are_long_tailed_and_occur_together():
    rng = np.random.default_rng(1)
    sets = [sample_codes(rng, KNOWLEDGE) for _ in range(3000)]
    counts = [sum(code in codes for codes in sets) for code in KNOWLEDGE.codes]
    assert counts[0] > 5 * counts[-1] > 0
    with_f03 = [codes for codes in sets if "F03" in codes]
    lift = np.mean(["F05" in codes for codes in with_f03]) / np.mean(["F05" in c for c in sets])
    assert lift > 1.5
    # negative control: two categories that are not companions do not attract each other
    assert "N40" not in KNOWLEDGE["F03"].companions
    assert np.mean(["N40" in c for c in with_f03]) < 1.5 * np.mean(["N40" in c for c in sets])


def test_a_stay_keeps_the_order_of_its_codes():
    rng = np.random.default_rng(2)
    for _ in range(50):
        codes = sample_codes(rng, KNOWLEDGE)
        stay = sample_stay(rng, KNOWLEDGE, codes)
        assert stay.codes == codes
        assert stay.active[0].kinds == KINDS
        assert len(stay.past) <= MAX_PAST


def test_reports_are_faithful_to_their_codes_and_shuffled_codes_are_not():
    texts, codes = _reports(hospital=0.5)
    audit = faithfulness(texts, codes, KNOWLEDGE, OWNERS)
    assert audit.code_recall == 1.0
    assert audit.wrong_codes == 0.0
    assert audit.public_binding == audit.hospital_binding == 1.0
    assert audit.well_formed == 1.0
    shuffled = faithfulness(texts, codes[1:] + codes[:1], KNOWLEDGE, OWNERS)
    assert shuffled.public_binding < 0.4
    assert shuffled.wrong_codes > 1


@pytest.mark.parametrize("hospital", [0.0, 0.5, 1.0])
def test_the_style_dial_sets_the_share_of_hospital_phrases(hospital):
    texts, codes = _reports(hospital)
    assert faithfulness(texts, codes, KNOWLEDGE, OWNERS).hospital_share == pytest.approx(
        hospital, abs=0.06
    )


def test_hospital_notes_name_fewer_diseases():
    def named(hospital):
        texts, codes = _reports(hospital)
        return np.mean(
            [
                any(name.lower() in text.lower() for name in KNOWLEDGE[code].names)
                for text, wanted in zip(texts, codes, strict=True)
                for code in wanted
            ]
        )

    assert named(1.0) < 0.6 * named(0.0)


def test_a_report_without_a_section_is_not_well_formed():
    texts, codes = _reports(hospital=0.0, count=20)
    cut = [text.replace(f"{PRIVATE.headings[3]} :", "") for text in texts]
    assert faithfulness(cut, codes, KNOWLEDGE, OWNERS).well_formed == 0.0


def test_weighted_choice_follows_the_weights():
    rng = np.random.default_rng(3)
    drawn = [weighted(rng, "ab", [1, 3]) for _ in range(4000)]
    assert drawn.count("b") / len(drawn) == pytest.approx(0.75, abs=0.03)
