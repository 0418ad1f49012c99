"""Parameters of vLLM: the policy's, and where a judge has its own."""

from __future__ import annotations

from typing import ClassVar, Literal

from synthfr.section import Count, ProperShare, Section

JudgeRole = Literal["judge", "similarity_judge"]
Role = Literal["policy"] | JudgeRole


class VllmSettings(Section):
    """What one vLLM is started with. `section`: where this stands in ``params.yaml``, for
    messages.
    """

    section: ClassVar[str] = "engines.vllm"
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

    @property
    def gpus_each(self) -> int:
        """GPUs that hold one copy of the model."""
        return self.tensor_parallel * self.pipeline_parallel


class JudgeVllm(VllmSettings):
    """vLLM as the judge has it."""

    section: ClassVar[str] = "engines.vllm.judge"


class SimilarityJudgeVllm(VllmSettings):
    """vLLM as the similarity judge has it."""

    section: ClassVar[str] = "engines.vllm.similarity_judge"


class VllmOverrides(Section):
    """What a judge, another model than the policy, has otherwise than the policy; None: the same.

    No text depends on any of it: changing these reruns nothing.
    """

    tensor_parallel: Count | None = None
    pipeline_parallel: Count | None = None
    data_parallel: Count | None = None
    gpu_memory_utilization: ProperShare | None = None
    max_model_len: Count | None = None
    max_batched_tokens: Count | None = None
    eager: bool | None = None


class VllmOfAllRoles(VllmSettings):
    """Parameters `engines.vllm`: see the comments in params.yaml."""

    judge: VllmOverrides = VllmOverrides()
    similarity_judge: VllmOverrides = VllmOverrides()

    def of(self, role: Role) -> VllmSettings:
        """The settings that the model in this role is started with."""
        common = self.model_dump(exclude={"judge", "similarity_judge"})
        if role == "policy":
            return VllmSettings(**common)
        own: VllmOverrides = getattr(self, role)
        kind = JudgeVllm if role == "judge" else SimilarityJudgeVllm
        return kind(**common | own.model_dump(exclude_none=True))
