"""Kept answers come back as they were; what was not written by us is refused; no pickle."""

import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synthfr.coding import evaluate_grid
from synthfr.coding.judged import Judged
from synthfr.coding.kept import Keeper, read_judged, write_judged
from synthfr.errors import UserError
from tests.coding import toy
from tests.coding.test_comparison import coders, judged

UNUSED = Path("the linear coder keeps nothing")


def equal(one: Judged, other: Judged) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in Judged.__dataclass_fields__
    )


def test_round_trip(tmp_path: Path) -> None:
    answers = [replace(one, scores=one.scores.astype(np.float32)) for one in coders(0.5)]
    answers.append(replace(judged(0.5, 0, n=7, top=3), scores=np.full((7, 3), -np.inf)))
    path = tmp_path / "private" / "judged.npz"
    write_judged(path, answers)
    read = read_judged(path)
    assert [equal(one, other) for one, other in zip(read, answers, strict=True)] == [True] * 4
    assert read[0].scores.dtype == np.float32 and read[0].truth.dtype == np.bool_
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["judged.npz"]
    write_judged(tmp_path / "again.npz", answers)
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()
    write_judged(path, [])
    assert read_judged(path) == []


def test_large_scores_become_infinite_and_keep_their_order(tmp_path: Path) -> None:
    one = replace(judged(0.5, 0, n=2, top=2), scores=np.array([[1e300, -1e300], [1.0, -np.inf]]))
    write_judged(tmp_path / "a.npz", [one])
    assert read_judged(tmp_path / "a.npz")[0].scores.tolist() == [[np.inf, -np.inf], [1, -np.inf]]


def test_foreign_and_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(UserError, match="is missing"):
        read_judged(path)
    write_judged(path, coders(0.5))
    whole = path.read_bytes()
    damaged = {
        "empty": b"",
        "cut": whole[: len(whole) // 2],
        "text": b"report_id,score\n",
        "pickle": bytes.fromhex("80037d710058010000006171014b01732e"),  # of {"a": 1}
        "flipped": whole[:3000] + bytes([whole[3000] ^ 255]) + whole[3001:],
    }
    for name, content in damaged.items():
        path.write_bytes(content)
        with pytest.raises(UserError, match="make it again"):
            read_judged(path)
            pytest.fail(name)
    np.savez(path, about=np.array([{"an": "object"}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="make it again"):
        read_judged(path)


def test_keeper_holds_the_largest_unbiased_cell_of_each_seed() -> None:
    training, holdout = toy.reports(120, 1, "t"), toy.reports(50, 2, "h")
    params = toy.params(sizes=[120, 60])
    keeper = Keeper()
    evaluate_grid(training, holdout, params, toy.SPACE, 0, scratch=UNUSED, keep=keeper)
    cells = [(one.seed, one.size, one.top_k, one.evaluation) for one in keeper.answers]
    assert cells == [(seed, 120, 6, "unbiased") for seed in (0, 1, 2)]
    assert keeper.answers[0].document_ids == tuple(holdout["report_id"])
    assert keeper.answers[0].scores.dtype == np.float32
