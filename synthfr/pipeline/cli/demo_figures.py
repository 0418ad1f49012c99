"""``docs/demo``: the figures of the embedded demo that are shipped, where no run touches them.

metrics/ and plots/ are those of whoever runs the pipeline and are not in git. What README's tables
are made of, and what `synth-fr results` shows before anything was run, is a copy that maintainers
take of a finished run: ``synth-fr docs --snapshot``.
"""

from __future__ import annotations

import platform
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from synthfr.disk import digest, read_json, write_json, write_text
from synthfr.errors import UserError
from synthfr.pipeline import layout
from synthfr.pipeline.cli import clones
from synthfr.pipeline.page.measured import Measured
from synthfr.pipeline.page.results import GRID, KEPT
from synthfr.pipeline.parameters import Params
from synthfr.pipeline.standing import Standing, told
from synthfr.pipeline.tracking.state import of_standing

STAGES = (*GRID, *KEPT, "fidelity")  # measured what `synth-fr results` shows
# measured what README's tables are made of
SHIPPED = (*STAGES, "compare", "augment", "errors", "noise", "privacy", "linkage")
FIGURES = Measured(layout.DEMO / "metrics")
_RECORD = layout.DEMO / "record.json"
_CPU = Path("/proc/cpuinfo")
# figures follow from them; of the tools around the stages none does
_SOURCES = ("dvc.yaml", "params.yaml", ":(top)stages", ":(top)synthfr")
_TOOLS = ":(top,exclude)synthfr/pipeline"


@dataclass(frozen=True)
class Shipped:
    """Where the figures come from."""

    commit: str
    machine: str  # kind of processor: others round otherwise
    params_digest: str  # of all parameters that figures follow from

    def __str__(self) -> str:
        return f"commit {self.commit}, {self.machine}"


def read() -> Shipped | None:
    """None if this recipe ships no figures."""
    return Shipped(**read_json(_RECORD)) if _RECORD.is_file() else None


def take(params: Params) -> Shipped:
    """Copy the present state's figures into ``docs/demo``. UserError where they are not whole, or
    of code that is not committed.
    """
    values = params.model_dump(mode="json")
    standing = Standing(values, layout.store_folder(), opens_private=True)
    left_out = told(standing.left_out(SHIPPED))
    # `left_out` knows nothing of stages that compare the figures of others
    left_out = left_out or [
        f"{path}: {fault}."
        for path in _figures(standing)
        if (fault := standing.fault_of(path)) is not None
    ]
    if left_out:
        raise UserError(f"docs/demo takes the figures of a whole run: {' '.join(left_out)}")
    if params.seed.source != "demo":
        raise UserError(
            "docs/demo is for the embedded demo: set seed.source: demo and run `dvc repro`."
        )
    if changed := clones.git("status", "--porcelain", "--", *_SOURCES, _TOOLS):
        raise UserError(
            f"docs/demo names the commit that its figures come from: commit {changed.split()[1]} "
            "first."
        )
    shutil.rmtree(FIGURES.folder, ignore_errors=True)
    for path in _figures(standing):
        copy = FIGURES.folder / path.relative_to(layout.METRICS)
        write_text(copy, path.read_text(encoding="utf-8"))
    state = of_standing(values, standing)
    shipped = Shipped(clones.commit(), kind_of_processor(), digest(state.params))
    write_json(_RECORD, asdict(shipped))
    return shipped


def is_of(params: Params, shipped: Shipped) -> bool:
    """Whether the shipped figures were made with these parameters."""
    values = params.model_dump(mode="json")
    state = of_standing(values, Standing(values, layout.store_folder()))
    return digest(state.params) == shipped.params_digest


def kind_of_processor() -> str:
    """``x86_64 with AVX-512``: what decides how sums are rounded."""
    found = _CPU.read_text(encoding="utf-8") if _CPU.is_file() else ""
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", found, re.MULTILINE)
    words = set(flags[1].split()) if flags else set()
    widest = {"avx512f": "AVX-512", "avx2": "AVX2", "sve": "SVE", "asimd": "NEON"}
    known = next((name for flag, name in widest.items() if flag in words), None)
    return platform.machine() + (f" with {known}" if known else "")


def _figures(standing: Standing) -> list[Path]:
    stages = [one for one in standing.graph.stages.values() if one.kind in SHIPPED]
    outs = [Path(out) for stage in stages for out in stage.outs]
    return [out for out in outs if out.is_relative_to(layout.METRICS)]
