"""What the contenders train, and on what: a model, reports of random terms, the parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks import machine
from benchmarks.random_models import QWEN3_4B, Architecture

if TYPE_CHECKING:
    import pandas as pd

LORA: dict[str, Any] = {
    "r": 32,
    "alpha": 64,
    "dropout": 0.0,
    "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"],
}


@dataclass(frozen=True)
class Scale:
    """What is trained: median tokens of a report, spread of their logarithm, most tokens, the
    model (None: the shipped tiny base's architecture).
    """

    median_tokens: int
    spread: float
    max_length: int
    checkpointing: bool
    architecture: Architecture | None = None
    batch_size: int = 8  # TRL's default


SCALES = {
    "tiny": Scale(250, 0.5, 1024, checkpointing=False),
    "qwen3-4b": Scale(600, 0.5, 3400, checkpointing=True, architecture=QWEN3_4B),
}


def reports(scale: Scale, n: int) -> pd.DataFrame:
    """SFT and preference columns in one table: made-up reports of random terms."""
    import pandas as pd

    from synthfr import prompts, seeding
    from synthfr.corpora.demo.knowledge import knowledge

    terms = [name for category in knowledge() for name in category.names]
    rows = []
    for number in range(n):
        draw = seeding.rng(0, "benchmark", number)
        texts = []
        for _ in range(2):
            length = scale.median_tokens * math.exp(scale.spread * draw.standard_normal())
            # a term has some 3 tokens
            texts.append(", ".join(map(str, draw.choice(terms, max(2, round(length / 3))))))
        keywords = [str(one) for one in draw.choice(terms, 3, replace=False)]
        rows.append(
            {
                "report_id": f"r{number:05d}",
                "prompt_id": f"r{number:05d}",
                "prompt": prompts.render(keywords, "plain", "fr"),
                "completion": texts[0],
                "chosen": texts[0],
                "rejected": texts[1],
            }
        )
    return pd.DataFrame(rows)


def parameters(scale: Scale, batching: str) -> dict[str, Any]:
    """Of our SFT and DPO, what both have."""
    return {
        "batch_size": scale.batch_size,
        "device_batch_size": scale.batch_size,
        "max_length": scale.max_length,
        "lora": LORA,
        "warmup_ratio": 0.1,
        "weight_decay": 0.0,
        "validation_share": 0.0,
        "checkpoint_every_steps": 10**6,
        "precision": "bfloat16" if machine.device() == "cuda" else "float32",
        "quantisation": "none",
        "gradient_checkpointing": scale.checkpointing,
        "liger": False,
        "batching": batching,
        "distributed": {"processes": 1, "strategy": "ddp"},
    }
