"""What MLflow's summaries show after going from one variant of the graph to another and back."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from synthfr.disk import digest
from synthfr.pipeline.cli import app
from synthfr.pipeline.parameters import load_params
from synthfr.pipeline.runner import own_params
from synthfr.pipeline.standing import Standing
from synthfr.pipeline.tracking import Tracker, present_state, steps, summary
from synthfr.pipeline.tracking.state import State
from synthfr.pipeline.tracking.store import connect, shown_runs
from tests import locked

Shown = Callable[..., list[Any]]
ROOT = Path(__file__).parents[2]
NAME = "f1_macro/size_250/top_10"
SUMMARY = "tags.kind = 'summary'"
A, B = 0.894, 0.9075


@pytest.fixture
def checkout(tracker: Tracker, tmp_path: Path) -> Tracker:
    """A checkout whose store is the tracker's."""
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    locked.run()
    return tracker


def measured(macro_f1: float) -> dict[str, Any]:
    return {"size=250": {"top_k=10": {"macro_f1": {"mean": macro_f1, "low": None}}}}


def write(step: str, macro_f1: float, **others: dict[str, float]) -> None:
    """The metrics files of a step and their line in dvc.lock, as a checkout brings them, without
    any stage being run.
    """
    for stage, figures in {"classify": measured(macro_f1), **others}.items():
        path = Path("metrics") / stage / f"{step}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(figures))
    data = Path("data/synthetic") / step / "reports.parquet"
    data.parent.mkdir(parents=True, exist_ok=True)
    data.write_text(step)
    if step in load_params().steps:
        stages = ("synthesize", "classify", "train_coder", "judge_coder")
        stages += ("augment", "errors", "privacy", "fidelity")
        locked.run(*(f"{stage}@{step}" for stage in stages))


def execute(tracker: Tracker, step: str, macro_f1: float) -> None:
    """The stage runs: it writes its metrics and records them."""
    write(step, macro_f1)
    own = digest(own_params(load_params(), "classify", step))
    tags = {"stage": "classify", "step": step, "params_digest": own}
    state = present()
    with tracker.run(f"classify@{step}", tags, {}, state) as run:
        run.log_headlines("classify", measured(macro_f1))
        run.log_file(Path(f"metrics/classify/{step}.json"), "metrics")
        run.log_summaries(lambda: steps.told_by("classify", step, load_params(), state))


def present() -> State:
    values = load_params().model_dump(mode="json")
    found = present_state(values, Path("mlruns"), private=True)
    assert found is not None
    return found


def sync() -> str:
    done = CliRunner().invoke(app, ["sync"])
    assert done.exit_code == 0, done.output
    return done.output


def figures(shown: Shown, step: str) -> list[float]:
    """Of the step's summaries in the present state."""
    condition = f"{SUMMARY} and tags.state = '{present().key}'"
    return [run.data.metrics[NAME] for run in shown(step, condition)]


def test_back_at_a_variant_its_figures_are_shown(checkout: Tracker, shown: Shown) -> None:
    execute(checkout, "step0", A)
    execute(checkout, "step0", B)
    finished = [run.info.run_id for run in shown("classify@step0")]
    [before] = shown("step0")
    write("step0", A)  # git checkout . && dvc checkout, or a stage from DVC's run cache
    assert figures(shown, "step0") == [B]  # control: nobody has told MLflow
    assert "Brought up to date with metrics/: step0, the series" in sync()
    assert figures(shown, "step0") == [A]
    assert shown("step0")[0].info.run_id == before.info.run_id  # links to it live on
    assert [run.info.run_id for run in shown("classify@step0")] == finished  # A's and B's


