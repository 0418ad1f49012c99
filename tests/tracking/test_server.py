"""Against a real ``mlflow server``, read back through its REST API as any client would."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synthfr.pipeline.tracking import database, open_tracker
from synthfr.pipeline.tracking.locks import is_locked
from synthfr.pipeline.tracking.state import State
from synthfr.pipeline.tracking.store import shown_runs
from synthfr.pipeline.tracking.summary_figures import Figures, flat_numbers, of_step
from synthfr.pipeline.tracking.sync import synchronise
from tests.tracking.conftest import OTHER_STATE, STATE

SETTINGS = SimpleNamespace(experiment="synth-fr", profile="embedded", timeout_s=90.0)
pytestmark = [pytest.mark.slow, pytest.mark.long]


class Server:
    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.uri = folder, f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--port",
            str(self.port),
            "--workers=1",
        ]
        where = [f"--backend-store-uri=sqlite:///{self.folder}/mlflow.db"]
        where += [f"--artifacts-destination={self.folder}/artifacts"]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *where],
                env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.uri}/health", timeout=2).close()
                return
            except OSError:
                time.sleep(0.2)
        raise TimeoutError((self.folder / "server.log").read_text())

    def stop(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, 15)
            self.process.wait(30)
            self.process = None

    def runs(self) -> dict[str, Any]:
        """Active runs by name, over REST."""
        return {run["info"]["run_name"]: run for run in self.search()}

    def search(self, condition: str = "") -> list[Any]:
        experiment = self._get("experiments/get-by-name?experiment_name=synth-fr")["experiment"]
        asked = {"experiment_ids": [experiment["experiment_id"]], "filter": condition}
        return list(self._post("runs/search", asked).get("runs", []))

    def series(self, run_id: str, metric: str) -> dict[int, float]:
        found = self._get(f"metrics/get-history?run_id={run_id}&metric_key={metric}")
        return {int(point["step"]): point["value"] for point in found["metrics"]}

    def artifacts(self, run: Any) -> list[str]:
        listing = self._get(f"artifacts/list?run_id={run['info']['run_id']}&path=adapter")
        return [file["path"] for file in listing["files"]]

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.uri}/api/2.0/mlflow/{path}", timeout=20) as answer:
            return json.load(answer)

    def _post(self, path: str, body: Any) -> Any:
        request = urllib.request.Request(
            f"{self.uri}/api/2.0/mlflow/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    monkeypatch.chdir(tmp_path)
    yield server
    server.stop()


def classify(step: str, macro_f1: float, state: State = STATE, round_: int = 0) -> None:
    adapter = Path("models") / step
    adapter.mkdir(parents=True, exist_ok=True)
    (adapter / "adapter_config.json").write_text("{}")
    tags = {"stage": "classify", "step": step, "params_digest": "abc"}
    metrics = {"size=250": {"top_k=10": {"macro_f1": {"mean": macro_f1}}}}
    values = of_step("classify", flat_numbers(metrics))
    tracker = open_tracker(SETTINGS, Path("mlruns"))
    with tracker.run(f"classify@{step}", tags, {"a": 1}, state) as run:
        run.log_headlines("classify", metrics)
        run.log_artifacts(adapter, "adapter")
        run.log_summaries(lambda: [Figures(step, values, ("classify",), round_)])


def test_stages_go_on_while_it_is_down_and_sync_makes_up_for_it(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    started = time.monotonic()
    classify("step0", 0.5)
    assert time.monotonic() - started < 10
    assert len(capsys.readouterr().err.splitlines()) == 1

    server.start()
    classify("dpo1", 0.6)  # the recorder that this starts also sends what waited
    assert capsys.readouterr().err == ""
    runs = server.runs()
    family = "embedded 01234567"
    assert sorted(runs) == ["classify@dpo1", "classify@step0", "dpo1", family, "step0"]
    assert server.artifacts(runs["classify@dpo1"]) == ["adapter/adapter_config.json"]
    figures = {
        step: {metric["key"]: metric["value"] for metric in runs[step]["data"]["metrics"]}
        for step in ("step0", "dpo1")
    }
    assert figures["step0"] == {"f1_macro/size_250/top_10": 0.5, "f1_macro": 0.5}
    assert figures["dpo1"] == {"f1_macro/size_250/top_10": 0.6, "f1_macro": 0.6}

    server.stop()  # while a recorder is lingering
    classify("dpo2", 0.7)
    assert "does not answer" in capsys.readouterr().err
    tracker = open_tracker(SETTINGS, Path("mlruns"))
    deadline = time.monotonic() + 60
    while is_locked(tracker.store.recorder_lock) and time.monotonic() < deadline:
        time.sleep(0.1)  # it finds the server gone, and goes
    server.start()
    assert synchronise(tracker, tracker.family(STATE), [], []).sent == 1
    assert "classify@dpo2" in server.runs()
    assert not list(tracker.store.spool.glob("*.jsonl"))


def test_summaries_of_a_server_follow_the_metrics(server: Server) -> None:
    server.start()
    classify("dpo1", 0.9075)  # variant B
    tracker = open_tracker(SETTINGS, Path("mlruns"))
    # the server's own file, read without MLflow, tells what the server tells
    told = {one.run_id: one for one in shown_runs(tracker.store)}
    assert len(told) == 3
    assert {
        one.run_id: one for one in database.runs(server.folder / "mlflow.db", "synth-fr")
    } == told

    name = "f1_macro/size_250/top_10"
    figures = Figures("dpo1", {name: 0.894, "f1_macro": 0.894}, round=0)
    family = tracker.family(STATE)
    before = server.runs()
    assert _figure(before["dpo1"], name) == 0.9075  # control: what is shown without it
    changed = synchronise(tracker, family, [], [figures]).summaries
    assert changed == ["dpo1", "the series over the rounds"]
    after = server.runs()
    assert _figure(after["dpo1"], name) == 0.894
    assert after["classify@dpo1"] == before["classify@dpo1"]  # B's own run stays
    assert synchronise(tracker, family, [], [figures]).summaries == []
    assert server.runs() == after


def test_two_states_are_two_families_of_the_same_shape(server: Server) -> None:
    """`dpo1` is run again with another learning rate; `step0` is as it was, and DVC leaves it."""
    server.start()
    classify("step0", 0.5)
    classify("dpo1", 0.6, round_=1)
    before = server.search()
    classify("dpo1", 0.7, OTHER_STATE, round_=1)
    tracker = open_tracker(SETTINGS, Path("mlruns"))
    unchanged = Figures("step0", {"f1_macro": 0.5, "f1_macro/size_250/top_10": 0.5}, round=0)
    synchronise(tracker, tracker.family(OTHER_STATE), [], [unchanged])

    parents = {run["tags"]["state"]: run for run in map(_plain, server.search())}
    first, second = (
        next(iter(server.search(f"tags.kind = 'pipeline' and tags.state = '{state.key}'")))
        for state in (STATE, OTHER_STATE)
    )
    lines = [server.series(run["info"]["run_id"], "f1_macro") for run in (first, second)]
    assert lines == [{0: 0.5, 1: 0.6}, {0: 0.5, 1: 0.7}]
    for parent, state in ((first, STATE), (second, OTHER_STATE)):
        children = server.search(f"tags.`mlflow.parentRunId` = '{parent['info']['run_id']}'")
        assert {_plain(run)["tags"]["state"] for run in children} == {state.key}
        summaries = [run for run in map(_plain, children) if run["tags"]["kind"] == "summary"]
        assert sorted(run["name"] for run in summaries) == ["dpo1", "step0"]
    assert parents.keys() == {STATE.key, OTHER_STATE.key}
    params = [
        {one["key"]: one["value"] for one in run["data"]["params"]} for run in (first, second)
    ]
    assert params[0] == {"dpo.beta": "0.1", "rounds.dpo1.beta": "null", "rounds.dpo1.epochs": "2"}
    assert params[1] == {**params[0], "dpo.beta": "0.2"}
    after = {run["info"]["run_id"]: run for run in server.search()}
    for run in before:  # nothing of the first family has changed
        assert after[run["info"]["run_id"]] == run


def _plain(run: Any) -> dict[str, Any]:
    tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
    return {"name": run["info"]["run_name"], "tags": tags}


def _figure(run: Any, name: str) -> float:
    [value] = [one["value"] for one in run["data"]["metrics"] if one["key"] == name]
    return float(value)
