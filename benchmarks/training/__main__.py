"""``python -m benchmarks.training``: see the package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Annotated, Any

import typer

from benchmarks import machine
from benchmarks.training.measuring import CONTENDERS, measure
from benchmarks.training.scale import SCALES


def main(
    model: Annotated[str, typer.Option(help=f"{' or '.join(SCALES)}.")] = "",
    rows: Annotated[int, typer.Option(min=24, help="Reports, and pairs.")] = 96,
    only: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Compare tokens a second, MFU and peak memory."""
    if only:
        print(json.dumps(measure(only, SCALES[model], rows)))
        return
    model = model or ("qwen3-4b" if machine.device() == "cuda" else "tiny")
    result = compare(model, rows)
    print(f"{model}: {rows} rows, {result['ours']['device']}")
    for name in CONTENDERS:
        row = result[name]
        print(
            f"{name:14} {row['tokens']:8} tokens in {row['seconds']:7.1f} s "
            f"{row['tokens_per_s']:9.0f} tokens/s  MFU {row['mfu']:6.1%}  "
            f"padding {row['padding']:5.1%}  peak {row['peak_gib']:6.2f} GiB"
            + (f"  reference {row['reference_s']:.1f} s, once" if row["reference_s"] else "")
        )
    for peer, aim in (("TRL", None), ("512 chunks", 2.0)):
        print(f"SFT against {peer}: {_ratio(result, 'ours', peer):.2f}" + _aim(aim))
    print(f"DPO against TRL: {_ratio(result, 'DPO ours', 'DPO TRL'):.2f}" + _aim(1.5))


def _ratio(result: dict[str, Any], ours: str, theirs: str) -> float:
    ratio: float = result[ours]["tokens_per_s"] / result[theirs]["tokens_per_s"]
    return ratio


def _aim(aim: float | None) -> str:
    return f" (aim: at least {aim})" if aim else ""


def compare(model: str, rows: int) -> dict[str, Any]:
    """Figures of every contender, each measured in a process of its own."""
    one_thread = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    result = {}
    for name in CONTENDERS:
        command = [sys.executable, "-m", "benchmarks.training", "--only", name]
        command += ["--model", model, "--rows", str(rows)]
        done = subprocess.run(command, check=True, env=one_thread, stdout=subprocess.PIPE)
        result[name] = json.loads(done.stdout.splitlines()[-1])
    return result


if __name__ == "__main__":
    typer.run(main)
