"""A training small enough for a test: rows, parameters, and a worker that can be killed.

``python -m tests.training.small sft|dpo BASE SCRATCH``
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from synthfr.training.common import TrainResult
from synthfr.training.dpo import Dpo, Round
from synthfr.training.sft import Sft

COMMON: dict[str, Any] = {
    "batch_size": 4,
    "device_batch_size": 4,
    "max_length": 64,
    "lora": {"r": 4, "alpha": 8, "dropout": 0.0, "target_modules": "all-linear"},
    "warmup_ratio": 0.1,
    "weight_decay": 0.01,
    "validation_share": 0.2,
    "checkpoint_every_steps": 2,
    "precision": "float32",
    "quantisation": "none",
    "gradient_checkpointing": False,
    "liger": False,
    "batching": "padded",
    "distributed": {"processes": 1, "strategy": "ddp"},
}
N_ROWS = 20  # 16 of them to train on: 4 steps an epoch


def sft_params(share: float = 0.0, **changes: Any) -> Sft:
    teacher = {
        "path": "data/public/teacher",
        "columns": {},
        "list_separator": ",",
        "share": share,
    }
    own = {"epochs": 2, "learning_rate": 0.01, "teacher": teacher}
    return Sft.model_validate(COMMON | own | changes)


def dpo_params(**changes: Any) -> Dpo:
    own = {
        "beta": 0.1,
        "loss_type": ["sigmoid", "sft"],
        "loss_weights": [1.0, 0.3],
        "max_truncated_share": 0.0,
        "max_chosen_logp_drop": 5.0,
    }
    return Dpo.model_validate(COMMON | own | changes)


def round_(**changes: Any) -> Round:
    plain = {"parent": "step0", "prompts": 10, "learning_rate": 0.01, "epochs": 2}
    return Round.model_validate(plain | changes)


def reports() -> pd.DataFrame:
    keywords = [f"asthme {number}" for number in range(N_ROWS)]
    return pd.DataFrame(
        {
            "report_id": [f"r{number:02d}" for number in range(N_ROWS)],
            "prompt": [f"Mots : {one}\n" for one in keywords],
            "completion": [
                f"Patient {number}. " + "Sortie. " * (number % 4) for number in range(N_ROWS)
            ],
            "keywords": [[one] for one in keywords],
        }
    )


def teacher(n_rows: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "report_id": [f"teacher:{number:02d}" for number in range(n_rows)],
            "prompt": [f"Mots : angine {number}\n" for number in range(n_rows)],
            "completion": [f"Angine {number}. Sortie." for number in range(n_rows)],
            "keywords": [["angine"]] * n_rows,
        }
    )


def pairs() -> pd.DataFrame:
    rows = reports()
    return pd.DataFrame(
        {
            "prompt_id": rows["report_id"],
            "prompt": rows["prompt"],
            "chosen": rows["completion"],
            "rejected": [f"Malade, fièvre {number % 7}." for number in range(N_ROWS)],
            "chosen_score": 0.6,
            "rejected_score": 0.4,
            "margin": 0.2,
        }
    )


def train(
    kind: str,
    base: Path,
    scratch: Path,
    seed: int = 0,
    rows: pd.DataFrame | None = None,
    **changes: Any,
) -> TrainResult:
    """A training of a kind, on `rows` or all of the small ones, with changed parameters."""
    from synthfr.models import load_policy
    from synthfr.training import dpo, sft

    policy = load_policy(base, [])
    if kind == "sft":
        rows = reports() if rows is None else rows
        return sft.train(rows, policy, sft_params(**changes), seed, scratch)
    rows = pairs() if rows is None else rows
    return dpo.train(rows, policy, dpo_params(**changes), round_(), seed, scratch)


def slowed() -> None:
    """Make each row take a while, so that a kill can hit the middle of an epoch."""
    from synthfr.training.order import LengthGroupedOrder

    quick = LengthGroupedOrder.__iter__

    def slow(self: LengthGroupedOrder) -> Iterator[int]:
        for row in quick(self):
            time.sleep(0.05)
            yield row

    LengthGroupedOrder.__iter__ = slow  # type: ignore[method-assign]


if __name__ == "__main__":
    slowed()
    train(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
