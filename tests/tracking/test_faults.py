"""A store that cannot be used: the stage ends well, one sentence says what to mend, sync makes up.

Tests may run as root, whom access bits do not stop: so a file stands where a folder is wanted, a
database is damaged, a file system is mounted read-only or full, a file-size limit is set.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from synthfr.pipeline import runner
from synthfr.pipeline.cli import app, diagnosis
from synthfr.pipeline.tracking import database, recorder
from synthfr.pipeline.tracking.faults import trouble
from synthfr.pipeline.tracking.store import Store, shown_runs

ROOT = Path(__file__).parents[2]
DATABASE = Path("mlruns/mlflow.db")
ANEW = "`synth-fr sync` makes a new one"


@pytest.fixture
def checkout(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a sound store, in which no process may be started to record anything."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("SYNTHFR_RECORD", raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "dvc.lock").write_text('{"schema": "2.0", "stages": {}}')
    DATABASE.parent.mkdir()
    shutil.copy(empty_database, DATABASE)
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(variable, os.environ[variable])  # put back afterwards
    return tmp_path


@pytest.fixture
def asleep(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> list[Store]:
    """Stores for which a stage wanted a recorder; none is started."""
    asked: list[Store] = []
    monkeypatch.setattr("synthfr.pipeline.tracking.spool.wake_recorder", asked.append)
    monkeypatch.setattr("synthfr.pipeline.tracking.spool.Run._settle", lambda run: None)
    return asked


def store() -> Store:
    return Store.at(Path("mlruns"), "synth-fr", 10.0)


def stage() -> None:
    with runner.stage_run("base") as run:
        run.log({"n": 3})


def file_for_folder(name: str) -> Callable[[], None]:
    def spoil() -> None:
        path = Path("mlruns") / name
        if path.is_dir():
            shutil.rmtree(path)
        path.write_text("a file where the folder should be")

    return spoil


def folder_for_file(name: str) -> Callable[[], None]:
    def spoil() -> None:
        path = Path("mlruns") / name
        path.unlink(missing_ok=True)
        path.mkdir()

    return spoil


def garbage() -> None:
    DATABASE.write_bytes(b"no database at all" * 1000)


def cut_short() -> None:
    DATABASE.write_bytes(DATABASE.read_bytes()[: 3 * 4096 + 17])


def schema(version: str) -> Callable[[], None]:
    def spoil() -> None:
        with sqlite3.connect(DATABASE) as opened:
            opened.execute("UPDATE alembic_version SET version_num = ?", [version])

    return spoil


def foreign() -> None:
    DATABASE.unlink()
    with sqlite3.connect(DATABASE) as opened:
        opened.execute("CREATE TABLE recipes (name TEXT)")


OLDER = "f5a4f2784254"  # a former schema of MLflow's, which stands in its migrations
# what is spoilt: how; what the sentence names; how to mend; whether the record is kept
FAULTS: dict[str, tuple[Callable[[], None], str, str, bool]] = {
    "mlruns is a file": (file_for_folder(""), "mlruns cannot", "make it a folder", False),
    "spool is a file": (file_for_folder("spool"), "spool cannot", "make it a folder", False),
    "artifacts is a file": (file_for_folder("artifacts"), "artifacts cannot", "a folder", True),
    "timings is a file": (file_for_folder("timings"), "timings cannot", "make it a folder", True),
    "init lock": (folder_for_file(".init.lock"), ".init.lock cannot", "make it a file", True),
    "summary lock": (folder_for_file(".summary.lock"), ".summary.lock", "make it a file", True),
    "recorder lock": (folder_for_file(".recorder.lock"), ".recorder.lock", "make it a file", True),
    "log": (folder_for_file("recorder.log"), "recorder.log cannot", "make it a file", True),
    "database is a folder": (folder_for_file("mlflow.db"), "mlflow.db cannot be used", ANEW, True),
    "garbage": (garbage, "mlflow.db is corrupt", ANEW, True),
    "cut short": (cut_short, "mlflow.db is corrupt", ANEW, True),
    "newer schema": (schema("ffff00000000"), "another MLflow than the installed", ANEW, True),
    "older schema": (schema(OLDER), "by an older MLflow", "mlflow db upgrade", True),
    "foreign": (foreign, "is no database of MLflow", ANEW, True),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_stage_ends_well_and_one_sentence_says_what_to_mend(
    fault: str, asleep: list[Store], capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, what, remedy, kept = FAULTS[fault]
    spoil()
    stage()
    assert json.loads(Path("metrics/base.json").read_text()) == {"n": 3}
    [sentence] = capsys.readouterr().err.splitlines()
    assert sentence.startswith("tracking: ") and what in sentence and remedy in sentence
    assert ("Traceback" not in sentence and "synth-fr sync" in sentence) or fault.startswith(
        "timings"
    )
    records = list(Path("mlruns/spool").glob("*.jsonl"))
    assert len(records) == kept
    if kept:
        assert '"status": "FINISHED"' in records[0].read_text()
    assert len(asleep) == fault.startswith("timings")  # else a recorder would have failed in vain


@pytest.mark.parametrize("fault", FAULTS)
def test_doctor_tells_it_with_the_remedy(fault: str, checkout: Path) -> None:
    spoil, what, remedy, _ = FAULTS[fault]
    assert [one.weight for one in diagnosis.tracking()] == [diagnosis.Weight.OK]  # negative control
    spoil()
    told = [one for one in diagnosis.tracking() if one.weight != diagnosis.Weight.OK]
    assert len(told) == 1 and what in told[0].text and remedy in told[0].text
    assert not [one for one in diagnosis.tracking() if one.weight == diagnosis.Weight.OK]


@pytest.mark.parametrize("command", ["sync", "ui"])
@pytest.mark.parametrize("fault", ["mlruns is a file", "garbage", "newer schema", "init lock"])
def test_commands_tell_it_in_one_sentence(
    fault: str, command: str, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.execv", lambda *_: pytest.fail("MLflow was started"))
    spoil, what, remedy, _ = FAULTS[fault]
    spoil()
    done = CliRunner().invoke(app, [command])
    [sentence] = done.stderr.splitlines()
    assert done.exit_code == 1 and what in sentence and remedy in sentence


def test_a_sound_store_is_told_nothing_of(
    asleep: list[Store], capsys: pytest.CaptureFixture[str]
) -> None:
    """Negative control."""
    stage()
    assert capsys.readouterr().err == ""
    assert len(asleep) == 1 and Path("mlruns/timings/base.json").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["garbage", "foreign"])
def test_what_was_kept_is_sent_once_it_is_mended(fault: str, asleep: list[Store]) -> None:
    FAULTS[fault][0]()
    stage()
    DATABASE.rename("mlruns/mlflow.db.broken")  # as the sentence says
    done = CliRunner().invoke(app, ["sync"])
    assert done.exit_code == 0 and "1 waiting ones were sent" in done.output
    [run] = shown_runs(store())
    assert (run.name, run.status, run.metrics["n"]) == ("base", "FINISHED", 3.0)


@pytest.mark.slow
def test_the_sentence_on_an_older_schema_mends_it(checkout: Path) -> None:
    """A database of an older MLflow, as that version of its migrations makes it."""
    import mlflow.store.db.utils as utils

    DATABASE.unlink()
    uri = f"sqlite:///{DATABASE.resolve()}"
    engine = utils.create_sqlalchemy_engine(uri)
    from alembic import command

    utils.InitialBase.metadata.create_all(engine)
    command.upgrade(utils._get_alembic_config(uri), OLDER)
    engine.dispose()
    why = trouble(store())
    assert why is not None and f"`mlflow db upgrade {uri}`" in why
    subprocess.run(
        [sys.executable, "-m", "mlflow", "db", "upgrade", uri], check=True, capture_output=True
    )
    assert trouble(store(), thorough=True) is None


def test_the_schemas_are_those_of_the_installed_mlflow() -> None:
    from mlflow.store.db.utils import _get_latest_schema_revision

    known, newest = database._schemas()
    assert newest == _get_latest_schema_revision()
    assert {newest, OLDER} <= known and "ffff00000000" not in known


def test_a_database_that_is_being_made_is_no_trouble(checkout: Path) -> None:
    """Its schema is an old one for the seconds that MLflow takes."""
    from synthfr.pipeline.tracking.locks import exclusive

    schema(OLDER)()
    with exclusive(store().init_lock):
        assert trouble(store()) is None
    assert trouble(store()) is not None  # negative control
    DATABASE.write_bytes(b"")  # nobody has begun yet
    assert trouble(store()) is None


def test_a_database_that_somebody_writes_to_is_no_trouble(checkout: Path) -> None:
    writer = sqlite3.connect(DATABASE, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert database.trouble(DATABASE) is None
    writer.close()


def spoil_a_page() -> None:
    """The pages of one table, which nobody reads before a run is written."""
    with sqlite3.connect(DATABASE) as opened:
        [(page,)] = opened.execute("SELECT rootpage FROM sqlite_master WHERE name = 'runs'")
        [(size,)] = opened.execute("PRAGMA page_size")
    with DATABASE.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


def test_damage_that_only_doctor_looks_for(checkout: Path) -> None:
    spoil_a_page()
    assert trouble(store()) is None  # a stage does not read every page
    [told] = diagnosis.tracking()
    assert told.weight == diagnosis.Weight.NOTE and "mlflow.db is corrupt" in told.text


@pytest.mark.slow
def test_damage_that_the_recorder_meets_is_told_by_the_stage(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a real recorder, which gives up; the stage waits for it to do so."""
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("timeout_s: 10", "timeout_s: 120"))
    spoil_a_page()
    stage()
    [sentence] = capsys.readouterr().err.splitlines()
    assert "mlflow.db is corrupt" in sentence and ANEW in sentence
    assert len(list(Path("mlruns/spool").glob("*.jsonl"))) == 1
    log = Path("mlruns/recorder.log").read_text().splitlines()
    assert log and all("gave up" in line and "is corrupt" in line for line in log)