def test_a_summary_that_is_right_is_left_alone(
    checkout: Tracker, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(checkout, "step0", A)
    [before] = shown("step0")
    monkeypatch.setattr(summary, "connect", None)  # it would have to be called to write
    assert "Brought up" not in sync()
    [after] = shown("step0")
    assert after.to_dictionary() == before.to_dictionary()
    write("step0", B)
    done = CliRunner().invoke(app, ["sync"])  # negative control: now it is called
    assert isinstance(done.exception, TypeError)


@pytest.mark.parametrize("clock_ahead_ms", [0, 3_600_000])
def test_a_record_of_a_clock_ahead_does_not_stay(
    checkout: Tracker, shown: Shown, clock_ahead_ms: int
) -> None:
    """MLflow shows the value with the latest time, not the one that was written last."""
    execute(checkout, "step0", A)
    [run] = shown("step0")
    client, _ = connect(checkout.store)
    client.log_metric(run.info.run_id, NAME, B, run.info.end_time + clock_ahead_ms)
    assert figures(shown, "step0") == [B]
    sync()
    assert figures(shown, "step0") == [A]


def test_one_round_fewer_is_another_family(checkout: Tracker, shown: Shown) -> None:
    """Its steps are all there; those of the first family stay as they were."""
    for step in ("step0", "dpo1", "dpo2", "dpo3"):
        execute(checkout, step, A)
    before = {step: shown(step)[0].to_dictionary() for step in ("step0", "dpo3")}
    params = Path("params.yaml")  # the metrics file of dpo3 stays, as DVC leaves it
    text = params.read_text()
    text = text[: text.index("\n  dpo3:")] + text[text.index("\nsteps:") :]
    params.write_text(text.replace(", dpo3]", "]"))
    assert load_params().steps == ["base", "step0", "dpo1", "dpo2"]
    assert figures(shown, "step0") == []  # control
    told = sync()
    assert told.splitlines()[1].endswith(": step0, dpo1, dpo2, the series over the rounds."), told
    assert [figures(shown, step) for step in ("step0", "dpo2", "dpo3")] == [[A], [A], []]
    assert len(shown("step0", SUMMARY)) == 2
    for step, one in before.items():
        assert one in [run.to_dictionary() for run in shown(step)]
    assert len(shown("classify@dpo3")) == 1


def test_a_summary_tells_how_its_step_was_trained_and_from_which_data(
    checkout: Tracker, shown: Shown
) -> None:
    md5 = "0123456789abcdef0123456789abcdef.dir"
    for step in ("base", "step0", "dpo2"):
        write(step, A)
    lock = json.loads(Path("dvc.lock").read_text())
    stages = lock["stages"]
    stages["synthesize@dpo2"]["outs"][0]["md5"] = md5
    for dep in stages["classify@dpo2"]["deps"]:
        if dep["path"] == "data/synthetic/dpo2":
            dep["md5"] = md5
    Path("dvc.lock").write_text(json.dumps(lock))
    sync()
    [base], [step0], [dpo2] = (shown(step) for step in ("base", "step0", "dpo2"))
    tags = dpo2.data.tags
    told = {"round": "2", "parent": "dpo1", "learning_rate": "0.0004", "beta": "0.1"}
    assert told.items() <= tags.items() and tags["data"] == md5
    assert tags["mlflow.note.content"] and tags["recipe"] == "loop"
    assert dpo2.inputs.dataset_inputs[0].dataset.digest == md5
    assert step0.data.tags["learning_rate"] == "0.0005" and "beta" not in step0.data.tags
    assert not {"round", "learning_rate"} & base.data.tags.keys()
    assert base.data.params == {"step": "base"}  # MLflow plots every param, and base has few


def test_the_parent_has_the_parameters_and_the_series(checkout: Tracker, shown: Shown) -> None:
    for step, value in {"base": 0.1, "step0": A, "dpo1": B}.items():
        write(step, value)
    sync()
    [parent] = shown("embedded " + present().key[:8])
    assert parent.data.tags["kind"] == "pipeline" and parent.info.status == "FINISHED"
    assert parent.data.params["rounds.dpo2.learning_rate"] == "0.0004"
    assert not any(name.startswith("tracking") for name in parent.data.params)
    client, _ = connect(checkout.store)
    points = client.get_metric_history(parent.info.run_id, "f1_macro")
    assert sorted((one.step, one.value) for one in points) == [(0, A), (1, B)]  # without the base
    sync()
    assert len(client.get_metric_history(parent.info.run_id, "f1_macro")) == 2  # not once more


def test_what_was_measured_in_this_state_stays(checkout: Tracker, shown: Shown) -> None:
    write("step0", A, privacy={"copied": 0.25})
    sync()
    whole = {NAME: A, "f1_macro": A, "privacy/copied": 0.25}
    assert shown("step0")[0].data.metrics == whole
    Path("metrics/privacy/step0.json").unlink()
    assert "Brought up" not in sync()
    assert shown("step0")[0].data.metrics == whole


def test_the_profile_is_that_of_the_parameters(checkout: Tracker, shown: Shown) -> None:
    write("step0", A)
    sync()
    assert shown("step0")[0].data.tags["profile"] == "embedded"
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("profile: embedded", "profile: other"))
    sync()
    assert shown("step0")[0].data.tags["profile"] == "other"


