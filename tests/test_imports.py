"""Who imports whom, held by import-linter with the contracts of pyproject.toml."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def linted(config: Path) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(command), "--no-cache", "--config", str(config)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_go_downward_without_cycles() -> None:
    done = linted(ROOT / "pyproject.toml")
    assert done.returncode == 0, done.stdout
    assert "4 kept, 0 broken" in done.stdout


def test_an_import_upward_is_seen(tmp_path: Path) -> None:
    """Negative control: with the layers upside down nothing would be in its place."""
    config = tmp_path / "upside_down.toml"
    config.write_text(
        "[tool.importlinter]\n"
        'root_packages = ["synthfr"]\n'
        "[[tool.importlinter.contracts]]\n"
        'name = "upside down"\n'
        'type = "layers"\n'
        'layers = ["synthfr.text", "synthfr.keywords"]\n'
    )
    done = linted(config)
    assert done.returncode == 1 and "upside down BROKEN" in done.stdout
