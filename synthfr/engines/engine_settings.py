"""How a stage has texts written (`Sampling`), and how each engine runs (`Engines`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from synthfr.engines.openai.openai_settings import OpenaiSettings
from synthfr.engines.vllm.vllm_settings import VllmSettings
from synthfr.section import Count, Section


class Sampling(Section):
    engine: Literal["transformers", "vllm", "openai"] = "transformers"
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    top_k: Annotated[int, Field(ge=0)] = 0
    max_new_tokens: Count = 256
    batch_size: Count = 200
    shard_size: Count = 200


class Engines(Section):
    vllm: VllmSettings = VllmSettings()
    openai: OpenaiSettings = OpenaiSettings()
