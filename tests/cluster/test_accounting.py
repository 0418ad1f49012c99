"""A SLURM with accounts, and with a short memory: what is refused, and what sacct still knows."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import BIN, Toy, slurm_at_work, squeue, until

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def accounting() -> Iterator[str]:
    """SLURM_CONF of a cluster that forgets jobs within seconds of their end."""
    missing = [name for name in ("slurmdbd", "mariadbd") if not _installed(name)]
    if missing:
        pytest.skip(
            f"no accounting on this machine ({', '.join(missing)} missing): "
            "apt-get install -y --no-install-recommends slurmdbd mariadb-server"
        )
    with slurm_at_work(ACCOUNTING="1", MIN_JOB_AGE="2") as conf:
        yield conf


def _installed(name: str) -> bool:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is not None


@pytest.fixture
def toy(accounting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Toy]:
    monkeypatch.setenv("SLURM_CONF", accounting)
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    yield Toy.make(tmp_path / "toy")
    subprocess.run(["scancel", "--me"], check=False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--account=nobody"], "Invalid account or account/partition combination specified"),
        (["--qos=never"], "Invalid qos specification"),
        (["--sbatch=--array=0-999999"], "Invalid job array specification"),
    ],
)
def test_what_slurm_refuses_is_told_in_its_words(
    toy: Toy, arguments: list[str], words: str
) -> None:
    told = toy.submit("last", *arguments, code=1)
    assert told.startswith("synth-fr: sbatch refused first: ") and told.count("\n") == 1
    assert words in told
    assert squeue() == ""


def test_what_squeue_forgot_is_told_by_the_accounting(toy: Toy) -> None:
    """Also of a task that was killed before it could write anything down."""
    (toy.root / "slurm/resources.yaml").write_text(
        "defaults: {account: lab, qos: long}\nstages: {side@1: {array: 4, array_limit: 2}}\n"
    )
    toy.tell("side@1", "parts 600")
    toy.submit("side@1")
    until(lambda: squeue("-r", "-n", "side@1.shards", "-t", "R", "-o", "%K"), "the array at work")
    until(lambda: (toy.root / ".scratch/side@1").is_dir(), "the first task at work")
    toy.submit("--cancel")
    until(lambda: not squeue("-t", "all"), "an empty memory", timeout_s=120)
    # nor do the jobs' own records tell: without the accounting it would have to be guessed
    shutil.rmtree(toy.root / ".scratch/cluster/jobs")
    told = toy.submit("--status", code=1)
    assert "1 completed, 2 cancelled" in told
    assert "0 of 4 shards are written; task 0 is CANCELLED" in told
