"""A policy: the base model with the adapters of all steps up to one merged into it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthfr.errors import UserError
from synthfr.models.adapters import Lineage, check_chain, merge_adapters
from synthfr.models.base import read_provenance


@dataclass(frozen=True)
class Policy:
    """A model ready to generate or to be trained on, float32 on the CPU as loaded."""

    model: Any  # transformers.PreTrainedModel
    tokenizer: Any  # transformers.PreTrainedTokenizerBase
    lineage: tuple[Lineage, ...]  # of the merged adapters, first to last

    @property
    def step(self) -> str | None:
        """The step whose policy this is; None for the bare base."""
        return self.lineage[-1].step if self.lineage else None


def load_policy(base: Path, adapters: list[Path]) -> Policy:
    """Load the base in float32 and merge `adapters` into it, in order.

    Raises UserError when the base is missing or incomplete, when an adapter was made for another
    base or on another adapter, and when the installed transformers does not know the model.
    """
    read_provenance(base)
    lineage = check_chain(base, adapters)

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    if not sys.stderr.isatty():
        logging.disable_progress_bar()
    try:
        model = AutoModelForCausalLM.from_pretrained(
            base,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
        tokenizer = AutoTokenizer.from_pretrained(
            base, padding_side="left", local_files_only=True, trust_remote_code=False
        )
    except (ValueError, OSError, KeyError) as error:
        raise UserError(
            f"{base} holds no causal language model that the installed transformers loads without "
            f"foreign code ({type(error).__name__}): choose another base or update transformers."
        ) from error
    if tokenizer.eos_token_id is None:
        raise UserError(
            f"{base}: the tokenizer has no end-of-text token: name one in tokenizer_config.json."
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return Policy(merge_adapters(model, adapters).eval(), tokenizer, lineage)
