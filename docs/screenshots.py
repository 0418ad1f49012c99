"""The README's pictures, taken from a finished run: ``python docs/screenshots.py``.

Needs Chromium and its driver (Debian: ``apt-get install chromium chromium-driver``). Writes
``docs/report.png`` (the top of the report), ``docs/mlflow-compare.png`` (MLflow's comparison of the
steps' summary runs) and ``docs/mlflow-families.png`` (states of the pipeline, a line each: the
store must have two, such as after a ``dvc exp run``). With names (``mlflow-families``), only those.
Talks to the driver in plain W3C WebDriver, so nothing else is needed.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthfr.errors import UserError
from synthfr.pipeline import layout
from synthfr.pipeline.parameters import load_params
from synthfr.pipeline.tracking import family, links
from synthfr.pipeline.tracking.store import Store, shown_runs

PATIENCE_S = 300
# MLflow opens a chat panel over a quarter of the first page that it shows
WITHOUT_ASSISTANT = """
localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
localStorage.setItem("mlflow.assistant.panelOpen_v1", "false");
"""
FOLD = """
[...document.querySelectorAll("*")].filter(e => e.innerText === "{title}").at(-1).click();
"""
SWITCHES = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars "
    "--disable-background-networking --disable-component-update --disable-sync"
)


class Browser:
    """One window, through a WebDriver session."""

    def __init__(self, driver: str, session: str) -> None:
        self._at = f"{driver}/session/{session}"

    def open(self, url: str, width: int, height: int) -> None:
        _ask(f"{self._at}/window/rect", {"width": width, "height": height})
        _ask(f"{self._at}/url", {"url": url})

    def run(self, script: str) -> Any:
        """Value that a script returns."""
        return _ask(f"{self._at}/execute/sync", {"script": script, "args": []})["value"]

    def wait_for(self, *texts: str) -> None:
        """Until the page shows all of `texts`: the pages draw themselves after they have loaded."""
        deadline = time.monotonic() + PATIENCE_S
        while not all(text in self.run("return document.body.innerText") for text in texts):
            if time.monotonic() > deadline:
                raise UserError(f"The page does not show {', '.join(texts)}: open it by hand.")
            time.sleep(0.5)

    def shoot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(_ask(f"{self._at}/screenshot")["value"]))
        print(path)


@contextmanager
def browser() -> Iterator[Browser]:
    """A fresh Chromium, gone afterwards."""
    chromedriver = shutil.which("chromedriver")
    if chromedriver is None:
        raise UserError("chromedriver is not installed: apt-get install chromium chromium-driver.")
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as profile,
        process([chromedriver, f"--port={port}"], f"http://127.0.0.1:{port}/status"),
    ):
        arguments = [*SWITCHES.split(), f"--user-data-dir={profile}"]
        options = {"browserName": "chrome", "goog:chromeOptions": {"args": arguments}}
        asked = {"capabilities": {"alwaysMatch": options}}
        driver = f"http://127.0.0.1:{port}"
        session = _ask(f"{driver}/session", asked)["value"]["sessionId"]
        try:
            yield Browser(driver, session)
        finally:
            _ask(f"{driver}/session/{session}", method="DELETE")


@contextmanager
def process(command: list[str], answers_at: str) -> Iterator[None]:
    """A server that is up while the block runs."""
    mlflow = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    environment = os.environ | mlflow
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, env=environment, start_new_session=True, **quiet)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(answers_at, timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        yield
    finally:
        os.killpg(server.pid, 15)
        server.wait(60)


def report(window: Browser, out: Path) -> None:
    """The top of ``reports/index.html``."""
    page = layout.REPORTS / "index.html"
    if not page.is_file():
        raise UserError(f"{page} is missing: `dvc repro` makes it.")
    window.open(page.resolve().as_uri(), 1280, 1400)
    window.wait_for("did the rounds help?")
    window.shoot(out / "report.png")


@contextmanager
def mlflow_ui(store: Store) -> Iterator[str]:
    """Address of MLflow's pages on the store."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "ui", f"--backend-store-uri={store.uri}"]
    url = f"http://127.0.0.1:{port}"
    with process([*command, f"--port={port}", "--workers=1"], f"{url}/health"):
        yield url


def compared(window: Browser, out: Path) -> None:
    """MLflow's page that sets the steps' summary runs side by side."""
    params, store = load_params(), _store()
    shown = shown_runs(store)
    state = links.newest_state(shown)
    page = None if state is None else links.comparison(shown, state, params.steps)
    if page is None:
        raise UserError("MLflow has no summary runs: `synth-fr sync` makes them.")
    with mlflow_ui(store) as url:
        window.open(url, 1500, 1500)
        window.run(WITHOUT_ASSISTANT)
        window.open(f"{url}/{page}", 1500, 1500)
        window.wait_for("Comparing", "f1_macro")
        window.run(FOLD.format(title="Parameters"))
        time.sleep(3)  # the plot is drawn last
        window.shoot(out / "mlflow-compare.png")


def families(window: Browser, out: Path) -> None:
    """MLflow's charts of the states of the pipeline: figures over the rounds, a line a state."""
    store = _store()
    shown = shown_runs(store)
    states = [run for run in shown if run.tags.get("kind") == family.KIND]
    page = links.lines(shown)
    if page is None or len(states) < 2:
        raise UserError("MLflow has one state of the pipeline: `dvc exp run -S ...` makes another.")
    with mlflow_ui(store) as url:
        window.open(url, 1500, 900)
        window.run(WITHOUT_ASSISTANT)
        window.open(f"{url}/{page}", 1500, 900)
        window.wait_for("f1_macro", *(run.name for run in states))
        time.sleep(3)
        window.shoot(out / "mlflow-families.png")


def _store() -> Store:
    settings = load_params().tracking
    return Store.at(layout.store_folder(), settings.experiment, settings.timeout_s)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _ask(url: str, body: Any = None, method: str | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return json.load(answer)


PICTURES = {"report": report, "mlflow-compare": compared, "mlflow-families": families}

if __name__ == "__main__":
    try:
        with browser() as window:
            for name in sys.argv[1:] or PICTURES:
                PICTURES[name](window, Path("docs"))
    except UserError as error:
        sys.exit(f"screenshots: {error}")
