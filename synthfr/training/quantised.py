"""A policy whose frozen weights are in 4 bits (QLoRA, Dettmers et al. 2023).

The adapters of earlier steps are merged in float32 first: merging into 4 bits would lose them. The
fresh adapter is trained around the quantised weights, and stands, like any other, on the policy as
it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthfr.models import ModelFiles, Policy


def config() -> Any:
    """NormalFloat4 with double quantisation, computing in bfloat16."""
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def load(files: ModelFiles, merged: Path) -> Policy:
    """The policy of `files` with its weights in 4 bits, each process on its own GPU.

    Weights to merge lie for a while in `merged`.
    """
    import torch
    from transformers import AutoModelForCausalLM

    from synthfr import distributed, models
    from synthfr.models.merged import merged_policy

    device: Any = distributed.local_rank() if torch.cuda.is_available() else "cpu"
    with merged_policy(files, merged, "float32") as folder:
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            quantization_config=config(),
            dtype=torch.bfloat16,
            device_map={"": device},
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
    tokenizer = models.load_tokenizer(files)
    return models.Policy(model, tokenizer, files.lineage, files.chat_template)
