"""All benchmarks of speed and memory, one after the other: ``make bench`` or
``python -m benchmarks [REPORTS]``.

REPORTS is a file of real French reports for the keyword benchmark; without it, demo reports.
vLLM's benchmark needs vLLM. What is measured otherwise (how well something works, or on a GPU) is
named at the end, and run by its own name.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

KEYWORDS = "benchmarks.keywords"
ALONE = (
    ("benchmarks.generation",),
    ("benchmarks.vllm",),
    ("benchmarks.check_data",),
    ("benchmarks.coding_metrics",),
    ("benchmarks.coding_grid", "--seeds", "1"),  # of three, which take as long each
    ("benchmarks.overlap",),
    ("benchmarks.scoring",),
    ("benchmarks.plm_icd",),
    ("benchmarks.training",),
    ("benchmarks.startup",),
    ("benchmarks.noop",),
)
BY_NAME = (  # each says in its docstring what it needs: real reports, a finished run, hours, a GPU
    "benchmarks.coder_knowledge",
    "benchmarks.coding",
    "benchmarks.gpu_check",
    "benchmarks.linkage",
    "benchmarks.noise",
    "benchmarks.population",
    "benchmarks.privacy_gate",
    "benchmarks.set_anonymity",
)


def main(arguments: list[str]) -> int:
    """Runs every benchmark; the exit status is that of the first one that failed."""
    there = [command for command in ALONE if command[0] != "benchmarks.vllm" or find_spec("vllm")]
    statuses = []
    for command in [(KEYWORDS, *arguments), *there]:
        print(f"\n== {' '.join(command)}", flush=True)
        statuses.append(subprocess.run([sys.executable, "-m", *command], check=False).returncode)
    print(f"\nnot run, each by its own name (python -m ...): {', '.join(BY_NAME)}")
    return next((status for status in statuses if status), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
