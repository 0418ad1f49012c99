"""`make bench` runs, or names, every benchmark that there is."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import __main__ as bench

FOLDER = Path(bench.__file__).parent


def there() -> set[str]:
    """Modules and packages of the folder that can be run."""
    runnable = {
        path.stem for path in FOLDER.glob("*.py") if '__name__ == "__main__"' in path.read_text()
    }
    packages = {path.parent.name for path in FOLDER.glob("*/__main__.py")}
    return {f"benchmarks.{name}" for name in (runnable | packages) - {"__main__"}}


def test_no_benchmark_is_forgotten() -> None:
    run = [command[0] for command in bench.ALONE]
    listed = [bench.KEYWORDS, *run, *bench.BY_NAME]
    assert len(listed) == len(set(listed))
    assert set(listed) == there()
    assert "benchmarks.machine" not in there()  # the control: a module that is none


def test_all_are_run_and_the_first_failure_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[list[str]] = []
    failing = {"benchmarks.overlap": 3, "benchmarks.noop": 4}

    def run(command: list[str], check: bool) -> SimpleNamespace:
        ran.append(command[2:])
        return SimpleNamespace(returncode=failing.get(command[2], 0))

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(bench, "find_spec", lambda name: None)
    assert bench.main(["reports.parquet"]) == 3
    assert ran[0] == ["benchmarks.keywords", "reports.parquet"]
    assert ["benchmarks.coding_grid", "--seeds", "1"] in ran
    assert len(ran) == len(bench.ALONE)  # keywords in the place of vLLM, which is not here
    assert "not run, each by its own name" in capsys.readouterr().out
    failing.clear()
    assert bench.main([]) == 0
