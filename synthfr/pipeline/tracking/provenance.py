"""Tags that tell where a run came from."""

from __future__ import annotations

import os
import subprocess

# what makes a run "dirty"; dvc.lock and the metrics change in every repro
_CODE = ("synthfr", "stages", "params.yaml", "dvc.yaml")


def surroundings() -> dict[str, str]:
    """Tags that tell where a run came from: git commit, DVC stage and experiment, SLURM job; only
    those that are known.
    """
    tags = {"kind": "stage"}
    if commit := git_commit():
        tags |= {"git_commit": commit, "mlflow.source.git.commit": commit.removesuffix("+dirty")}
    for tag, variable in (
        ("dvc_stage", "DVC_STAGE"),
        ("dvc_exp_name", "DVC_EXP_NAME"),  # of `dvc exp run`
        ("slurm_job", "SLURM_JOB_ID"),
        ("slurm_node", "SLURMD_NODENAME"),
    ):
        if value := os.environ.get(variable):
            tags[tag] = value
    return tags


def git_commit() -> str | None:
    """The commit of the working directory, with ``+dirty`` if code or parameters differ from it;
    None outside git.
    """
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True
        ).stdout.strip()
        changed = subprocess.run(
            ["git", "diff", "--quiet", "HEAD", "--", *_CODE], capture_output=True, timeout=5
        ).returncode
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}+dirty" if changed else commit
