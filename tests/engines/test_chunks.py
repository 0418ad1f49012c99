"""Chunks: what a killed run keeps, and that it ends with the same reports."""

from dataclasses import replace
from pathlib import Path

import pytest

from synthfr.engines import Request
from synthfr.engines.chunks import Shard, complete, write_shard
from synthfr.engines.lazy import LazyEngine
from synthfr.errors import UserError
from tests.engines.fake import FakeEngine

REQUESTS = [Request(f"r{i}", "mot " * (1 + i % 4), i, 0.1 * i) for i in range(10)]


def test_like_prompts_share_a_chunk(tmp_path: Path) -> None:
    engine = FakeEngine()
    done = complete(engine, REQUESTS, 4, tmp_path)
    assert list(done) and set(done) == {f"r{i}" for i in range(10)}
    assert [[one.id for one in call] for call in engine.calls] == [
        ["r0", "r4", "r8", "r1"], ["r5", "r9", "r2", "r6"], ["r3", "r7"],
    ]  # fmt: skip
    assert done["r3"].temperature == REQUESTS[3].temperature  # exactly: not as rounded in JSON


def test_a_killed_run_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    whole = complete(FakeEngine(), REQUESTS, 4, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        complete(FakeEngine(until=2), REQUESTS, 4, tmp_path)
    resumed = FakeEngine()
    assert complete(resumed, REQUESTS[::-1], 4, tmp_path) == whole
    assert [one.id for call in resumed.calls for one in call] == ["r3", "r7"]
    again = FakeEngine(until=0)
    assert complete(again, REQUESTS, 4, tmp_path) == whole


def test_changed_requests_never_take_old_chunks(tmp_path: Path) -> None:
    complete(FakeEngine(), REQUESTS, 4, tmp_path)
    engine = FakeEngine()
    complete(engine, [replace(one, seed=one.seed + 1) for one in REQUESTS], 4, tmp_path)
    assert sum(map(len, engine.calls)) == 10


def test_shares_are_gathered_without_an_engine(tmp_path: Path) -> None:
    whole = complete(FakeEngine(), REQUESTS, 2, tmp_path / "whole")
    asked: list[str] = []
    for number in (2, 0, 1):
        engine = FakeEngine()
        write_shard(engine, REQUESTS, 2, tmp_path / "shards", Shard(number, 3))
        asked += [one.id for call in engine.calls for one in call]
    assert sorted(asked) == sorted(whole)  # each by one of them
    loaded: list[FakeEngine] = []

    def load() -> FakeEngine:
        loaded.append(FakeEngine())
        return loaded[-1]

    engine_if_needed = LazyEngine(load)
    assert complete(engine_if_needed, REQUESTS, 2, tmp_path / "shards") == whole
    assert engine_if_needed.measures() == {} and not loaded
    # negative control: where a shard is missing it is needed
    next((tmp_path / "shards").iterdir()).unlink()
    assert complete(engine_if_needed, REQUESTS, 2, tmp_path / "shards") == whole
    assert len(loaded) == 1 and sum(map(len, loaded[0].calls)) == 2


def test_more_shards_than_chunks(tmp_path: Path) -> None:
    engine = FakeEngine()
    for number in range(9):
        write_shard(engine, REQUESTS, 5, tmp_path, Shard(number, 9))
    assert len(engine.calls) == 2


@pytest.mark.parametrize(("shard_index", "num_shards"), [(8, 8), (-1, 2), (0, 0)])
def test_what_is_no_shard_is_told(shard_index: int, num_shards: int) -> None:
    with pytest.raises(UserError, match="counts from 0"):
        Shard(shard_index, num_shards)


@pytest.mark.parametrize("content", ["[]", '[{"id": 1}]', "[", '{"a"', "3"])
def test_a_foreign_chunk_is_told(tmp_path: Path, content: str) -> None:
    complete(FakeEngine(), REQUESTS, 10, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_text(content)
    with pytest.raises(UserError, match=r"chunk-\w+\.json .* remove it"):
        complete(FakeEngine(), REQUESTS, 10, tmp_path)


def test_nothing_asked_nothing_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert complete(FakeEngine(), [], 4, tmp_path) == {}
    complete(FakeEngine(), REQUESTS[:3], 2, tmp_path)
    told = capsys.readouterr().err
    assert told == "3 texts of at most 256 tokens, saved every 2\n"  # and no bar: not a terminal


@pytest.mark.parametrize("independent", [True, False])
def test_what_a_failing_server_had_finished_is_kept(tmp_path: Path, independent: bool) -> None:
    def fail_at_r5(request: Request) -> str:
        if request.id == "r5":
            raise UserError("no answer")
        return request.prompt

    failing, resumed = FakeEngine(fail_at_r5), FakeEngine(lambda request: request.prompt)
    for engine in (failing, resumed):
        engine.independent = independent
    with pytest.raises(UserError):
        complete(failing, REQUESTS, 100, tmp_path)
    done = complete(resumed, REQUESTS, 100, tmp_path)
    assert done == complete(FakeEngine(lambda request: request.prompt), REQUESTS, 100, tmp_path)
    # prompts grow with i % 4: r0, r4, r8 and r1 came before r5
    assert len(resumed.calls[0]) == (6 if independent else 10)
    assert len(list(tmp_path.iterdir())) == 1
