"""The hospitals of the demo: what is local, what wanders, and habits that differ."""

from collections import Counter

from synthfr.corpora.demo.hospitals import (
    local_phrases,
    other_hospitals,
    private_hospital,
    wandering_phrases,
)
from synthfr.corpora.demo.knowledge import KINDS, knowledge

KNOWLEDGE = knowledge()


def test_a_third_of_each_codes_phrases_is_local_and_every_kind_keeps_one():
    local = local_phrases(KNOWLEDGE)
    for entry in KNOWLEDGE:
        own = entry.facts("hospital")
        assert 0.2 < sum(phrase in local for phrase in own) / len(own) < 0.45
        for kind in KINDS:
            assert set(entry.phrases[kind]["hospital"]) - local


def test_only_the_private_hospital_writes_local_phrases():
    local = local_phrases(KNOWLEDGE)
    assert local <= private_hospital(KNOWLEDGE, 0).owners().keys()
    for house in other_hospitals(KNOWLEDGE):
        assert not local & house.owners().keys()


def test_a_wandering_phrase_has_one_owner_in_a_hospital_and_two_among_them():
    wandering = wandering_phrases(KNOWLEDGE)
    assert wandering
    houses = [house.owners() for house in other_hospitals(KNOWLEDGE)]
    for phrase, codes in wandering.items():
        owners = Counter(next(iter(house[phrase])) for house in houses)
        assert set(owners) == set(codes)
        assert all(len(house[phrase]) == 1 for house in houses)
        assert min(owners.values()) > len(houses) / 4
    # control: every other phrase stands for one code everywhere
    others = houses[0].keys() - wandering.keys()
    assert all(house[phrase] == houses[0][phrase] for house in houses for phrase in others)


def test_habits_belong_to_the_seed():
    first, again, other = (private_hospital(KNOWLEDGE, seed) for seed in (0, 0, 1))
    assert first.phrases == again.phrases != other.phrases
    skewed = [max(often) / sum(often) for _, often in first.phrases.values() if len(often) == 2]
    assert sum(share > 0.65 for share in skewed) > len(skewed) / 3
