"""Real stages that are cut off on a real SLURM, each in its own way: the end is the same bytes."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from synthfr.disk import digest_tree, read_yaml
from tests.cluster.conftest import squeue, start_again, until, until_saved
from tests.pipeline.workspace import Workspace

pytestmark = [pytest.mark.cluster, pytest.mark.pipeline, pytest.mark.slow]

STEP, DATA = "models/dpo1", "data/synthetic/step0"


@pytest.fixture(scope="module")
def plain(source: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Run by `dvc repro`, up to a long DPO and a data set of nine chunks."""
    workspace = source.clone(tmp_path_factory.mktemp("plain") / "checkout")
    workspace.change_params(
        {
            "rounds.dpo1.epochs": 40,
            "dpo.checkpoint_every_steps": 5,
            "synthesize.reports": 288,
            "synthesize.chunk_size": 32,
            "synthesize.batch_size": 32,
        }
    )
    workspace.commit("long")
    workspace.dvc("repro", "dpo@dpo1", "synthesize@step0")
    return workspace


def without(workspace: Workspace, stage: str, target: Path) -> Workspace:
    """A copy that never ran `stage`, nor may find it in DVC's cache of runs."""
    shutil.copytree(workspace.root, target, symlinks=True)
    made = Workspace(target)
    lock = read_yaml(target / "dvc.lock")
    for out in lock["stages"].pop(stage)["outs"]:
        shutil.rmtree(target / out["path"], ignore_errors=True)
    (target / "dvc.lock").write_text(yaml.safe_dump(lock))
    shutil.rmtree(target / ".dvc/cache/runs")
    return made


def submit(workspace: Workspace, *arguments: str, code: int = 0) -> str:
    done = workspace.run("synth-fr", "submit", *arguments, check=False)
    assert done.returncode == code, done.stdout
    return done.stdout


def test_dpo_at_its_time_limit_queues_itself_again_and_goes_on(
    plain: Workspace, slurm: str, tmp_path: Path
) -> None:
    workspace = without(plain, "dpo@dpo1", tmp_path / "checkout")
    # warned when half a minute is left, as seen by a controller that looks every half minute
    submit(workspace, "dpo@dpo1", "--time=1", "--sbatch=--signal=B:USR1@30")
    job = squeue("-o", "%A")
    while squeue("-o", "%T %r"):
        if squeue("-o", "%T %r") == "PENDING BeginTime":
            start_again(job)
        time.sleep(0.5)
    assert "1 completed" in submit(workspace, "--status")
    log = (workspace.root / f"logs/dpo@dpo1-{job}.log").read_text()
    # runs as the job itself counts them: SLURM may start one again before this test does
    warnings = log.count("the time limit is near")
    assert warnings >= 1
    assert log.count("=== dvc --wait-for-lock repro") == warnings + 1
    assert "goes on from step" in log
    assert digest_tree(workspace.root / STEP) == digest_tree(plain.root / STEP)


def test_dpo_killed_at_its_limit_and_then_by_its_node(
    plain: Workspace, slurm: str, tmp_path: Path
) -> None:
    workspace = without(plain, "dpo@dpo1", tmp_path / "checkout")
    # the warning is a signal that means nothing: only what was saved helps
    submit(workspace, "dpo@dpo1", "--sbatch=--signal=B:URG@60")
    job = squeue("-o", "%A")
    until_saved(workspace, "dpo@dpo1", "checkpoint-*")
    subprocess.run(["scontrol", "update", f"jobid={job}", "EndTime=now+1"], check=True)
    told = submit(workspace, "--status", "--wait", code=1)
    assert "TIMEOUT" in told and "its time limit was reached" in told
    assert not (workspace.root / STEP).exists()

    submit(workspace, "dpo@dpo1")
    job = squeue("-o", "%A")
    log = workspace.root / f"logs/dpo@dpo1-{job}.log"
    until(lambda: log.exists() and "goes on from step" in log.read_text(), "the second run at work")
    until_saved(workspace, "dpo@dpo1", "checkpoint-*")
    node = squeue("-o", "%N")
    down = ["scontrol", "update", f"nodename={node}", "state=down", "reason=test"]
    subprocess.run(down, check=True)
    start_again(job)
    assert "1 completed" in submit(workspace, "--status", "--wait")
    assert log.read_text().count("goes on from step") == 2
    assert digest_tree(workspace.root / STEP) == digest_tree(plain.root / STEP)


def test_a_data_set_written_by_an_array_with_one_task_killed(
    plain: Workspace, slurm: str, tmp_path: Path
) -> None:
    workspace = without(plain, "synthesize@step0", tmp_path / "checkout")
    with (workspace.root / "slurm/resources.yaml").open("a") as resources:
        resources.write("  synthesize@step0: {array: 8, cpus: 1, mem: 2G}\n")
    assert "2 submitted" in submit(workspace, "synthesize@step0")
    array = squeue("-n", "synthesize@step0.shards", "-r", "-o", "%F").split()[0]
    until(lambda: f"{array}_3 RUNNING" in squeue("-r", "-o", "%F_%K %T"), "its task 3")
    subprocess.run(["scancel", f"{array}_3"], check=True)
    assert "7 of 8 shards are written" in submit(workspace, "--status", "--wait", code=1)
    scratch = workspace.root / ".scratch/synthesize@step0"
    written = {path: path.stat().st_mtime_ns for path in scratch.rglob("chunk-*.json")}
    assert len(written) == 8  # of nine: task 0 has two

    told = submit(workspace, "synthesize@step0", "--wait")
    assert "2 completed" in told
    logs = sorted((workspace.root / "logs").glob("synthesize@step0.shards-*.log"))
    again = [log.read_text() for log in logs if f"-{array}_" not in log.name]
    assert sorted("already written" in log for log in again) == [False] + [True] * 7
    assert workspace.outs()[DATA] == plain.outs()[DATA]
    assert digest_tree(workspace.root / DATA) == digest_tree(plain.root / DATA)
    metrics = "metrics/synthesize/step0.json"
    assert (workspace.root / metrics).read_bytes() == (plain.root / metrics).read_bytes()
