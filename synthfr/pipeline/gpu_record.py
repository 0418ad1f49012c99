"""``docs/gpu.json``: what `make gpu-check` measured, by GPU and block.

A block is recorded once it has ended: done, failed or over its time, with the figures that it had
by then. Whatever is not of that form is refused whole: a README's table holds nothing half-known.
Standard library only: the machine that measures may have little else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from synthfr.disk import read_json, write_json
from synthfr.errors import UserError

RECORD = Path("docs/gpu.json")
FULL = "full"  # the size whose figures count
STATUSES = ("done", "failed", "timeout")
# block -> its contenders, and what is known of each once the block is done
_TRAINED, _WRITTEN = ("tokens_per_s", "mfu", "peak_gib"), ("tokens_per_s", "peak_gib")
_SCORED = ("texts_per_s", "peak_gib", "documents")
CONTENDERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "tests": {"tests": ("passed", "failed", "errors", "skipped")},
    "sft": dict.fromkeys(("ours", "TRL", "ours packed", "512 chunks"), _TRAINED),
    "dpo": dict.fromkeys(("ours", "TRL"), _TRAINED),
    "transformers-0.6b": dict.fromkeys(("ours", "loop", "batched"), _WRITTEN),
    "transformers-4b": dict.fromkeys(("ours", "loop", "batched"), _WRITTEN),
    "vllm": dict.fromkeys(("ours", "raw"), ("tokens_per_s",)),
    "scoring": dict.fromkeys(("ours", "loop", "loop by part"), _SCORED),
    "coder": {"ours": ("reports_per_s", "tokens_per_s", "peak_gib")},
    "plm-icd": dict.fromkeys(("ours", "loop"), _WRITTEN),
}

Figures = Mapping[str, Mapping[str, float]]
"""Contender -> measure -> value."""


@dataclass(frozen=True)
class Outcome:
    """How a block ended, and on what. `reason`: in one line, of a block that is not done."""

    status: str
    reason: str
    figures: Figures
    size: str
    seconds: float
    date: str
    commit: str
    seed: int
    driver: str
    torch: str


Record = Mapping[str, Mapping[str, Outcome]]
"""GPU -> block -> its outcome."""


def read(path: Path) -> Record:
    """What `path` holds; nothing where there is no such file. UserError: not of the form above."""
    if not path.is_file():
        return {}
    held = read_json(path)
    if not isinstance(held, dict):
        raise _refused(path, "it is no table of GPUs")
    return {
        gpu: {name: _outcome(path, gpu, name, one) for name, one in _table(path, gpu, blocks)}
        for gpu, blocks in held.items()
    }


def add(path: Path, gpu: str, name: str, outcome: Outcome) -> None:
    """Write one block's outcome beside the others, in place of an older one; all or nothing."""
    held = {one: dict(blocks) for one, blocks in read(path).items()}
    held.setdefault(gpu, {})[name] = outcome
    write_json(
        path,
        {
            one: {block: asdict(each) for block, each in blocks.items()}
            for one, blocks in held.items()
        },
    )


def _table(path: Path, gpu: str, blocks: Any) -> list[tuple[str, Any]]:
    if not isinstance(blocks, dict):
        raise _refused(path, f"{gpu!r} is no table of blocks")
    return list(blocks.items())


def _outcome(path: Path, gpu: str, name: str, held: Any) -> Outcome:
    where = f"{name!r} of {gpu!r}"
    wanted = {field.name for field in fields(Outcome)}
    if name not in CONTENDERS:
        raise _refused(path, f"there is no block {where}")
    if not isinstance(held, dict) or set(held) != wanted:
        odd = wanted ^ set(held) if isinstance(held, dict) else wanted
        raise _refused(path, f"{where} lacks, or has too many of: {', '.join(sorted(odd))}")
    outcome = Outcome(**held)
    if outcome.status not in STATUSES:
        raise _refused(path, f"{where} has the status {outcome.status!r}")
    if not isinstance(outcome.figures, dict):
        raise _refused(path, f"{where} has no table of figures")
    known = CONTENDERS[name]
    missing = set(known) - set(outcome.figures) if outcome.status == "done" else set()
    if missing or set(outcome.figures) - set(known):
        odd = missing or set(outcome.figures) - set(known)
        raise _refused(path, f"{where} lacks figures of, or knows no: {', '.join(sorted(odd))}")
    for contender, figures in outcome.figures.items():
        for measure in known[contender]:
            value = figures.get(measure) if isinstance(figures, dict) else None
            if not _is_number(value):
                raise _refused(path, f"{where} has no {measure} of {contender!r}")
    return outcome


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and value >= 0


def _refused(path: Path, why: str) -> UserError:
    return UserError(
        f"{path} is no record of `make gpu-check` ({why}): restore it with git, or remove it and "
        "measure again."
    )
