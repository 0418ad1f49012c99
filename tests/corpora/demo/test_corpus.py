"""The demo corpus as tables: valid, seeded, and a larger one begins with the smaller."""

from types import SimpleNamespace

import numpy as np
import pytest

from synthfr import records
from synthfr.corpora.demo import corpus
from synthfr.corpora.demo.knowledge import knowledge
from synthfr.corpora.demo_audit import faithfulness, private_owners, public_owners


def _size(public=30, train=20, holdout=10):
    return SimpleNamespace(public=public, private_train=train, private_holdout=holdout)


def test_tables_are_valid_and_sized():
    made = corpus(_size(), random_seed=0)
    for name, count in {"public": 30, "private_train": 20, "private_holdout": 10}.items():
        frame = getattr(made, name)
        records.validate(frame, records.REPORTS, name)
        assert len(frame) == count
    records.validate(made.codes, records.CODES, "codes")


def test_same_seed_same_corpus_other_seed_another():
    first, again, other = (corpus(_size(), random_seed=seed) for seed in (0, 0, 1))
    assert first.public.equals(again.public)
    assert not first.public["text"].equals(other.public["text"])


def test_a_larger_corpus_begins_with_the_smaller():
    small, large = corpus(_size(public=10), 0), corpus(_size(public=30), 0)
    assert large.public.head(10)["text"].tolist() == small.public["text"].tolist()


@pytest.mark.parametrize(
    ("part", "owners", "low", "high"),
    [
        ("public", public_owners(knowledge()), 0.03, 0.15),
        ("private_train", private_owners(knowledge(), 0), 0.85, 1),
    ],
)
def test_styles_of_the_two_sides(part, owners, low, high):
    frame = getattr(corpus(_size(200, 200), 0), part)
    audit = faithfulness(frame["text"].tolist(), frame["codes"].tolist(), knowledge(), owners)
    assert low < audit.hospital_share < high
    assert audit.code_recall == audit.hospital_binding == 1.0
    assert audit.wrong_codes == 0.0
    assert (audit.local_share > 0.15) == (part == "private_train")
    assert (audit.local_share == 0.0) == (part == "public")


def test_train_and_holdout_differ():
    made = corpus(_size(train=50, holdout=50), 0)
    assert not np.intersect1d(made.private_train["text"], made.private_holdout["text"]).size
