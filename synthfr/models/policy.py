"""A policy: the base model with the adapters of all steps up to one merged into it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthfr.errors import UserError
from synthfr.hardware import check_memory
from synthfr.models.adapters import BASE_STEP, Lineage, check_chain, merge_adapters
from synthfr.models.base import read_provenance
from synthfr.models.footprint import Footprint


@dataclass(frozen=True)
class ModelFiles:
    """A causal language model, not yet loaded: a folder, and adapters to merge into it."""

    name: str  # what a server calls it: the step of a policy, the reference of a judge
    base: Path | None  # None: only a server has it, under its name
    adapters: tuple[Path, ...] = ()
    lineage: tuple[Lineage, ...] = ()
    chat_template: bool = False  # a prompt is a user's turn in the model's chat template

    @property
    def folder(self) -> Path:
        """`base`, of a model that is to be loaded; a UserError when only a server has it."""
        if self.base is None:
            raise UserError(f"{self.name} is known by a server only: name the folder of a model.")
        return self.base


@dataclass(frozen=True)
class Policy:
    """A model ready to generate or to be trained on, float32 on the CPU as loaded."""

    model: Any  # transformers.PreTrainedModel
    tokenizer: Any  # transformers.PreTrainedTokenizerBase
    lineage: tuple[Lineage, ...]  # of the merged adapters, first to last
    chat_template: bool = False

    @property
    def step(self) -> str | None:
        """The step whose policy this is; None for the bare base."""
        return self.lineage[-1].step if self.lineage else None


def policy_files(base: Path, adapters: Sequence[Path]) -> ModelFiles:
    """The policy that `adapters`, in order, make of the base.

    Raises UserError when the base is missing or incomplete, or when an adapter was made for
    another base or on another adapter.
    """
    provenance = read_provenance(base)
    lineage = check_chain(base, list(adapters))
    return ModelFiles(
        name=lineage[-1].step if lineage else BASE_STEP,
        base=base,
        adapters=tuple(adapters),
        lineage=lineage,
        chat_template=provenance.get("chat_template", False),
    )


def load_policy(base: Path, adapters: Sequence[Path]) -> Policy:
    """`load` of `policy_files`."""
    return load(policy_files(base, adapters))


def load(files: ModelFiles) -> Policy:
    """Load a model in float32 and merge its adapters into it, in order.

    UserError when the installed transformers does not know the model.
    """
    weights = Footprint.of(files.folder, str(files.folder)).weights("float32")
    check_memory(
        weights,
        f"{files.folder}, in float32 while adapters are merged,",
        "run on a machine or in a job with more memory",
    )
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    if not sys.stderr.isatty():
        logging.disable_progress_bar()
    tokenizer = load_tokenizer(files)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            files.folder,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
    except (ValueError, OSError, KeyError) as error:
        raise _unknown(files.folder, error) from error
    model = merge_adapters(model, list(files.adapters)).eval()
    return Policy(model, tokenizer, files.lineage, files.chat_template)


def load_tokenizer(files: ModelFiles) -> Any:
    """A model's tokenizer, padding on the left, with a token for padding and a chat template where
    one is wanted.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            files.folder, padding_side="left", local_files_only=True, trust_remote_code=False
        )
    except (ValueError, OSError, KeyError) as error:
        raise _unknown(files.folder, error) from error
    if tokenizer.eos_token_id is None:
        raise UserError(
            f"{files.folder}: the tokenizer has no end-of-text token: "
            "name one in tokenizer_config.json."
        )
    if files.chat_template and not tokenizer.chat_template:
        raise UserError(
            f"{files.folder}: the tokenizer has no chat template: "
            "set base.chat_template to false, or choose a chat model."
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def encode_prompts(tokenizer: Any, prompts: Sequence[str], chat_template: bool) -> list[list[int]]:
    """Token ids of prompts as the model reads them before it writes: as they are, or each as the
    user's turn of the chat template followed by the opening of the assistant's.
    """
    if not prompts:
        return []
    if not chat_template:
        ids: list[list[int]] = tokenizer(list(prompts))["input_ids"]
        return ids
    turns = [[{"role": "user", "content": prompt}] for prompt in prompts]
    encoded = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=True)
    return list(encoded["input_ids"])


def end_tokens(generation_config: Any, tokenizer: Any) -> list[int]:
    """Tokens that end a report: those of the model's generation config and of the tokenizer."""
    configured = generation_config.eos_token_id
    if configured is None:
        configured = []
    ends = configured if isinstance(configured, list) else [configured]
    return sorted({*ends, tokenizer.eos_token_id})


def _unknown(base: Path, error: Exception) -> UserError:
    return UserError(
        f"{base} holds no causal language model that the installed transformers loads without "
        f"foreign code ({type(error).__name__}): choose another base or update transformers."
    )
