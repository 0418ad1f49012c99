"""Releases guarantee together what each claims, or nothing."""

from typing import Any

import pytest

from synthfr.dp import accounting
from synthfr.dp.claims import together

DELTA = 1e-5


def claim(mu: float, entry: int = 1, spent: float = 1.0, **changes: Any) -> dict[str, Any]:
    """As the metrics of a release have it."""
    return {
        "epsilon": {"round": 0.5, "all_rounds": 9.0, "spent": spent},
        "delta": DELTA,
        "mu": {"round": mu, "all_rounds": 9.0},
        "distance": 0.0,
        "neighbours": {"add_remove": 1},
        "ledger_entry": entry,
    } | changes


def test_the_rounds_are_composed_and_the_last_answer_tells_what_was_spent() -> None:
    found = together([claim(0.3, entry=5, spent=4.0), claim(0.4, entry=3, spent=2.0)])
    assert found is not None
    assert (found.mu, found.delta, found.spent) == (0.5, DELTA, 4.0)
    assert found.epsilon == accounting.epsilon(0.5, DELTA)
    assert (alone := together([claim(0.3)])) is not None and alone.mu == 0.3
    mixed = together([claim(0.3), claim(0.4, delta=1e-4)])
    assert mixed is not None and mixed.delta == 1e-4


@pytest.mark.parametrize(
    "claims",
    [
        [],
        [None],
        [claim(0.3), None],
        [claim(0.3), {}],
        [claim(0.3), claim(0.3, neighbours={"replace_one": 1})],
        [claim(0.3), claim(9.0)],  # beyond what is a promise
        [claim(0.3), claim(0.3, distance=1e-4)],
    ],
)
def test_one_without_it_undoes_the_others(claims: list[dict[str, Any] | None]) -> None:
    assert together(claims) is None
