"""The blocks: what each measures, what it takes, and the function that does it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LIMIT_S = 480.0  # most seconds of a block
Measured = Iterator[tuple[str, Callable[[], Mapping[str, Any]]]]
"""Contender, what measures it; one after the other, so that none is lost when time runs out."""

EVERYWHERE = (
    *("torch", "transformers", "pydantic", "pydantic_core", "annotated-types", "typing-inspection"),
    *("ruamel.yaml", "ruamel.yaml.clib", "typer", "pandas"),
)  # what every block imports
_DATASETS = ("datasets", "pyarrow", "multiprocess", "dill", "xxhash")
_TRAINING = ("trl", "peft", "accelerate", *_DATASETS)


@dataclass(frozen=True)
class Block:
    """`gib`: of GPU memory that it is made for, by arithmetic; with less it may fail, and says so.
    `own`: packages beyond those that every block imports. `function`: module and name of what
    measures it.
    """

    name: str
    what: str
    gib: int
    own: tuple[str, ...]
    function: str

    @property
    def needs(self) -> tuple[str, ...]:
        """Packages, by the names of their distributions."""
        return (*EVERYWHERE, *self.own)

    def measure(self, size: str) -> Measured:
        """Its contenders at a size, ``full`` or ``tiny``."""
        module, _, name = self.function.partition(":")
        found: Callable[[str], Measured] = getattr(importlib.import_module(module), name)
        return found(size)


_MODULES = "benchmarks.gpu_check"
BLOCKS = {
    block.name: block
    for block in (
        Block(
            "tests",
            "all tests marked gpu",
            4,
            ("pytest", *_TRAINING),
            f"{_MODULES}.marked_tests:tests",
        ),
        Block(
            "sft",
            "SFT (LoRA r 32, bfloat16) of a random Qwen3-4B: ours, packed too, TRL's defaults, "
            "padded chunks of 512",
            40,
            _TRAINING,
            f"{_MODULES}.measures:sft",
        ),
        Block(
            "dpo",
            "DPO of the same: ours, TRL's defaults",
            70,
            _TRAINING,
            f"{_MODULES}.measures:dpo",
        ),
        Block(
            "transformers-0.6b",
            "transformers engine on a random Qwen3-0.6B: ours, `generate` report by report and in "
            "batches",
            16,
            (),
            f"{_MODULES}.measures:transformers_06b",
        ),
        Block(
            "transformers-4b",
            "the same on a random Qwen3-4B",
            28,
            (),
            f"{_MODULES}.measures:transformers_4b",
        ),
        Block(
            "scoring",
            "2 800 x 4 candidates with a random encoder of XLM-R-base's size: ours, the original's "
            "loops on a tenth of them",
            8,
            ("sentence-transformers",),
            f"{_MODULES}.measures:scoring",
        ),
        Block(
            "coder",
            "fine-tuning of a random encoder of ModernBERT-large's size as the ICD-10 coder",
            48,
            ("accelerate", *_DATASETS),
            f"{_MODULES}.measures:coder",
        ),
        Block(
            "plm-icd",
            "PLM-ICD over a random encoder of the same size, reports of 50 to 600 words: ours, a "
            "loop over documents",
            32,
            (),
            f"{_MODULES}.measures:plm_icd",
        ),
        Block(
            "vllm",
            "vLLM engine on a random Qwen3-0.6B: ours, raw vLLM",
            16,
            ("vllm", "llguidance"),
            f"{_MODULES}.measures:vllm",
        ),
    )
}
