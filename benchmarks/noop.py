"""`dvc repro` when nothing is to be done, against `dvc --version`, which only starts DVC.

``python -m benchmarks.noop``, in a checkout that is up to date. The figure to hold is under 6 s.
"""

from __future__ import annotations

import subprocess
import sys
import time

LIMIT_S = 4.0  # with all recipes of the checkout
REPEATS = 3


def seconds(*arguments: str) -> tuple[float, str]:
    """Wall time of one DVC command, and what it printed."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], check=True, capture_output=True, text=True
    )
    return time.perf_counter() - started, done.stdout


def main() -> int:
    """Prints both times and their ratio; status 1 if a stage ran or the limit was passed."""
    start = min(seconds("--version")[0] for _ in range(REPEATS))
    runs = [seconds("repro") for _ in range(REPEATS)]
    if any("Running stage" in printed for _, printed in runs):
        print("The checkout was not up to date: run `dvc repro` first.", file=sys.stderr)
        return 1
    noop = min(took for took, _ in runs)
    print(f"dvc --version {start:.2f} s, dvc repro {noop:.2f} s, ratio {noop / start:.1f}")
    return int(noop > LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
