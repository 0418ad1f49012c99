"""One `dvc repro` of everything, then: the wall, remotes, no-op, the same bytes after kills."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.pipeline import leaks
from tests.pipeline.conftest import ID_CANARY, PRIVATE_SOURCE, SHARED_CANARY, TEXT_CANARIES
from tests.pipeline.workspace import BIN, Workspace

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

CANARIES = (*TEXT_CANARIES, SHARED_CANARY, ID_CANARY)
PRIVATE_OUTS = (
    "data/private/train.parquet",
    "data/private/holdout.parquet",
    "data/private/canaries.parquet",
    "data/private/keyed.parquet",
    "data/private/rounds/dpo1/scores.parquet",
)

WRITERS = ("synthesize@step0", "synthesize@dpo1")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(workspace: Workspace, *command: str, url: str) -> Iterator[None]:
    """A server of the workspace, up while the block runs."""
    process = workspace.start(*command)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(url, timeout=2).close()
                break
            except OSError:
                assert process.poll() is None, (workspace.root / "run.log").read_text()[-2000:]
                time.sleep(0.3)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_the_canaries_are_in_the_private_tables_and_nowhere_else(finished: Workspace) -> None:
    train = pq.read_table(finished.root / PRIVATE_OUTS[0]).to_pandas()
    assert train["text"].str.contains(SHARED_CANARY).all()
    assert leaks.find(finished.root, CANARIES) == []


@pytest.mark.parametrize("kind", ["--dataset", "--merged"])
def test_nor_are_they_in_what_is_published(finished: Workspace, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "published"
    finished.run("synth-fr", "publish", "--step", "dpo1", kind, "--out", str(out))
    assert "No privacy audit" not in (out / "README.md").read_text("utf-8")
    assert leaks.find(tmp_path, CANARIES) == []
    assert leaks.find(tmp_path, ["Not for clinical use"]) != []  # the search does read it


def test_of_what_git_keeps_a_run_changes_the_lock_alone(finished: Workspace) -> None:
    changed = set(finished.git("show", "--name-only", "--format=", "HEAD").split())
    assert changed - {"params.yaml", "run.log"} == {"dvc.lock"}  # the test's own parameters and log
    assert (finished.root / "metrics/classify/dpo1.json").is_file()
    shown = finished.run("synth-fr", "results").stdout
    assert "macro-F1" in shown and "Stale" not in shown and "Shipped demo" not in shown


def test_private_tables_are_closed_also_after_dvc_copied_them(finished: Workspace) -> None:
    for path in PRIVATE_OUTS:
        assert (finished.root / path).stat().st_mode & 0o777 == 0o600
    public = finished.root / "data/public/seed.parquet"
    assert public.stat().st_mode & 0o777 != 0o600  # negative control: what DVC and the umask give


def test_the_search_sees_a_canary_that_is_let_through(finished: Workspace, tmp_path: Path) -> None:
    """The same keywords stage, with a code list that calls the planted word a name of a disease."""
    import pandas as pd

    leaky = finished.clone(tmp_path / "leaky")
    codes = pd.read_parquet(finished.root / "codes_source.parquet")
    codes["synonyms"] = [
        [*names, SHARED_CANARY] if row == 0 else list(names)
        for row, names in enumerate(codes["synonyms"])
    ]
    codes.to_parquet(leaky.root / "codes_source.parquet")
    for name in (PRIVATE_SOURCE, "public_source.parquet"):
        (leaky.root / name).write_bytes((finished.root / name).read_bytes())
    leaky.dvc("repro", "keywords")
    found = leaks.find(leaky.root, [SHARED_CANARY], stays=(*leaks.STAYS, "codes_source.parquet"))
    assert any(hit.startswith("data/public/prompts.parquet") for hit in found)


def test_the_report_opens_offline(finished: Workspace) -> None:
    page = (finished.root / "reports" / "index.html").read_text("utf-8")
    assert "dpo1" in page
    assert not re.search(r"""(src|href)=["']https?://""", page)


def test_repro_again_runs_nothing(finished: Workspace) -> None:
    """How soon it says so is for benchmarks/noop.py."""
    assert "Running stage" not in finished.dvc("repro").stdout


@pytest.mark.long
def test_of_two_repros_at_once_the_second_says_who_is_busy(finished: Workspace) -> None:
    log = finished.root / "run.log"
    before = len(log.read_text())
    first = finished.start("dvc", "repro", "-f", "-s", "generate@dpo1")
    deadline = time.monotonic() + 120
    while "python -m stages.generate dpo1" not in log.read_text()[before:]:
        assert first.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    second = finished.dvc("repro", "-f", "-s", "generate@dpo1", check=False)
    assert second.returncode != 0
    assert "busy" in second.stdout and f"PID {first.pid}" in second.stdout
    assert first.wait() == 0
    assert "Running stage" not in finished.dvc("repro").stdout  # nothing is broken or half-written


