"""The tiny base as an auxiliary model: repeated reports are told from others."""

from __future__ import annotations

import numpy as np
import pytest

from synthfr.privacy.membership.settings import Membership
from synthfr.privacy.membership.tuned import TunedModel
from synthfr.privacy.sides import Sides
from tests.privacy import made

pytestmark = pytest.mark.slow


@pytest.mark.long
def test_repeated_reports_are_found_and_others_are_not() -> None:
    whole, others = made.sides()
    kept = [*range(24), *range(made.SIZE, made.SIZE + 24)]
    sides = Sides(
        tuple(whole.ids[i] for i in kept),
        tuple(whole.texts[i] for i in kept),
        tuple(whole.codes[i] for i in kept),
        tuple(whole.languages[i] for i in kept),
        whole.is_train[kept],
        np.arange(48),
    )
    attack = TunedModel(sides, Membership(tuned_epochs=8), 0)
    texts = attack.measure(sides.texts[:24])
    found = attack.finding(texts)
    assert found.p_value < 0.01 and found.measures["auc"]["mean"] > 0.75  # type: ignore[index]
    unused = attack.measure(others["text"].tolist()[:24])
    assert attack.finding(unused).p_value > 0.05
    assert attack.join(texts, unused) == texts + unused
    # the same seed, the same model, bit for bit
    once, again = (attack.scores(unused[:16]) for _ in range(2))
    assert np.array_equal(once, again)
