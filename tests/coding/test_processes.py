"""Work shared out among processes gives what one process gives, and tells when one was killed."""

import os
from pathlib import Path

import pytest

from synthfr.coding import evaluate_grid, grid
from synthfr.coding.judged import Judged
from synthfr.coding.processes import cores, in_order
from synthfr.errors import UserError
from tests.coding import toy

UNUSED = Path("the linear coder keeps nothing")


def test_the_grid_is_the_same_with_two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    training, holdout = toy.reports(120, 1, "t"), toy.reports(60, 2, "h")
    found = []
    for processes in (1, 2):
        monkeypatch.setattr(grid, "MANY_REPORTS", 1)
        monkeypatch.setattr(grid, "cores", lambda processes=processes: processes)
        kept: list[Judged] = []
        cells = evaluate_grid(
            training, holdout, toy.params(), toy.SPACE, 0, UNUSED, keep=kept.append
        )
        answers = [
            (one.size, one.top_k, one.seed, one.evaluation, one.document_ids,
             one.scores.tobytes(), one.decided.tobytes(), one.truth.tobytes())
            for one in kept
        ]  # fmt: skip
        found.append((cells, answers))
    assert found[0] == found[1]
    assert len(found[0][1]) == 2 * 2 * 3 * 2


def test_results_are_in_order_and_made_elsewhere() -> None:
    def work(piece: int) -> tuple[int, int]:
        return piece, os.getpid()

    for processes in (1, 2):
        done = list(in_order(work, [3, 1, 2], processes, float))
        assert [piece for piece, _ in done] == [3, 1, 2]
        here = os.getpid() in {process for _, process in done}
        assert here == (processes == 1)
    assert list(in_order(work, [], 2, float)) == []


def test_what_a_piece_raises_is_raised_here() -> None:
    def work(piece: int) -> int:
        if piece == 2:
            raise UserError("no code to learn.")
        return piece

    for processes in (1, 2):
        with pytest.raises(UserError, match="no code to learn"):
            list(in_order(work, [1, 2, 3], processes, float))


def test_a_killed_process_is_a_user_error() -> None:
    def work(piece: int) -> int:
        if piece == 2:
            os._exit(9)
        return piece

    with pytest.raises(UserError, match="was killed"):
        list(in_order(work, [1, 2, 3], 2, float))


def test_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    given = len(os.sched_getaffinity(0))
    for said, used in (("1", 1), ("1000", given), ("many", given)):
        monkeypatch.setenv("OMP_NUM_THREADS", said)
        assert cores() == used
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert cores() == given
