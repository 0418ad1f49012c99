"""All benchmarks, one after the other: ``make bench`` or ``python -m benchmarks [REPORTS]``.

REPORTS is a file of real French reports for the keyword benchmark; without it, demo reports.
vLLM's benchmark needs vLLM.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

ALONE = (
    "benchmarks.generation",
    "benchmarks.vllm",
    "benchmarks.check_data",
    "benchmarks.coding_metrics",
    "benchmarks.overlap",
    "benchmarks.scoring",
    "benchmarks.plm_icd",
    "benchmarks.training",
    "benchmarks.startup",
    "benchmarks.noop",
)


def main(arguments: list[str]) -> int:
    """Runs every benchmark; the exit status is that of the first one that failed."""
    there = [name for name in ALONE if name != "benchmarks.vllm" or find_spec("vllm")]
    commands = [["benchmarks.keywords", *arguments], *([name] for name in there)]
    statuses = []
    for command in commands:
        print(f"\n== {' '.join(command)}", flush=True)
        statuses.append(subprocess.run([sys.executable, "-m", *command], check=False).returncode)
    return next((status for status in statuses if status), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