@pytest.mark.parametrize("kind", ["local", pytest.param("s3", marks=pytest.mark.long)])
def test_push_and_pull_bring_the_same_bytes_and_no_private_table(
    finished: Workspace, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    remote = tmp_path / "remote" if kind == "local" else tmp_path / "downloaded"
    clone = finished.clone(tmp_path / "clone")
    if kind == "local":
        for side in (finished, clone):
            side.dvc("remote", "add", "--local", "-f", "-d", "there", str(remote))
        _push_and_pull(finished, clone)
    else:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            finished.env[name] = clone.env[name] = value
            monkeypatch.setenv(name, value)
        endpoint = f"http://127.0.0.1:{port}"
        with serving(
            finished,
            str(BIN / "moto_server"),
            "-H",
            "127.0.0.1",
            "-p",
            str(port),
            url=f"{endpoint}/moto-api/",
        ):
            import boto3

            s3 = boto3.client("s3", endpoint_url=endpoint)
            s3.create_bucket(Bucket="reports")
            for side in (finished, clone):
                side.dvc("remote", "add", "--local", "-f", "-d", "there", "s3://reports/dvc")
                side.dvc("remote", "modify", "--local", "there", "endpointurl", endpoint)
            _push_and_pull(finished, clone)
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket="reports"):
                for entry in page["Contents"]:
                    target = remote / entry["Key"]
                    target.parent.mkdir(parents=True, exist_ok=True)
                    s3.download_file("reports", entry["Key"], str(target))
    pushed = {"".join(path.parts[-2:]) for path in remote.rglob("*") if path.is_file()}
    outs = finished.outs()
    assert outs["data/public/prompts.parquet"] in pushed  # what is public is there
    assert not pushed & {outs[path] for path in PRIVATE_OUTS}
    assert leaks.find(remote, CANARIES, stays=()) == []


def _push_and_pull(finished: Workspace, clone: Workspace) -> None:
    finished.dvc("push")
    clone.dvc("pull", "data/synthetic/dpo1")
    for name in ("reports.parquet", "README.md"):
        path = f"data/synthetic/dpo1/{name}"
        assert (clone.root / path).read_bytes() == (finished.root / path).read_bytes()
    assert not any((clone.root / path).exists() for path in PRIVATE_OUTS)


@pytest.mark.long
def test_a_clone_that_pulled_rebuilds_just_classify(finished: Workspace, tmp_path: Path) -> None:
    """The data team's own clone: public outs from the remote, private ones from its own cache."""
    remote = tmp_path / "remote"
    clone = finished.clone(tmp_path / "clone")
    for side in (finished, clone):
        side.dvc("remote", "add", "--local", "-f", "-d", "there", str(remote))
    clone.dvc("cache", "dir", "--local", str(finished.root / ".dvc" / "cache"))
    finished.dvc("push")
    clone.dvc("checkout", "--allow-missing", check=False)
    for name in (PRIVATE_SOURCE, "public_source.parquet", "codes_source.parquet"):
        (clone.root / name).symlink_to(finished.root / name)
    assert "Running stage" not in clone.dvc("repro", "classify@dpo1").stdout
    clone.change_params({"classify.seeds": [5, 6]})
    ran = re.findall(r"Running stage '(.*)'", clone.dvc("repro", "classify@dpo1").stdout)
    assert ran == ["classify@dpo1"]


def test_mlflow_serves_one_comparable_summary_run_per_step(finished: Workspace) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with serving(
        finished,
        "mlflow",
        "server",
        "--backend-store-uri",
        "sqlite:///mlruns/mlflow.db",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers=1",
        url=f"{url}/health",
    ):
        runs = _search_runs(url)
    by_name = {run["info"]["run_name"]: run for run in runs}
    metrics = {
        step: {metric["key"]: metric["value"] for metric in by_name[step]["data"]["metrics"]}
        for step in ("step0", "dpo1")
    }
    assert metrics["step0"].keys() == metrics["dpo1"].keys()
    told = json.loads((finished.root / "metrics/classify/dpo1.json").read_text())
    cell = next(iter(next(iter(told.values())).values()))
    assert any(
        key.startswith("f1_macro/") and abs(value - cell["macro_f1"]["mean"]) < 1e-6
        for key, value in metrics["dpo1"].items()
    )
    assert {"sft", "dpo@dpo1", "generate@dpo1", "classify@dpo1"} <= by_name.keys()


