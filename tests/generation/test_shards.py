"""Shards: what a killed run keeps, and that it ends with the same reports."""

from dataclasses import replace
from pathlib import Path

import pytest

from synthfr.errors import UserError
from synthfr.generation import Request
from synthfr.generation.shards import complete
from tests.generation.fake import FakeEngine

REQUESTS = [Request(f"r{i}", "mot " * (1 + i % 4), i, 0.1 * i) for i in range(10)]


def test_like_prompts_share_a_shard(tmp_path: Path) -> None:
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


def test_changed_requests_never_take_old_shards(tmp_path: Path) -> None:
    complete(FakeEngine(), REQUESTS, 4, tmp_path)
    engine = FakeEngine()
    complete(engine, [replace(one, seed=one.seed + 1) for one in REQUESTS], 4, tmp_path)
    assert sum(map(len, engine.calls)) == 10


@pytest.mark.parametrize("content", ["[]", '[{"id": 1}]', "[", '{"a"', "3"])
def test_a_foreign_shard_is_told(tmp_path: Path, content: str) -> None:
    complete(FakeEngine(), REQUESTS, 10, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_text(content)
    with pytest.raises(UserError, match=r"shard-\w+\.json .* remove it"):
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