def test_two_summaries_of_a_step_become_one(checkout: Tracker, shown: Shown) -> None:
    execute(checkout, "step0", A)
    shown("step0")
    client, experiment_id = connect(checkout.store)
    tags = {"kind": "summary", "state": present().key}
    client.create_run(experiment_id, tags=tags, run_name="step0")
    assert len(shown("step0")) == 2
    sync()
    assert figures(shown, "step0") == [A]


def test_ui_shows_what_the_metrics_hold_now(
    checkout: Tracker, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps stand in the parameters' order, with figures that were never recorded here."""
    started: list[Any] = []
    monkeypatch.setattr("os.execv", lambda path, command: started.append(command))
    execute(checkout, "step0", B)
    shown("step0")
    for step, macro_f1 in {"step0": A, "dpo1": B}.items():
        write(step, macro_f1)
    done = CliRunner().invoke(app, ["ui"])
    assert done.exit_code == 0 and started, done.output
    assert figures(shown, "step0") == [A] and figures(shown, "dpo1") == [B]
    ids = [shown(step)[0].info.run_id for step in ("step0", "dpo1")]
    place = [done.output.index(one) for one in ids]
    assert place == sorted(place)


def test_the_file_read_without_mlflow_tells_what_mlflow_tells(
    checkout: Tracker, shown: Shown
) -> None:
    execute(checkout, "step0", A)
    with checkout.run("sft", {}, {"a": 1}) as run:
        run.log_series([{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.25}])
        run.log_metrics({"big": float("inf"), "none": float("nan")})
    assert shown("sft")
    read = shown_runs(checkout.store)
    client, experiment_id = connect(checkout.store)
    told = list(client.search_runs([experiment_id]))
    assert [one.run_id for one in read] == [one.info.run_id for one in told]
    for one, run_told in zip(read, told, strict=True):
        info = run_told.info
        assert (one.name, one.status, one.experiment_id) == (
            *(info.run_name, info.status),
            info.experiment_id,
        )
        assert one.tags == run_told.data.tags
        assert str(one.metrics) == str(run_told.data.metrics)  # NaN is not equal to itself


@pytest.mark.slow
def test_nothing_to_do_needs_no_mlflow(checkout: Tracker, shown: Shown) -> None:
    """Importing and opening MLflow takes seconds, on every `make repro` with nothing to do."""
    execute(checkout, "step0", A)
    shown("step0")
    code = (
        "import sys; from synthfr.pipeline.cli import tracking_commands as commands; "
        "commands.sync(); "
        "print(*({'mlflow', 'torch', 'pandas'} & set(sys.modules)))"
    )

    def libraries() -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        )
        return done.stdout.splitlines()[-1].split()

    assert libraries() == []
    write("step0", B)
    assert "mlflow" in libraries()  # negative control


def test_the_wanted_figures_are_those_of_the_results_table(checkout: Tracker) -> None:
    write("step0", A)
    write("dpo9", B)  # no step of these parameters
    params = load_params()
    standing = Standing(params.model_dump(mode="json"), Path("mlruns"))
    [one] = steps.of_standing(params, standing)
    assert (one.step, one.values) == ("step0", {NAME: A, "f1_macro": A})


def test_summaries_of_an_earlier_version_are_left_alone(checkout: Tracker, shown: Shown) -> None:
    """They have no state and no parent; the family stands beside them."""
    client, experiment_id = connect(checkout.store)
    old = client.create_run(experiment_id, tags={"kind": "summary"}, run_name="step0")
    client.log_metric(old.info.run_id, NAME, B)
    before = client.get_run(old.info.run_id).to_dictionary()
    write("step0", A)
    sync()
    assert figures(shown, "step0") == [A] and len(shown("step0")) == 2
    assert client.get_run(old.info.run_id).to_dictionary() == before
    assert "Brought up" not in sync()
