"""Base model, adapters on it, and the policy they make; heavy libraries load only when a model
does.

`load_policy` is how every stage gets a model; `base.provide` makes ``models/base``.
"""

from synthfr.models.adapters import Lineage, adapter_chain, read_lineage, save_adapter
from synthfr.models.base import read_provenance
from synthfr.models.policy import Policy, load_policy

__all__ = [
    "Lineage",
    "Policy",
    "adapter_chain",
    "load_policy",
    "read_lineage",
    "read_provenance",
    "save_adapter",
]
