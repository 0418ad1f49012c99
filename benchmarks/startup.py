"""How soon a stage answers: ``python -m stages.NAME --help`` for every stage.

``python -m benchmarks.startup``. The figure to hold is under 0.5 s of CPU time each, in the best of
three runs; Python alone is shown beside. Status 1 if a stage takes longer.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

LIMIT_S = 0.5
REPEATS = 3


def stages() -> list[str]:
    """Names of the modules that are a stage's command line."""
    folder = Path(__file__).parents[1] / "stages"
    return sorted(
        path.stem for path in folder.glob("*.py") if "\napp = stage_app(" in path.read_text("utf-8")
    )


def seconds(*arguments: str) -> tuple[float, float]:
    """Wall and CPU time of one Python process."""
    before, started = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    cpu = after.children_user + after.children_system
    return time.perf_counter() - started, cpu - before.children_user - before.children_system


def main() -> int:
    """Prints both times for each stage; status 1 if one needs more CPU time than the limit."""
    slowest = 0.0
    commands = {"(Python alone)": ["-c", ""]}
    commands |= {name: ["-m", f"stages.{name}", "--help"] for name in stages()}
    for name, arguments in commands.items():
        took = [seconds(*arguments) for _ in range(REPEATS)]
        wall, cpu = min(wall for wall, _ in took), min(cpu for _, cpu in took)
        print(f"{name:16} {wall:5.2f} s wall  {cpu:5.2f} s CPU", flush=True)
        slowest = max(slowest, cpu)
    print(f"slowest          {slowest:5.2f} s CPU (aim: under {LIMIT_S} s)")
    return int(slowest > LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
