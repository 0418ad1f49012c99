"""Chains of stand-in stages on a real SLURM: order, failures, signals, locks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from synthfr.disk import read_yaml
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


WIDE = "defaults: {cpus: 1, mem: 200M}\nstages: {side@1: {array: 8, array_limit: 6}}\n"


def test_an_array_with_one_task_killed(toy: Toy) -> None:
    """Only its share is done again, and what is gathered is what one process would have made."""
    (toy.root / "slurm/resources.yaml").write_text(WIDE)
    toy.tell("side@1", "parts 4")
    toy.submit("side@1")
    parts = toy.root / ".scratch/side@1"
    until(lambda: "RUNNING" in squeue("-r", "-n", "side@1.shards", "-o", "%K %T"), "the array")
    array = squeue("-r", "-n", "side@1.shards", "-o", "%F").split()[0]
    until(lambda: f"{array}_3 RUNNING" in squeue("-r", "-o", "%F_%K %T"), "its task 3")
    told = toy.submit("side@1", code=1)
    assert "still queued or running: side@1.shards" in told
    subprocess.run(["scancel", f"{array}_3"], check=True)
    told = toy.submit("--status", "--wait", code=1)
    assert "1 completed, 2 cancelled" in told
    assert "7 of 8 shards are written; task 3 is CANCELLED" in told
    assert "not started, because side@1.shards failed" in told
    written = {part.name: part.stat().st_mtime_ns for part in parts.iterdir()}
    assert sorted(written) == [f"part-{number}" for number in (0, 1, 2, 4, 5, 6, 7)]

    assert "2 completed" in toy.submit("side@1", "--wait")
    now = {part.name: part.stat().st_mtime_ns for part in parts.iterdir()}
    assert len(now) == 8 and written.items() <= now.items()
    (gathered,) = (toy.root / "logs").glob("side@1-*.log")
    assert gathered.read_text().count("is kept") == 8
    assert "up to date" in toy.submit("last", "--dry-run") or recorded(toy) == {"first", "side@1"}


def test_an_array_is_shown_and_cancelled_as_one(toy: Toy) -> None:
    (toy.root / "slurm/resources.yaml").write_text(WIDE)
    toy.tell("side@1", "parts 60")
    shown = toy.submit("side@1", "--dry-run")
    assert "--array=0-7%6 --output=logs/%x-%A_%a.log" in shown
    assert "slurm/stage.sbatch --num-shards 8 side@1" in shown
    toy.submit("side@1")
    until(
        lambda: squeue("-r", "-n", "side@1.shards", "-t", "R", "-o", "%K").count("\n") == 5, "six"
    )
    told = toy.submit("--status")
    assert "0 of 8 shards are written" in told and "1 running" in told
    told = toy.submit("--cancel")
    assert told == "Cancelled: side@1.shards, side@1.\n"
    until(lambda: not squeue(), "an empty queue")
    told = toy.submit("--status", code=1)
    assert "3 " not in told.splitlines()[0] and "cancelled" in told
    assert not below(toy.root)


def test_a_failing_share_is_quoted(toy: Toy) -> None:
    (toy.root / "slurm/resources.yaml").write_text(WIDE)
    toy.tell("side@1", "fail 0")
    told = toy.submit("side@1", "--wait", code=1)
    assert "side: in/side@1, line 1: 'fail' is no way to go on: write 'sleep'." in told
    assert "0 of 8 shards are written; task 0 is FAILED" in told


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
        (
            [],
            "stages: {first: {array: 4}}",
            "first cannot be cut into shards: only stages with 'meta: ",
        ),
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


def test_a_full_disk_is_told(toy: Toy) -> None:
    # no file may grow, for this process and its children: every write fails as on a full disk
    limited = ["bash", "-c", "ulimit -f 0; exec synth-fr submit last"]
    done = toy.run(*limited, check=False)
    assert (done.returncode, done.stdout.count("\n")) == (1, 1)
    assert "DVC cannot write under .dvc: the disk, or your share of it, is full" in done.stdout
    assert squeue() == ""


def test_a_chain_that_cannot_be_written_down_is_taken_back(toy: Toy) -> None:
    (toy.root / ".scratch/cluster/chain.json/in/the/way").mkdir(parents=True)
    told = toy.submit("last", code=1)
    assert "chain.json cannot be written (" in told and "so nothing was submitted" in told
    assert told.count("\n") == 1
    until(lambda: not squeue(), "an empty queue")


@pytest.mark.skipif(os.getuid() != 0, reason="only root submits for another user")
def test_a_colleagues_job_in_the_same_workspace_is_in_the_way(toy: Toy) -> None:
    theirs = ["sbatch", "--hold", "--uid=65534", "--gid=65534", "--wrap=true", "-o", "/dev/null"]
    (toy.root / "elsewhere").mkdir()
    toy.run(*theirs, "--job-name=side@2", f"--chdir={toy.root / 'elsewhere'}")
    toy.submit("first", "--wait")  # negative control: that one is not of this workspace
    toy.tell("first", "sleep 0.2")
    job = toy.run(*theirs, "--parsable", "--job-name=side@2", f"--chdir={toy.root}").stdout.strip()
    try:
        told = toy.submit("last", code=1)
        assert f"side@2 (job {job} of user 65534, pending)" in told
    finally:
        subprocess.run(["scancel", "--user=65534"], check=True)


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
