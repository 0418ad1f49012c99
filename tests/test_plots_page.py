"""`dvc plots show` draws without a network."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from synthfr.pipeline import plots_page

CHROMIUM = shutil.which("chromium")
FROM_A_SERVER = re.compile(r'<script[^>]+src="https?://')


def dvc(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *arguments], check=True, capture_output=True)


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The page of a curve as DVC writes it by itself, and as with ours."""
    monkeypatch.chdir(tmp_path)
    dvc("init", "-q", "--no-scm")
    Path("curve.csv").write_text("step,loss\n1,0.8\n2,0.7\n")
    dvc("plots", "show", "curve.csv", "-o", "theirs")
    plots_page.main()
    dvc("plots", "show", "curve.csv", "-o", "ours")
    return [Path("theirs/index.html").absolute(), Path("ours/index.html").absolute()]


@pytest.mark.slow
def test_nothing_is_loaded_and_the_curve_is_drawn(drawn: list[Path]) -> None:
    theirs, ours = drawn
    assert FROM_A_SERVER.search(theirs.read_text("utf-8"))  # negative control
    assert not FROM_A_SERVER.search(ours.read_text("utf-8"))
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: the page is not drawn")
    assert curves(ours) == 1
    assert curves(theirs) == 0  # negative control: no network reaches the server


def curves(page: Path) -> int:
    """Drawings on a page in a browser without a network."""
    offline = "--host-resolver-rules=MAP * ~NOTFOUND"
    switches = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=8000"]
    command = [str(CHROMIUM), *switches, offline, "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.count('class="marks"')
