"""The order of rows: every row once, batches of like length, seeded, other each epoch."""

from __future__ import annotations

from synthfr.training.order import LengthGroupedOrder

IDS = [f"r{number:03d}" for number in range(103)]
LENGTHS = [17 * number % 101 for number in range(103)]


def order(seed: int = 0, epoch: int = 0, ids: list[str] = IDS) -> list[str]:
    sampler = LengthGroupedOrder(ids, [LENGTHS[IDS.index(one)] for one in ids], 4, seed)
    sampler.set_epoch(epoch)
    assert len(sampler) == len(ids)
    return [ids[row] for row in sampler]


def padding(ids: list[str]) -> int:
    lengths = [LENGTHS[IDS.index(one)] for one in ids]
    batches = [lengths[first : first + 4] for first in range(0, len(lengths), 4)]
    return sum(max(batch) * len(batch) - sum(batch) for batch in batches)


def test_every_row_once_and_the_longest_first() -> None:
    rows = order()
    assert sorted(rows) == IDS
    assert LENGTHS[IDS.index(rows[0])] == max(
        LENGTHS[IDS.index(one)]
        for one in rows[:100]  # the last three are no whole batch
    )


def test_little_padding() -> None:
    assert padding(order()) < padding(IDS) / 4


def test_depends_on_seed_and_epoch_but_not_on_row_order() -> None:
    assert order() == order()
    assert order() == order(ids=IDS[::-1])
    assert order() != order(seed=1)
    assert order() != order(epoch=1)


def test_fewer_rows_than_a_batch() -> None:
    assert sorted(order(ids=IDS[:3])) == IDS[:3]
