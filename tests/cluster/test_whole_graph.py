"""The real pipeline, on the smoke profile with one round, on a real SLURM and without."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cluster.conftest import squeue, start_again, until, until_saved
from tests.pipeline.workspace import Workspace

pytestmark = [pytest.mark.cluster, pytest.mark.pipeline, pytest.mark.slow]

STAGES = 34


@pytest.fixture(scope="module")
def plain(source: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Run by `dvc repro` alone: what the others must equal."""
    workspace = source.clone(tmp_path_factory.mktemp("plain") / "checkout")
    workspace.dvc("repro")
    return workspace


def test_a_chain_gives_what_plain_dvc_repro_gives(
    source: Workspace, plain: Workspace, slurm: str, tmp_path: Path
) -> None:
    workspace = source.clone(tmp_path / "checkout")
    told = workspace.run("synth-fr", "submit", "page", "--wait").stdout
    assert f"{STAGES} completed" in told
    assert "macro-F1 on private holdout reports" in told
    assert workspace.outs() == plain.outs()
    again = workspace.run("synth-fr", "submit", "page").stdout
    assert again == "page is up to date: nothing to submit.\n"
    # MLflow, which the jobs left alone, was told by who asked for the state at the end
    assert f"MLflow: {STAGES} waiting runs were sent to sqlite:" in told
    assert "0 waiting ones were sent, 0 were rebuilt" in workspace.run("synth-fr", "sync").stdout


def test_one_allocation_stopped_twice_gives_the_same(
    source: Workspace, plain: Workspace, slurm: str, tmp_path: Path
) -> None:
    """Once by its node, while it generates, and once near its time limit, in DPO."""
    workspace = source.clone(tmp_path / "checkout")
    job = workspace.run("sbatch", "--parsable", "slurm/stage.sbatch", "page").stdout.strip()
    until_saved(workspace, "generate@dpo1", "chunk-*.json")
    node = squeue("-o", "%N")
    down = ["scontrol", "update", f"nodename={node}", "state=down", "reason=test"]
    subprocess.run(down, check=True)
    start_again(job)
    until_saved(workspace, "dpo@dpo1", "checkpoint-*")
    subprocess.run(["scancel", "--batch", "--signal=USR1", job], check=True)
    start_again(job)
    until(lambda: not squeue(), "the job's end", timeout_s=300)
    log = (workspace.root / f"logs/synth-fr-{job}.log").read_text()
    assert log.count("=== dvc --wait-for-lock repro page") == 3
    assert "macro-F1" in workspace.run("synth-fr", "results").stdout
    assert workspace.outs() == plain.outs()
