"""Chains of stand-in stages on a real SLURM: order, failures, signals, locks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from synthfr.files import read_yaml
from tests.cluster.conftest import SIDES, Toy, squeue, start_again, until

pytestmark = pytest.mark.cluster


def recorded(toy: Toy) -> set[str]:
    """Stages that dvc.lock knows."""
    return set(read_yaml(toy.root / "dvc.lock")["stages"])


ALL = {"first", "last", *(f"side@{side}" for side in SIDES)}


def test_a_chain_runs_in_order_and_siblings_side_by_side(toy: Toy) -> None:
    for side in SIDES:
        toy.tell(f"side@{side}", "sleep 5")
    told = toy.submit("last", "--wait")
    assert "8 completed" in told
    assert recorded(toy) == ALL
    sides = [toy.times(f"side@{side}") for side in SIDES]
    assert toy.times("first")[1] <= min(began for began, _ in sides)
    assert max(ended for _, ended in sides) <= toy.times("last")[0]
    # all six at once: each began before any had ended
    assert max(began for began, _ in sides) < min(ended for _, ended in sides)
    assert "up to date" in toy.submit("last")
    assert "Data and pipelines are up to date" in toy.dvc("status").stdout


def test_only_what_is_stale_is_submitted(toy: Toy) -> None:
    toy.dvc("repro")
    toy.tell("side@2", "sleep 0.2")
    told = toy.submit("last", "--dry-run", "--account=abc@v100", "--mail-type=END").splitlines()
    shown = [line for line in told if line.startswith("sbatch ")]
    assert [line.split(" --single-item ")[1] for line in shown] == ["side@2", "last"]
    assert "--dependency='afterok:<side@2>'" in shown[1] or "afterok:<side@2>" in shown[1]
    assert "--kill-on-invalid-dep=yes" in shown[1] and "afterok" not in shown[0]
    assert all("--account=abc@v100 --mail-type=END" in line for line in shown)
    assert squeue() == ""
    assert "up to date" in toy.submit("side@3")


def test_one_allocation_gives_the_same(toy: Toy) -> None:
    told = toy.submit("last", "--one-job", "--wait")
    assert "1 completed" in told
    assert recorded(toy) == ALL
    assert "up to date" in toy.submit("last")


def test_a_failing_stage_stops_those_that_need_it(toy: Toy) -> None:
    toy.tell("side@3", "fail 0")
    told = toy.submit("last", "--wait", code=1)
    assert "side: in/side@3, line 1: 'fail' is no way to go on: write 'sleep'." in told
    assert "6 completed, 1 failed, 1 cancelled" in told.replace(
        "6 completed, 1 cancelled, 1 failed", "6 completed, 1 failed, 1 cancelled"
    )
    assert "not started, because side@3 failed" in told
    assert recorded(toy) == ALL - {"side@3", "last"}
    toy.submit("--status", code=1)
    toy.tell("side@3", "sleep 0")
    told = toy.submit("last", "--wait")
    assert "2 completed" in told
    assert recorded(toy) == ALL


def test_cancel_leaves_no_process_and_no_lock(toy: Toy) -> None:
    toy.tell("first", "spawn 600")
    toy.submit("last")
    child = toy.root / "times/child"
    until(lambda: child.exists() and child.read_text(), "the stage at work")
    told = toy.submit("last", code=1)
    assert "still queued or running" in told and told.count("\n") == 1
    pids = [child.read_text(), *below(toy.root)]
    assert len(pids) > 3
    assert "first" in toy.submit("--cancel")
    until(lambda: not squeue(), "an empty queue")
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists() and not zombie(pid)]
    assert not below(toy.root)
    lock = toy.root / ".dvc/tmp/rwlock"
    assert not lock.exists() or json.loads(lock.read_text() or "{}") == {}
    toy.submit("--status", code=1)
    toy.tell("first", "sleep 0")
    assert "8 completed" in toy.submit("last", "--wait")


def test_a_job_near_its_time_limit_is_queued_again_and_goes_on(toy: Toy) -> None:
    toy.tell("first", "count 12")
    toy.submit("first")
    job = squeue("-o", "%A")
    count = toy.root / ".scratch/first"
    until(lambda: count.exists() and int(count.read_text() or 0) >= 3, "three checkpoints")
    subprocess.run(["scancel", "--batch", "--signal=USR1", job], check=True)
    start_again(job)
    assert "1 completed" in toy.submit("--status", "--wait")
    log = (toy.root / f"logs/first-{job}.log").read_text()
    resumed = [line for line in log.splitlines() if line.startswith("first: goes on at")]
    assert resumed[0].endswith(" 0") and int(resumed[1].split()[-1]) >= 3
    assert (toy.root / "out/first").read_text() == "first count 12.0"
    assert "up to date" in toy.submit("first")


def test_a_busy_stage_is_waited_for_and_its_holder_named(toy: Toy) -> None:
    toy.tell("first", "sleep 6")
    other = toy.start("dvc", "repro", "first")
    until(lambda: (toy.root / "times/first").exists(), "the other's stage at work")
    done = toy.run("sbatch", "--parsable", "--wait", "slurm/stage.sbatch", "first")
    assert other.wait() == 0
    log = (toy.root / f"logs/synth-fr-{done.stdout.strip()}.log").read_text()
    assert "busy, held by (PID" in log
    assert "'first' didn't change" in log


def below(folder: Path) -> list[str]:
    """Processes that work in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == folder:
                found.append(entry.name)
        except OSError:
            continue
    return found


