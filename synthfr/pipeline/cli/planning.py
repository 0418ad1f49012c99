"""``synth-fr plan``: time, disk and GPU memory that the parameters, or a profile's, amount to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import typer

from synthfr.pipeline import profiles
from synthfr.pipeline.cli.profile_commands import FOLDER, PARAMS
from synthfr.pipeline.parameters import Params, load_params, parse
from synthfr.pipeline.plan.costs import plan
from synthfr.pipeline.plan.memory import GB, Unknown
from synthfr.pipeline.plan.verdicts import SIZES_GB, Verdict, verdicts


def run(profile: str | None, gpu_gb: float | None) -> int:
    """Print the plan; the exit status is 1 if a stage does not fit the GPU that is named."""
    if profile is None:
        params = load_params(PARAMS)
    else:
        path = profiles.path_of(FOLDER, profile)
        params = parse(profiles.merged(PARAMS, path), f"{PARAMS} with {path}")
    return show(params, SIZES_GB if gpu_gb is None else (gpu_gb,))


def show(params: Params, sizes_gb: Sequence[float] = SIZES_GB) -> int:
    """Print the plan for GPUs of these sizes."""
    for line in [*_cost_lines(params), *_memory_lines(params, sizes_gb)]:
        typer.echo(line)
    told = [made for size in sizes_gb for made in verdicts(params, size * GB)]
    stops = [made for made in told if isinstance(made, Verdict) and not made.fits]
    return int(bool(stops) and len(sizes_gb) == 1)


def _cost_lines(params: Params) -> Iterator[str]:
    yield (
        "Time and disk, in orders of magnitude, for one GPU of the H100 class "
        "(assumptions: synthfr/pipeline/plan/lines.py):"
    )
    for line in plan(params):
        figures = [
            f"{line.tokens / 1e6:,.2f} M tokens" if line.tokens else "",
            f"{line.steps:,} optimiser steps" if line.steps else "",
            f"{line.gpu_hours:,.2f} GPU hours" if line.gpu_hours >= 0.005 else "",
            f"some {line.core_s / 60:,.1f} minutes of a CPU core" if line.core_s >= 30 else "",
            f"{line.disk_bytes / 1e9:,.2f} GB of disk" if line.disk_bytes >= 5e6 else "",
        ]
        yield f"  {line.stage:<16} {line.what}: {', '.join(filter(None, figures))}"


def _memory_lines(params: Params, sizes_gb: Sequence[float]) -> Iterator[str]:
    yield "Memory of each GPU, at full length (by formula, synthfr/pipeline/plan; not measured):"
    by_size = {size: verdicts(params, size * GB) for size in sizes_gb}
    for row in zip(*by_size.values(), strict=True):
        first = row[0]
        if isinstance(first, Unknown):
            yield (
                f"  {first.stage:<16} {first.model or 'no model named'}: unknown, its config.json "
                "is not here (synth-fr prefetch)"
            )
            continue
        need = first.need
        parts = " + ".join(f"{what} {taken / GB:.1f}" for what, taken in need.parts.items())
        limit = f", in {need.share:.0%} of the GPU" if need.share < 1 else ""
        model = need.model.partition("@")[0]
        yield (
            f"  {need.stage:<16} {model}, {need.gpus} GPU{'s' if need.gpus > 1 else ''}: "
            f"{parts} = {need.total / GB:.1f} GB{limit}"
        )
        said: dict[str, list[str]] = {}
        for size, made in zip(by_size, row, strict=True):
            if isinstance(made, Verdict):
                said.setdefault(made.sentence, []).append(f"{size:g}")
        for sentence, sizes in said.items():
            yield f"    {', '.join(sizes) + ' GB:':<20} {sentence}"
