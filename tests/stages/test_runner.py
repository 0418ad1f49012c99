"""What every stage relies on: arguments, errors, metrics, series, scratch, surroundings."""

import errno
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from synthfr.disk import read_yaml
from synthfr.errors import UserError
from synthfr.pipeline import command, layout, runner, tracking
from synthfr.pipeline.parameters import load_params, parse

ROOT = Path(__file__).parents[2]


class Recorded:
    """A tracker that remembers."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    @contextmanager
    def run(
        self, name: str, tags: dict[str, str], params: dict[str, Any], state: Any
    ) -> Iterator["Recorded"]:
        self.calls.append(("run", name, tags, params))
        yield self

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("log_"):
            raise AttributeError(name)
        return lambda *arguments: self.calls.append((name, *arguments))


@pytest.fixture
def tracked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    recorded = Recorded()
    monkeypatch.setattr(tracking, "open_tracker", lambda params, folder: recorded)
    for variable in ("HF_HUB_OFFLINE", "OMP_NUM_THREADS"):
        monkeypatch.setenv(variable, os.environ[variable])  # put back afterwards
    return recorded


def invoke(app: runner.StageApp, *arguments: str) -> Any:
    return CliRunner().invoke(app.typer, list(arguments))


def test_metrics_series_and_tracking(tracked: Recorded) -> None:
    app = runner.stage_app("dpo")

    @app.command()
    def main(step: str) -> None:
        with runner.stage_run("dpo", item=step) as run:
            assert run.seed == run.params.random_seed
            run.log({"loss": {"first": 0.5, "undefined": None}, "n": 3})
            run.log({"loss": {"last": 0.25}})
            run.series([{"step": 1, "loss": 0.1 + 0.2}, {"step": 2, "eval": 1.0}])
            run.input(Path("in.parquet"), "pairs")
            run.adapter(Path("models/dpo2"))

    result = invoke(app, "dpo2")
    assert result.exit_code == 0, result.output
    assert json.loads(Path("metrics/dpo/dpo2.json").read_text()) == {
        "loss": {"first": 0.5, "last": 0.25, "undefined": None},
        "n": 3,
    }
    assert Path("plots/dpo/history/dpo2.csv").read_text() == "step,loss,eval\n1,0.3,\n2,,1.0\n"
    timing = json.loads(Path("mlruns/timings/dpo/dpo2.json").read_text())
    assert timing["seconds"] >= 0
    assert timing["peak_memory_mib"] > 10
    (_, name, tags, params), *calls = tracked.calls
    assert (name, tags["stage"], tags["step"]) == ("dpo@dpo2", "dpo", "dpo2")
    assert params["round.parent"] == "dpo1"
    assert params["dpo.lora.r"] == load_params().dpo.lora.r
    whole = {"loss": {"first": 0.5, "last": 0.25, "undefined": None}, "n": 3}
    assert ("log_headlines", "dpo", whole) in calls
    assert ("log_file", Path("metrics/dpo/dpo2.json"), "metrics") in calls
    assert ("log_input", Path("in.parquet"), "pairs") in calls
    assert ("log_artifacts", Path("models/dpo2"), "adapter") in calls


@pytest.mark.parametrize(("mib", "sees"), [(600, True), (1, False)])
def test_memory_of_a_process_that_the_stage_started_counts(mib: int, sees: bool) -> None:
    child = f"len(b'x' * ({mib} << 20))"
    code = (
        "import subprocess, sys\nfrom synthfr.pipeline import runner\n"
        f"subprocess.run([sys.executable, '-c', {child!r}], check=True)\n"
        "print(runner._peak_memory_mib())"
    )
    # of a shell, which has little memory: a process takes over the most that its maker held
    command = ["sh", "-c", '"$0" -c "$1"; exit $?', sys.executable, code]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (float(told.stdout) > 600) is sees


def test_a_user_error_is_one_line_and_leaves_no_metrics(tracked: Recorded) -> None:
    app = runner.stage_app("seed")

    @app.command()
    def main() -> None:
        with runner.stage_run("seed") as run:
            run.log({"n": 1})
            raise UserError("in.csv: column 'text'\nis missing: add it.")

    result = invoke(app)
    assert result.exit_code == 1
    assert result.stderr == "seed: in.csv: column 'text' is missing: add it.\n"
    assert not Path("metrics").exists()


def failing(stage: str, error: BaseException) -> runner.StageApp:
    app = runner.stage_app(stage)

    @app.command()
    def main() -> None:
        raise error

    return app


def test_other_errors_of_a_public_stage_are_not_swallowed(tracked: Recorded) -> None:
    result = invoke(failing("base", ValueError("Could not convert 'x'")))
    assert isinstance(result.exception, ValueError)
    assert "'x'" in str(result.exception)
    assert not layout.FAILURES.exists()


class Panic(BaseException):
    """As errors in Rust are: no Exception."""


@pytest.mark.parametrize("kind", [ValueError, KeyError, RecursionError, Panic])
@pytest.mark.parametrize("stage", command.PRIVATE_STAGES)
def test_an_error_of_a_private_stage_is_told_without_its_message(
    tracked: Recorded, stage: str, kind: type[BaseException]
) -> None:
    result = invoke(failing(stage, kind("Could not convert 'Madame Canari'")))
    assert result.exit_code == 1
    assert "Canari" not in result.output
    assert f"{stage}: stopped by an error that is not foreseen" in result.stderr
    assert f"\n{kind.__name__}\n" in result.stderr
    assert "tests/stages/test_runner.py:" in result.stderr
    kept = layout.FAILURES / f"{stage}.txt"
    assert str(kept) in result.stderr
    assert "Canari" in kept.read_text()  # on the private side, for who may read it
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize("stage", ["seed", "base"])
def test_a_full_disk_is_one_sentence_wherever_it_is_met(tracked: Recorded, stage: str) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "out/table.txt")
    result = invoke(failing(stage, full))
    assert result.exit_code == 1
    [line] = result.stderr.splitlines()
    assert line.startswith(f"{stage}: No space left on the disk") and "(out has " in line
    nameless = RuntimeError("basic_ios::clear: iostream error")
    [line] = invoke(failing(stage, nameless)).stderr.splitlines()
    assert "while writing its files (this folder has " in line and "iostream" not in line
    assert not layout.FAILURES.exists()


def test_a_private_failure_that_cannot_be_kept_is_told_all_the_same(tracked: Recorded) -> None:
    layout.PRIVATE.parent.mkdir()
    layout.PRIVATE.touch()
    result = invoke(failing("seed", ValueError("Madame Canari")))
    assert result.exit_code == 1
    assert "could not be kept" in result.stderr
    assert "Canari" not in result.output


def test_a_private_stage_can_be_interrupted(tracked: Recorded) -> None:
    assert invoke(failing("seed", KeyboardInterrupt())).exit_code == 130
    assert invoke(failing("seed", SystemExit(7))).exit_code == 7


@pytest.mark.parametrize(
    ("stage", "item", "known"),
    [("dpo", "step0", "dpo1, dpo2"), ("classify", "dpo9", "step0, dpo1")],
)
def test_unknown_items_are_told(tracked: Recorded, stage: str, item: str, known: str) -> None:
    with (
        pytest.raises(UserError, match=f"no '{item}' to run {stage} for: .* {known}"),
        runner.stage_run(stage, item),
    ):
        pass


def test_another_parameter_file(tracked: Recorded, tmp_path: Path) -> None:
    app = runner.stage_app("base")
    seen = []

    @app.command()
    def main() -> None:
        with runner.stage_run("base") as run:
            seen.append(run.seed)

    text = Path("params.yaml").read_text().replace("random_seed: 0", "random_seed: 5")
    Path("other.yaml").write_text(text)
    assert invoke(app, "--params", "other.yaml").exit_code == 0
    assert invoke(app).exit_code == 0
    assert seen == [5, 0]
    result = invoke(app, "--params", "none.yaml")
    assert result.exit_code == 1
    assert result.stderr.startswith("base: none.yaml is missing")


def test_text_is_no_metric(tracked: Recorded) -> None:
    with pytest.raises(TypeError, match="metric a/b is a str"), runner.stage_run("base") as run:
        run.log({"a": {"b": "Madame Canari"}})


def test_scratch_is_kept_for_the_same_work_and_cleared_at_success(tracked: Recorded) -> None:
    with pytest.raises(KeyError), runner.stage_run("dpo", "dpo1") as run:
        first = run.scratch("input digest")
        assert run.scratch("input digest") == first
        assert run.scratch("another digest") != first
        (first / "chunk").write_text("done")
        raise KeyError  # killed
    assert (first / "chunk").is_file()
    Path("params.yaml").write_text(
        Path("params.yaml").read_text().replace("beta: 0.1 ", "beta: 0.2 ")
    )
    with runner.stage_run("dpo", "dpo1") as run:
        assert run.scratch("input digest") != first  # other parameters, other work
    assert not layout.scratch("dpo", "dpo1").exists()


def test_surroundings(tracked: Recorded) -> None:
    with runner.stage_run("base") as run:
        threads = min(run.params.runtime.threads, len(os.sched_getaffinity(0)))
        assert os.environ["OMP_NUM_THREADS"] == str(threads)
        assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
        assert os.environ["HF_HUB_OFFLINE"] == "1"


@pytest.mark.parametrize("allowed", [True, False])
def test_the_network_is_used_only_when_asked_for(
    tracked: Recorded, monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    data = read_yaml("params.yaml")
    data["base"] |= {"source": "hub", "repo_id": "a/b", "revision": "c", "allow_download": allowed}
    runner.prepare_process(parse(data, "here"))
    assert ("HF_HUB_OFFLINE" in os.environ) is not allowed


def test_an_empty_log_still_makes_a_metrics_file(tracked: Recorded) -> None:
    """DVC expects the file: scores of the corpus without noise have no figure of their own."""
    with runner.stage_run("release", "dpo1") as run:
        run.log({})
    assert json.loads(Path("metrics/release/dpo1.json").read_text()) == {}
    with runner.stage_run("headline"):
        pass
    assert not Path("metrics/headline.json").exists()


def test_series_without_rows_are_an_empty_table(tracked: Recorded) -> None:
    with runner.stage_run("sft") as run:
        run.series([])
        run.series([{"a": "x,y"}], name="other")
    assert Path("plots/sft/other.csv").read_text() == 'a\n"x,y"\n'
    assert Path("plots/sft/history.csv").read_text().strip() == ""


def test_the_parameters_are_read_before_anything_heavy_is_imported() -> None:
    """--help answers without numpy, torch or MLflow."""
    script = textwrap.dedent(
        """
        import sys
        import synthfr.pipeline.runner, synthfr.pipeline.layout
        heavy = {"numpy", "pandas", "pyarrow", "torch", "mlflow", "pydantic"} & set(sys.modules)
        sys.exit(", ".join(sorted(heavy)))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == ""


def test_libraries_that_are_loaded_before_use_as_many_threads_too() -> None:
    """numpy and scipy come with the parameters, and read the variables when they are loaded."""
    code = (
        "import os, sys; from synthfr.pipeline import runner; "
        "from synthfr.pipeline.parameters import load_params; import scipy.linalg, threadpoolctl; "
        "before = threadpoolctl.threadpool_info(); runner.prepare_process(load_params()); "
        "after = threadpoolctl.threadpool_info(); "
        "print(len(before), *{one['num_threads'] for one in after})"
    )
    env = {key: value for key, value in os.environ.items() if "NUM_THREADS" not in key}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded, *threads = done.stdout.split()
    assert int(loaded) >= 1 and threads == ["1"]
