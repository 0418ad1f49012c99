"""Coders that were trained outside on a step's reports and kept (`coding.saved`), as parts of a
question about the step: a hospital judges them as they are, and trains nothing for it.

Their files are a closed list: safetensors and JSON, no pickle and no code. `coder_checks` says
whether what is in them belongs to the question.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from synthfr.coding import labels
from synthfr.coding.plm_icd import SETTINGS, WEIGHTS
from synthfr.coding.saved import DECISIONS
from synthfr.disk import digest
from synthfr.errors import UserError
from synthfr.sites import bundle

if TYPE_CHECKING:
    import pandas as pd

Content = TypeVar("Content")

CONFIG, TOKENIZER = "config.json", "tokenizer_config.json"
FILES = (SETTINGS, CONFIG, DECISIONS, WEIGHTS, "tokenizer.json", TOKENIZER)
MOST = 20  # coders of a step in one bundle
_PART = re.compile(rf"coder/seed=(0|[1-9]\d{{0,9}})/({'|'.join(map(re.escape, FILES))})")
# how a model is chatted with: it lies beside some, and a coder does not read it
_LEFT_OUT = "chat_template.jinja"


def is_part(name: str) -> bool:
    """Whether a part of a bundle is called as a file of a kept coder."""
    return _PART.fullmatch(name) is not None


def packed(folder: Path) -> dict[str, bytes]:
    """The files of the coders kept in `folder`, by the names that they have in a bundle.

    Raises:
        UserError: a file is missing, is none of a coder's, or all are too large for a bundle.
    """
    if not folder.is_dir():
        raise UserError(
            f"{folder} is missing: make it with `dvc repro` or fetch it with `dvc pull`."
        )
    places = {
        f"coder/{path.relative_to(folder).as_posix()}": path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != _LEFT_OUT
    }
    if strange := [path for name, path in places.items() if not is_part(name)]:
        raise UserError(
            f"{strange[0]}: no bundle carries such a file: a kept coder has {', '.join(FILES)}."
        )
    for seed, names in by_seed(places).items():
        if missing := [name for name in FILES if name not in names]:
            raise UserError(
                f"{folder}/seed={seed} has no {missing[0]}: train it again with `dvc repro`."
            )
    size = sum(path.stat().st_size for path in places.values())
    if len(places) > MOST * len(FILES) or size > bundle.MOST_BYTES:
        raise UserError(
            f"{folder} has {len(places) // len(FILES)} coders of {size >> 20} MiB, and a bundle "
            f"holds {MOST} of {bundle.MOST_BYTES >> 20} MiB at most: lower train_coder.layers or "
            "the number of train_coder.seeds."
        )
    return {name: path.read_bytes() for name, path in places.items()}


def unpack(parts: Mapping[str, bytes], folder: Path) -> None:
    """Write coders into `folder`, which is new, as `coding.saved` keeps them."""
    folder.mkdir(parents=True)
    for seed, files in by_seed(parts).items():
        place = folder / f"seed={seed}"
        place.mkdir()
        for name, data in files.items():
            (place / name).write_bytes(data)


def contents(parts: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of all coders' files together, as ``coders``; empty where there is none."""
    if not parts:
        return {}
    return {"coders": digest({name: bundle.sha256(data) for name, data in parts.items()})}


def strange_labels(parts: Mapping[str, bytes], code_sets: pd.DataFrame) -> int:
    """How many labels of the coders the label space of `code_sets` (CODE_SETS) has not."""
    told = [json_of(data, name) for name, data in parts.items() if name.endswith(DECISIONS)]
    known = set(labels.exported_space(code_sets))
    return len({str(one) for own in told for one in own.get("labels") or ()} - known)


def by_seed(parts: Mapping[str, Content]) -> dict[int, dict[str, Content]]:
    """Seed to file name to what is there, of parts that are all a coder's."""
    found: dict[int, dict[str, Content]] = {}
    for name, content in parts.items():
        match = _PART.fullmatch(name)
        if match is None:
            raise ValueError("no part of a coder")
        found.setdefault(int(match[1]), {})[match[2]] = content
    return found


def json_of(data: bytes, where: str) -> Any:
    """A JSON object from its bytes; UserError where they are none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UserError(f"{where} is no JSON object: do not use it, and ask its sender.")
    return found
