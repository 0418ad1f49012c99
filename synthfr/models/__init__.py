"""Base model, adapters on it, and the policy they make; heavy libraries load only when a model
does.

`load_policy` is how every stage gets a model; `base.provide` makes ``models/base``.
"""

from synthfr.models.adapters import Lineage, adapter_chain, read_lineage, save_adapter
from synthfr.models.base import read_provenance
from synthfr.models.policy import (
    ModelFiles,
    Policy,
    encode_prompts,
    end_tokens,
    load,
    load_policy,
    load_tokenizer,
    policy_files,
)

__all__ = [
    "Lineage",
    "ModelFiles",
    "Policy",
    "adapter_chain",
    "encode_prompts",
    "end_tokens",
    "load",
    "load_policy",
    "load_tokenizer",
    "policy_files",
    "read_lineage",
    "read_provenance",
    "save_adapter",
]
