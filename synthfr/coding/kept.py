"""PRIVATE rows: what coders said of each holdout document, kept so that comparing steps and bands
need no second training. The file belongs under ``data/private/`` and is its owner's alone.

One ``.npz``, written without pickle: scores in single precision, truth and decisions as bits, the
rest as JSON. Equal answers give equal bytes. Rounding may make two nearly equal scores equal, so
that a metric of rankings can differ from the one in ``metrics/`` in a late digit; decisions are
kept as they were made.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthfr.coding.judged import Judged
from synthfr.coding.metrics import Bools
from synthfr.coding.summary import UNBIASED
from synthfr.disk import atomic_path
from synthfr.errors import UserError

_VERSION = 1
_ABOUT = "about"
_UNREADABLE = (
    *(OSError, EOFError, ValueError, KeyError, IndexError, TypeError),
    *(zipfile.BadZipFile, zlib.error),
)
_SINGLE = ("size", "top_k", "seed", "evaluation", "rule")


class Keeper:
    """Hand it to `evaluate_grid` as `keep`: it holds each seed's answers of the unbiased evaluation
    for the largest size, and of these the largest top k.
    """

    def __init__(self) -> None:
        self._kept: dict[int, Judged] = {}  # by seed

    def __call__(self, judged: Judged) -> None:
        """Hold these answers, or those that were held and are of a larger cell."""
        judged = replace(judged, scores=_single(judged.scores))
        if judged.evaluation == UNBIASED:
            held = self._kept.get(judged.seed, judged)
            larger = (judged.size, judged.top_k) >= (held.size, held.top_k)
            self._kept[judged.seed] = judged if larger else held

    @property
    def answers(self) -> list[Judged]:
        """What is held, in the order in which its coders came."""
        return list(self._kept.values())


def write_judged(path: str | Path, answers: Sequence[Judged]) -> None:
    """Write answers to an ``.npz`` file, atomically, readable by its owner alone."""
    documents = list(dict.fromkeys(one.document_ids for one in answers))
    spaces = list(dict.fromkeys(one.label_space for one in answers))
    about = {
        "version": _VERSION,
        "documents": documents,
        "label_spaces": spaces,
        "answers": [
            {
                **{name: getattr(one, name) for name in _SINGLE},
                "documents": documents.index(one.document_ids),
                "label_space": spaces.index(one.label_space),
            }
            for one in answers
        ],
    }
    arrays: dict[str, NDArray[Any]] = {
        _ABOUT: np.frombuffer(json.dumps(about, sort_keys=True).encode(), dtype=np.uint8)
    }
    for number, one in enumerate(answers):
        arrays |= {
            f"truth_{number}": np.packbits(one.truth, axis=1),
            f"decided_{number}": np.packbits(one.decided, axis=1),
            f"scores_{number}": _single(one.scores),
        }
    with atomic_path(path, private=True) as partial, partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_judged(path: str | Path) -> list[Judged]:
    """The answers that `write_judged` wrote; scores are single precision.

    Raises:
        UserError: the file is missing, or was not written by `write_judged`.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            about = json.loads(arrays[_ABOUT].tobytes())
            if about["version"] != _VERSION:
                raise ValueError(f"version {about['version']}")
            return [_read(about, number, arrays) for number in range(len(about["answers"]))]
    except FileNotFoundError:
        raise UserError(
            f"{path} is missing: its stage keeps it on the private side; run that with `dvc repro`."
        ) from None
    except _UNREADABLE as error:
        raise UserError(
            f"{path} does not hold kept answers of this version ({type(error).__name__}): remove "
            "it and make it again with `dvc repro`."
        ) from None


def _read(about: dict[str, Any], number: int, arrays: Any) -> Judged:
    one = about["answers"][number]
    space = tuple(about["label_spaces"][one["label_space"]])

    def bits(name: str) -> Bools:
        packed = arrays[f"{name}_{number}"]
        return np.unpackbits(packed, axis=1, count=len(space)).astype(np.bool_)

    return Judged(
        document_ids=tuple(about["documents"][one["documents"]]),
        label_space=space,
        truth=bits("truth"),
        decided=bits("decided"),
        scores=arrays[f"scores_{number}"],
        **{name: one[name] for name in _SINGLE},
    )


def _single(scores: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # to infinity: still above or below all others
        return scores.astype(np.float32)
