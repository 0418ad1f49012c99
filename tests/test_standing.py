"""What of all that lies here is shown: two states of the shipped graph, the second one failed."""

from __future__ import annotations

import builtins
import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from synthfr.disk import read_yaml, write_json, write_text
from synthfr.pipeline import page
from synthfr.pipeline.cli import app
from synthfr.pipeline.command import PRIVATE_STAGES
from synthfr.pipeline.dvc_graph import resolve
from synthfr.pipeline.parameters import load_params
from synthfr.pipeline.runner import stage_run
from synthfr.pipeline.standing import Standing, told
from synthfr.pipeline.tracking import present_state, steps
from tests import locked
from tests.page import conftest as made_up

ROOT = Path(__file__).parents[1]
STORE = Path("mlruns")
RAW = Path("data/private/raw/stays.csv")
OWN = Path("data/private/raw/other.csv")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A whole run of the shipped graph on private files of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("synthfr.pipeline.tracking.spool.wake_recorder", lambda store: None)
    monkeypatch.setattr("synthfr.pipeline.tracking.spool.Run.settle", lambda run: None)
    (tmp_path / ".dvc").mkdir()
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    edit("source: demo ", "source: files ")
    edit("path: data/private/raw ", f"path: {RAW} ")
    for path in (RAW, OWN):
        write_text(path, f"{path.name}\n")
    made_up.make(tmp_path)
    for name in ("rounds", "synthetic"):
        (tmp_path / name).rename(tmp_path / "data" / name)
    locked.run()
    return tmp_path


def edit(old: str, new: str) -> None:
    path = Path("params.yaml")
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new), encoding="utf-8")


def standing(**options: Any) -> Standing:
    return Standing(load_params().model_dump(mode="json"), STORE, **options)


def results() -> Result:
    return CliRunner().invoke(app, ["results"])


def summaries() -> dict[str, Any]:
    """Figures of MLflow's summaries by step."""
    return {one.step: one.values for one in steps.of_standing(load_params(), standing())}


def written_page() -> str:
    now = standing()
    folders = ("metrics", "plots", "data/rounds", "data/synthetic", "data/evidence")
    folders += ("docs/seeds.json",)
    page.write(
        page.Sources(*map(Path, folders), now.is_shown),
        Path("reports"),
        steps=made_up.STEPS,
        rounds=made_up.ROUNDS,
        source="files",
        samples_per_step=1,
        random_seed=0,
        left_out=told(now.left_out()),
    )
    return Path("reports/index.html").read_text(encoding="utf-8")


def test_of_one_state_everything_is_shown(checkout: Path) -> None:
    """The control of the tests below."""
    shown = results()
    assert shown.exit_code == 0 and ".700 ± .020" in shown.output and "Stale" not in shown.output
    assert list(summaries()) == [*made_up.STEPS, "public_seed", "private_train"]
    text = written_page()
    assert ".700 <small>" in text and "dpo3 écrit" in text and "Stale" not in text


def test_after_a_run_on_other_files_that_failed_nothing_of_the_first_is_shown(
    checkout: Path,
) -> None:
    """A user saw the demo's .978 as his own."""
    edit(f"path: {RAW} ", f"path: {OWN} ")
    write_text(Path("data/public/seed.parquet"), "of other files")
    locked.run("seed")  # and the next stage fails
    shown = results()
    assert shown.exit_code == 1 and ".700" not in shown.output
    assert "No evaluation of the present state is here" in shown.stderr
    assert (
        "Stale (made before seed was run anew), left out: reference; classify base" in shown.stderr
    )
    assert summaries() == {}
    text = written_page()
    assert not any(f"{value:.3f}"[1:] in text for value in made_up.MACRO_F1.values())
    assert "écrit" not in text and "<svg" not in text
    assert "Not yet run: seed; keywords" not in text and "Stale (made before seed was run" in text


def test_before_it_has_run_the_parameter_is_named(checkout: Path) -> None:
    edit(f"path: {RAW} ", f"path: {OWN} ")
    assert "(made before seed.files.private.path changed)" in results().stderr


def test_in_mid_run_only_what_is_of_this_state_is_shown(checkout: Path) -> None:
    """Another learning rate of round 2; its model is there, its data set is written, no more."""
    path = Path("params.yaml")
    text = path.read_text(encoding="utf-8")
    before, after = text.split("  dpo2: {", 1)
    assert "learning_rate: 0.0004" in after.splitlines()[0]
    path.write_text(f"{before}  dpo2: {{{after.replace('0.0004', '0.0009', 1)}", encoding="utf-8")
    write_text(Path("models/dpo2/adapter_config.json"), "another")
    write_text(Path("data/synthetic/dpo2/README.md"), "another")
    locked.run("dpo@dpo2", "synthesize@dpo2")
    Path("metrics/classify/dpo2.json").unlink()  # under way
    shown = results()
    assert shown.exit_code == 0
    row = next(line for line in shown.output.splitlines() if ".560 ± .020" in line)
    assert ".600 ± .020" in row and ".650" not in row and ".700" not in row
    assert "Not yet run: classify dpo2." in shown.output
    assert (
        "left out: judge_coder dpo2; fidelity dpo2." in shown.output
        and "Gain of" not in shown.output
    )
    assert list(summaries()) == ["base", "step0", "dpo1", "public_seed", "private_train"]
    page_text = written_page()
    assert "dpo2 écrit" in page_text and "dpo3 écrit" not in page_text  # its data set is written
    assert ".650 <small>" not in page_text and ".600 <small>" in page_text


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda: edit("top_k: [10, 20, 30]", "top_k: [10, 20]"), "classify.top_k"),
        (lambda: write_text(RAW, "other\n"), str(RAW)),
        (lambda: edit_graph("-m stages.reference", "-m stages.reference -v"), "its command"),
        (lambda: edit_graph("- classify.seeds", "- classify.no"), "its parameters in dvc.yaml"),
        (lambda: edit_graph("private/holdout", "private/no"), "its dependencies in dvc.yaml"),
        (lambda: locked.run("keywords"), None),  # the same again
    ],
)
def test_what_changed_is_named(checkout: Path, change: Callable[[], None], why: str | None) -> None:
    change()
    fault = standing(opens_private=True).fault("reference")
    assert fault == (None if why is None else f"made before {why} changed")


