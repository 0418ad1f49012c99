"""The block ``tests``: pytest on the files that have tests marked gpu, and their counts."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.gpu_check.blocks import Measured

_MARK = "pytest.mark." + "gpu"
_RAN = (0, 1)  # exit statuses of pytest: all passed, some failed
ROOT = Path(__file__).parents[2]


def tests(size: str) -> Measured:
    """All of them, whatever the size. A machine without the rest of the tests' packages runs them,
    too: other files are not read.
    """
    yield "tests", run


def run() -> dict[str, int]:
    """How many passed, failed, had an error, were skipped."""
    with tempfile.TemporaryDirectory() as folder:
        summary = Path(folder) / "junit.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider"]
        command += ["--continue-on-collection-errors", f"--junitxml={summary}"]
        command += map(str, files_with_marked(ROOT / "tests"))
        status = subprocess.run(command, cwd=ROOT, check=False, stdout=sys.stderr).returncode
        if status not in _RAN or not summary.is_file():
            raise RuntimeError(f"pytest ended with status {status}")
        return counts(summary)


def files_with_marked(folder: Path) -> list[Path]:
    """Test files that have a test marked gpu."""
    return [one for one in sorted(folder.rglob("test_*.py")) if _MARK in one.read_text("utf-8")]


def counts(junit: Path) -> dict[str, int]:
    """The counts of a JUnit file."""
    suites = list(ElementTree.parse(junit).iter("testsuite"))
    told = {name: sum(int(one.get(name, 0)) for one in suites) for name in _OF_JUNIT}
    passed = told["tests"] - told["failures"] - told["errors"] - told["skipped"]
    return {
        "passed": passed,
        "failed": told["failures"],
        "errors": told["errors"],
        "skipped": told["skipped"],
    }


_OF_JUNIT = ("tests", "failures", "errors", "skipped")