def test_commands_tell_damage_that_mlflow_meets(checkout: Path, asleep: list[Store]) -> None:
    stage()
    spoil_a_page()
    done = CliRunner().invoke(app, ["sync"])
    assert done.exit_code == 1 and "mlflow.db is corrupt" in done.stderr
    # MLflow calls it a bad request; the record is not to blame, and is kept
    assert len(list(Path("mlruns/spool").glob("*.jsonl"))) == 1


def test_a_disk_that_fills_up_during_the_stage_costs_the_record_only(
    asleep: list[Store], capsys: pytest.CaptureFixture[str]
) -> None:
    """A file-size limit, which holds for root as well, from the record's first line on."""
    code = """
        import resource
        from synthfr.pipeline import runner
        from synthfr.pipeline.tracking import spool
        spool.wake_recorder = lambda store: None
        spool.Run._settle = lambda run: None
        with runner.stage_run("base") as run:
            run.log({"n": 3})
            resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
            for number in range(200):
                run.series([{"step": number, "loss": 1.0}])
    """
    done = run_code(code)
    assert done.returncode == 0
    [sentence] = done.stderr.splitlines()
    assert "mlruns cannot be used (File too large): free some space" in sentence
    assert "`synth-fr sync` rebuilds it" in sentence
    assert Path("metrics/base.json").is_file()
    # what was cut off is not taken for a whole record
    assert recorder.drain(store()) == 1
    assert [run.status for run in shown_runs(store())] == ["KILLED"]