def _search_runs(url: str) -> list[dict]:
    def post(path: str, body: dict) -> dict:
        request = urllib.request.Request(
            f"{url}/api/2.0/mlflow/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    experiments = post("experiments/search", {"max_results": 100})["experiments"]
    ids = [experiment["experiment_id"] for experiment in experiments]
    return post("runs/search", {"experiment_ids": ids, "max_results": 1000})["runs"]


@pytest.mark.long
def test_killed_in_mid_stage_and_run_again_gives_the_same_bytes(
    finished: Workspace, tmp_path: Path
) -> None:
    """A second run of all that is written, killed in generate and in dpo, ends with equal outputs;
    what evaluates them then has equal inputs.
    """
    again = finished.clone(tmp_path / "again")
    (again.root / "dvc.lock").unlink()
    for name in (PRIVATE_SOURCE, "public_source.parquet", "codes_source.parquet"):
        (again.root / name).symlink_to(finished.root / name)
    for stage, sign in {
        "generate@dpo1": "**/chunk-*.json",
        "dpo@dpo1": "**/checkpoint-*/trainer_state.json",
    }.items():
        process = again.start("dvc", "repro", *WRITERS)
        _kill_when(process, again.root / ".scratch" / stage, sign)
    again.dvc("repro", *WRITERS)
    assert not list((again.root / ".scratch").glob("*/*"))
    made, known = again.outs(), finished.outs()
    assert {"data/synthetic/step0", "data/synthetic/dpo1", "models/dpo1"} <= made.keys()
    assert made == {path: known[path] for path in made}


def _kill_when(process, folder: Path, sign: str, timeout_s: float = 600) -> None:
    deadline = time.monotonic() + timeout_s
    while not (folder.is_dir() and any(folder.glob(sign))):
        assert process.poll() is None, "the stage ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_equal_bytes_are_told_from_others(finished: Workspace) -> None:
    outs = finished.outs()
    path = finished.root / "data/public/prompts.parquet"
    assert hashlib.md5(path.read_bytes()).hexdigest() == outs["data/public/prompts.parquet"]
    assert hashlib.md5(path.read_bytes() + b"x").hexdigest() not in outs.values()


RECIPE = "recipes/teacher"


@pytest.mark.long
def test_a_recipe_runs_in_its_own_folder_behind_the_same_wall(finished: Workspace) -> None:
    """The loop's last step is its teacher; DVC sees that the loop is up to date."""
    finished.change_params(
        {
            "seed.source": "files",
            "seed.files.public.path": "../../public_source.parquet",
            "seed.files.private.path": f"../../{PRIVATE_SOURCE}",
            "seed.files.codes.path": "../../codes_source.parquet",
            "keywords.min_documents": 2,
            "sft.epochs": 1,
            "sft.teacher.path": "../../data/synthetic/dpo1/reports.parquet",
            "synthesize.reports": 40,
            "synthesize.max_new_tokens": 192,
            "classify.sizes": [40],
            "classify.top_k": [5],
            "classify.seeds": [0],
        },
        RECIPE,
    )
    planned = finished.run("synth-fr", "submit", "--dry-run", folder=RECIPE).stdout
    jobs = re.findall(r"--job-name=(\S+)", planned)
    assert set(jobs) >= {"teacher:seed", "teacher:sft", "teacher:classify@step0"}
    assert f"--single-item {RECIPE}/dvc.yaml:sft" in planned and "dpo1" not in planned
    assert "--dependency=afterok:<teacher:seed>" in planned

    finished.dvc("repro", "-P")
    outs = finished.outs(RECIPE)
    assert {"models/step0", "data/synthetic/step0", "metrics/classify/step0.json"} <= outs.keys()
    rows = json.loads((finished.root / RECIPE / "metrics/sft.json").read_text())["rows"]
    assert rows["teacher"] > 0
    assert leaks.find(finished.root, CANARIES) == []
    again = finished.run("dvc", "repro", folder=RECIPE).stdout
    assert "Running stage" not in again and "up to date" in again
    assert "macro-F1" in finished.run("synth-fr", "--recipe", "teacher", "results").stdout
    assert "step0 vs bare base" in finished.run("synth-fr", "results", folder=RECIPE).stdout

    told = finished.run("synth-fr", "sync", folder=f"{RECIPE}/data").stdout
    assert str(finished.root / "mlruns/mlflow.db") in told
    assert not (finished.root / RECIPE / "mlruns/mlflow.db").exists()
    unknown = finished.run("synth-fr", "--recipe", "techer", "results", check=False)
    assert unknown.returncode == 1 and "choose one of loop, teacher" in unknown.stdout