def zombie(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize(
    ("arguments", "resources", "words"),
    [
        (["--partition=nope"], "{}", "sbatch refused first: invalid partition specified: nope"),
        ([], "stages: {fist: {gpus: 1}}", "stages.fist: dvc.yaml has no such stage: did you mean"),
        ([], "stages: {first: {gpu: 1}}", "unknown parameter 'gpu': did you mean 'gpus'?"),
        ([], "stages: {first: {gpus: 9}}", "first asks for 9 GPUs, and no node has more than 4"),
    ],
)
def test_bad_input_is_one_sentence(
    toy: Toy, arguments: list[str], resources: str, words: str
) -> None:
    (toy.root / "slurm/resources.yaml").write_text(resources + "\n")
    told = toy.submit("last", *arguments, code=1)
    assert words in told and told.count("\n") == 1
    assert squeue() == ""


def test_a_refusal_half_way_takes_back_what_was_submitted(toy: Toy) -> None:
    (toy.root / "slurm/resources.yaml").write_text("stages: {last: {constraint: h100}}\n")
    told = toy.submit("last", code=1)
    assert "sbatch refused last: " in told and told.count("\n") == 1
    until(lambda: not squeue(), "an empty queue")
    assert not (toy.root / ".scratch/cluster/chain.json").exists()


def test_gpus_reach_the_stage(toy: Toy) -> None:
    (toy.root / "slurm/resources.yaml").write_text("stages: {first: {gpus: 2}}\n")
    with (toy.root / "slurm/env.sh").open("a") as env:
        env.write('echo "gpus: $CUDA_VISIBLE_DEVICES, offline: $HF_HUB_OFFLINE"\n')
    assert "1 completed" in toy.submit("first", "--wait")
    (log,) = (toy.root / "logs").glob("first-*.log")
    assert "gpus: 0,1, offline: 1" in log.read_text()


def test_without_slurm_it_says_so(tmp_path: Path) -> None:
    """Runs everywhere."""
    toy = Toy.make(tmp_path / "toy")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("git", "python"):
        if found := shutil.which(name):
            os.symlink(found, programs / name)
    venv = toy.env["PATH"].split(os.pathsep)[0]
    toy.env["PATH"] = f"{venv}{os.pathsep}{programs}"
    told = toy.submit("last", code=1)
    assert told == (
        "synth-fr: There is no squeue here: submit on a login node of a SLURM cluster, or run "
        "the stages on this machine with dvc repro.\n"
    )