def edit_graph(old: str, new: str) -> None:
    """In the stage `reference`."""
    path = Path("dvc.yaml")
    head, tail = path.read_text(encoding="utf-8").split("  reference:\n")
    assert old in tail
    path.write_text(f"{head}  reference:\n{tail.replace(old, new, 1)}", encoding="utf-8")


def test_a_file_that_was_changed_by_hand_or_never_recorded_is_not_shown(checkout: Path) -> None:
    path = Path("metrics/classify/dpo1.json")
    assert standing().is_shown(path)
    write_json(path, made_up.grid(0.9))
    assert standing().fault_of(path) == "changed since its stage ended"
    lock = read_yaml("dvc.lock")
    del lock["stages"]["classify@dpo1"]
    write_json("dvc.lock", lock)
    assert standing().fault_of(path) == "not recorded in dvc.lock"
    path.unlink()
    assert standing().fault_of(path) == "not yet run"
    assert standing().fault_of(Path("metrics/classify/dpo9.json")) == "made by no stage of dvc.yaml"


def test_a_clone_without_the_figures_is_told_to_fetch_them(checkout: Path) -> None:
    shutil.rmtree("metrics")
    assert "Measured, but not here (`dvc pull` fetches it): reference" in results().stderr


def test_a_page_that_was_left_behind_says_so(checkout: Path) -> None:
    """The page asks a script beside it; whoever finds that nothing changed takes that back."""
    text, script = written_page(), Path("mlruns/timings/since.js")
    assert 'src="../mlruns/timings/since.js"' in text and "window.synthfrSince" in text
    with pytest.raises(ValueError), stage_run("classify", "dpo1"):
        raise ValueError
    assert script.read_text() == 'window.synthfrSince = "classify@dpo1";\n'
    with stage_run("headline"):  # it shows what others measured
        pass
    assert "classify@dpo1" in script.read_text()
    assert results().exit_code == 0
    assert script.read_text() == "window.synthfrSince = null;\n"
    with stage_run("sft"):
        write_text(Path("plots/dpo/history/dpo1.csv"), "step,loss\n1,1.0\n")
    assert results().exit_code == 0 and "sft" in script.read_text()  # the page does not hold now


# --- the wall ---------------------------------------------------------------------------------


@pytest.fixture
def opened(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Paths below data/private/raw that this process looks at in any way."""
    found: list[str] = []

    def watched(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *arguments: Any, **options: Any) -> Any:
            if isinstance(path, str | os.PathLike) and "private/raw" in os.fspath(path):
                found.append(os.fspath(path))
            return real(path, *arguments, **options)

        return call

    for module, name in (
        (builtins, "open"),
        (io, "open"),
        (os, "open"),
        (os, "stat"),
        (os, "scandir"),
    ):
        monkeypatch.setattr(module, name, watched(getattr(module, name)))
    yield found


@pytest.mark.parametrize(("stage", "item"), [("pair", "dpo1"), ("page", None), ("headline", None)])
def test_a_public_stage_never_looks_at_private_data(
    checkout: Path, opened: list[str], stage: str, item: str | None
) -> None:
    assert stage not in PRIVATE_STAGES
    with stage_run(stage, item) as run:
        run.standing().left_out()
    assert opened == []


@pytest.mark.parametrize(("stage", "item"), [("seed", None), ("classify", "dpo1")])
def test_a_private_stage_hashes_them(
    checkout: Path, opened: list[str], stage: str, item: str | None
) -> None:
    """Negative control."""
    with stage_run(stage, item):
        pass
    assert str(RAW) in {os.path.relpath(path) for path in opened}


def test_both_sides_are_in_the_same_family(checkout: Path) -> None:
    values = load_params().model_dump(mode="json")

    def key(*, private: bool) -> str | None:
        found = present_state(values, STORE, private=private)
        return None if found is None else found.key

    before = key(private=True)
    assert before is not None and key(private=False) == before
    write_text(RAW, "another hospital\n")
    assert key(private=False) == before != key(private=True)  # not read by a private stage yet
    locked.run("seed")
    assert key(private=False) == key(private=True) != before
    edit(f"path: {RAW} ", f"path: {OWN} ")
    values = load_params().model_dump(mode="json")
    assert key(private=False) is None  # dvc.lock does not know the file


def test_what_an_account_may_not_open_counts_as_locked(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Any, path: str) -> None:
        raise PermissionError(path)

    monkeypatch.setattr("synthfr.pipeline.hashes.Hashes.of", refused)
    now = standing(opens_private=True)
    assert now._here(str(RAW)) is None


def test_the_graph_tells_private_data_from_code() -> None:
    graph = resolve(read_yaml(ROOT / "dvc.yaml"), read_yaml(ROOT / "params.yaml"))
    assert {"data/private/raw"} <= graph.private_data
    assert not any(path.startswith(("synthfr", "stages")) for path in graph.private_data)
    kinds = {stage.kind for stage in graph.stages.values() if stage.private}
    assert kinds == set(PRIVATE_STAGES)
