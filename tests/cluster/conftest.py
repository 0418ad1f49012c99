"""A real SLURM on this machine, and small pipelines to submit to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.pipeline.conftest import one_round
from tests.pipeline.workspace import BIN, ROOT, Workspace

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged")
PACKAGES = "apt-get install -y --no-install-recommends slurmctld slurmd slurm-client munge"

WORK = '''
"""One stand-in stage: does what in/NAME says, writes out/NAME, keeps its times under times/."""
import pathlib, subprocess, sys, time

name = sys.argv[1]
kind = name.partition("@")[0]
told = pathlib.Path(f"in/{name}").read_text().split()
do, amount = told[0], float(told[1])
pathlib.Path("times").mkdir(exist_ok=True)
times = pathlib.Path(f"times/{name}")
times.write_text(f"{time.time()}")
if do == "fail":
    print(f"{kind}: in/{name}, line 1: 'fail' is no way to go on: write 'sleep'.", file=sys.stderr)
    sys.exit(1)
if do == "spawn":  # a child in a session of its own, which a signal to the group does not reach
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    pathlib.Path("times/child").write_text(str(child.pid))
done = pathlib.Path(f".scratch/{name}")
if do == "count":  # a checkpoint after each second
    done.parent.mkdir(exist_ok=True)
    count = int(done.read_text()) if done.exists() else 0
    print(f"{kind}: goes on at {count}", flush=True)
    while count < amount:
        time.sleep(1)
        count += 1
        done.write_text(str(count))
elif do == "parts":  # eight of them, each `amount` seconds of work, kept like chunks
    given = dict(text.split("=") for text in sys.argv[2:])
    number, of = int(given.get("--shard-index", 0)), int(given.get("--num-shards", 1))
    parts = [pathlib.Path(f".scratch/{name}/part-{part}") for part in range(8)]
    parts[0].parent.mkdir(parents=True, exist_ok=True)
    for part in parts[number::of]:
        print(f"{kind}: {part.name} is {'kept' if part.exists() else 'written'}", flush=True)
        if not part.exists():
            time.sleep(amount)
            part.write_text(part.name)
    if of > 1:
        sys.exit()
else:
    time.sleep(amount)
out = pathlib.Path(f"out/{name}")
out.parent.mkdir(exist_ok=True)
out.write_text(f"{name} {do} {amount}")
times.write_text(f"{times.read_text()} {time.time()}")
'''
SIDES = [1, 2, 3, 4, 5, 6]
GRAPH = {
    "stages": {
        "first": {
            "cmd": "python work.py first",
            "deps": ["work.py", "in/first"],
            "outs": ["out/first"],
        },
        "side": {
            "foreach": SIDES,
            "do": {
                "cmd": "python work.py side@${item}",
                "meta": {"sharded": True},
                "deps": ["work.py", "in/side@${item}", "out/first"],
                "outs": ["out/side@${item}"],
            },
        },
        "last": {
            "cmd": "python work.py last",
            "deps": ["work.py", "in/last", *(f"out/side@{side}" for side in SIDES)],
            "outs": ["out/last"],
        },
    }
}
RESOURCES = {"defaults": {"cpus": 1, "mem": "200M", "time": "10:00"}}


class Toy(Workspace):
    """A checkout whose stages only sleep, fail or count."""

    @classmethod
    def make(cls, target: Path) -> Toy:
        made = cls(target)
        for name in ("in", "slurm", "logs", ".dvc"):
            (target / name).mkdir(parents=True)
        for name in ("stage.sbatch", "env.sh"):
            shutil.copy(ROOT / "slurm" / name, target / "slurm")
        (target / ".dvc/config").write_text(
            "[core]\n    analytics = false\n    autostage = false\n"
        )
        (target / ".gitignore").write_text("/out\n/times\n/logs\n/.scratch\n/run.log\n")
        (target / "work.py").write_text(WORK)
        (target / "dvc.yaml").write_text(yaml.safe_dump(GRAPH))
        (target / "params.yaml").write_text("{}\n")
        (target / "slurm/resources.yaml").write_text(yaml.safe_dump(RESOURCES))
        for name in ("first", "last", *(f"side@{side}" for side in SIDES)):
            made.tell(name, "sleep 0.1")
        made.env["PYTHONPATH"] = str(ROOT)
        made.git("init", "-q")
        made.commit("toy")
        return made

    def tell(self, stage: str, what: str) -> None:
        (self.root / "in" / stage).write_text(what)

    def submit(self, *arguments: str, code: int = 0) -> str:
        done = self.run("synth-fr", "submit", *arguments, check=False, timeout_s=300)
        assert done.returncode == code, done.stdout
        return done.stdout

    def times(self, stage: str) -> tuple[float, float]:
        """When it began and when it ended."""
        began, ended = (self.root / "times" / stage).read_text().split()
        return float(began), float(ended)


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """SLURM_CONF of a cluster of three virtual nodes with four GPUs each."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    if missing := [name for name in PROGRAMS if shutil.which(name, path=path) is None]:
        pytest.skip(f"no SLURM on this machine ({', '.join(missing)} missing): {PACKAGES}")
    with slurm_at_work() as conf:
        yield conf