def test_a_full_disk_at_the_start_is_told_once(checkout: Path) -> None:
    code = """
        import resource
        from synthfr.pipeline import runner
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
        with runner.stage_run("base") as run:
            run.log({"n": 3})
    """
    done = run_code(code)
    assert done.returncode == 0
    [sentence] = done.stderr.splitlines()
    assert "mlruns cannot be used (File too large): free some space" in sentence
    assert not list(Path("mlruns/spool").glob("*"))
    assert Path("metrics/base.json").is_file()


def run_code(code: str, *before: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, sys.executable, "-c", textwrap.dedent(code)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def in_namespace(mounting: str) -> list[str]:
    """A command prefix with file systems of its own, whoever runs it; skips where it is refused."""
    prefix = ["unshare", "-rm", "sh", "-c", f'{mounting} && exec "$@"', "sh"]
    try:
        refused = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode
    except FileNotFoundError:
        refused = 1
    if refused:
        pytest.skip("no mount namespace here")
    return prefix


STAGE_AND_DOCTOR = """
    from synthfr.pipeline import runner
    from synthfr.pipeline.cli import diagnosis
    with runner.stage_run("base") as run:
        run.log({"n": 3})
    print(*(f"{one.weight} {one.text}" for one in diagnosis.tracking()), sep="\\n")
"""


@pytest.mark.parametrize(
    ("mounting", "what", "kept"),
    [
        (
            "mount --bind mlruns mlruns && mount -o remount,bind,ro mlruns",
            "mlruns cannot be used (Read-only file system): make it a folder that you may write to",
            False,
        ),
        (
            "mount -t tmpfs -o size=64k tmpfs mlruns",
            "mlruns cannot be used (No space left on device): free some space",
            True,
        ),
        (
            "mount --bind mlruns/mlflow.db mlruns/mlflow.db && "
            "mount -o remount,bind,ro mlruns/mlflow.db",
            "mlflow.db cannot be used (attempt to write a readonly database): make it a file",
            True,
        ),
    ],
    ids=["read-only", "full", "database read-only"],
)
def test_real_file_systems(mounting: str, what: str, kept: bool, checkout: Path) -> None:
    done = run_code(STAGE_AND_DOCTOR, *in_namespace(mounting))
    assert done.returncode == 0, done.stderr
    assert json.loads(Path("metrics/base.json").read_text()) == {"n": 3}
    [sentence] = done.stderr.splitlines()
    assert what in sentence and ("waits in" in sentence) == kept
    told = [line for line in done.stdout.splitlines() if what in line]
    assert len(told) == 1 and told[0].startswith("note ")


@pytest.mark.skipif(os.geteuid() == 0, reason="access bits do not stop root")
@pytest.mark.parametrize("path", ["mlruns", "mlruns/mlflow.db"])
def test_access_bits(path: str, asleep: list[Store], capsys: pytest.CaptureFixture[str]) -> None:
    Path(path).chmod(0o555)
    try:
        stage()
        [sentence] = capsys.readouterr().err.splitlines()
        assert f"{path} cannot be used" in sentence and "that you may write to" in sentence
    finally:
        Path(path).chmod(0o755)


def test_times_that_cannot_be_written_do_not_end_the_report(
    asleep: list[Store], capsys: pytest.CaptureFixture[str]
) -> None:
    from synthfr.pipeline import layout
    from synthfr.pipeline.page import write_times

    (layout.TIMINGS / "times.js").mkdir(parents=True)
    with runner.stage_run("page") as run:
        run.beside(lambda: write_times(layout.TIMINGS))
    [sentence] = capsys.readouterr().err.splitlines()
    assert "timings cannot be used" in sentence and "remove what is damaged" in sentence
    assert not Path("metrics/page.json").exists()  # it measures nothing
    with pytest.raises(OSError, match=r"times\.js"):  # control: what would have ended it
        write_times(layout.TIMINGS)
