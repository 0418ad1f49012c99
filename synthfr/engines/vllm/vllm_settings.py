"""Parameters of vLLM."""

from __future__ import annotations

from typing import ClassVar, Literal

from synthfr.section import Count, ProperShare, Section


class VllmSettings(Section):
    """Parameters `engines.vllm`: see the comments in params.yaml."""

    renamed: ClassVar[dict[str, str]] = {"memory_share": "gpu_memory_utilization"}

    policy: Literal["merged", "lora"] = "merged"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    tensor_parallel: Count = 1
    pipeline_parallel: Count = 1
    data_parallel: Count = 1
    gpu_memory_utilization: ProperShare = 0.9
    max_model_len: Count | None = None
    max_batched_tokens: Count | None = None
    eager: bool = False