@contextmanager
def slurm_at_work(**settings: str) -> Iterator[str]:
    """SLURM_CONF of a new cluster, which ends with the block."""
    folder = tempfile.mkdtemp(prefix="slurm-", dir="/tmp")  # sockets want a short path
    Path(folder).chmod(0o755)  # munge's socket must be within everybody's reach
    # pytest-xdist's processes each have clusters
    port = 17000 + os.getpid() % 1500 * 10 + (5 if settings else 0)
    up = subprocess.run(
        [ROOT / "slurm/testing/up", folder],
        env=os.environ | {"PORT": str(port)} | settings,
        capture_output=True,
        text=True,
    )
    try:
        assert up.returncode == 0, up.stderr
        yield f"{folder}/slurm.conf"
    finally:
        subprocess.run([ROOT / "slurm/testing/down", folder], check=False)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def source(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The real pipeline on the smoke profile with one round: never run itself, but cloned.

    Its DPO is long enough to be stopped between two checkpoints. Without SLURM it is not made.
    """
    workspace = Workspace.copy(tmp_path_factory.mktemp("source") / "checkout")
    workspace.run("synth-fr", "profile", "apply", "smoke")
    one_round(workspace)
    workspace.change_params({"rounds.dpo1.epochs": 10, "dpo.checkpoint_every_steps": 5})
    workspace.commit("smoke")
    return workspace


@pytest.fixture
def slurm(cluster: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The cluster, without jobs before and after."""
    monkeypatch.setenv("SLURM_CONF", cluster)
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    yield cluster
    subprocess.run(["scancel", "--me"], check=False)
    until(lambda: not squeue(), "an empty queue")
    subprocess.run(
        ["scontrol", "update", "nodename=ALL", "state=resume"], check=False, capture_output=True
    )  # an error where none is down


@pytest.fixture
def toy(slurm: str, tmp_path: Path) -> Toy:
    return Toy.make(tmp_path / "toy")


def squeue(*arguments: str) -> str:
    command = ["squeue", "-h", "--me", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def until(true: Callable[[], object], what: str, timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout_s:.0f} s")
        time.sleep(0.2)


def start_again(job: str) -> None:
    """A job that SLURM queued again: started in seconds, not after SLURM's two minutes."""
    again = "JobState=PENDING Reason=BeginTime"
    show = ["scontrol", "show", "job", job]
    until(lambda: again in subprocess.run(show, capture_output=True, text=True).stdout, again)
    # too soon, and SLURM takes the first run's end for that of the second: FAILED after 0 s
    step = ["pgrep", "-f", rf"slurmstepd: \[{job}\.batch\]"]
    until(lambda: subprocess.run(step, capture_output=True).returncode == 1, "the first run's end")
    time.sleep(5)
    subprocess.run(["scontrol", "update", f"jobid={job}", "StartTime=now"], check=True)


def until_saved(workspace: Workspace, stage: str, what: str, n: int = 1) -> None:
    """Until a stage under way has saved that much."""
    folder = workspace.root / ".scratch" / stage

    def saved() -> bool:
        if not squeue():
            logs = [log.read_text()[-2000:] for log in workspace.root.glob("logs/*.log")]
            raise AssertionError(f"no job is left, and {stage} saved too little: {logs}")
        return len(list(folder.rglob(what))) >= n

    until(saved, f"something saved by {stage}", timeout_s=300)
