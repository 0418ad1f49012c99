"""How a stage has texts written (`Sampling`), and how each engine runs (`Engines`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from synthfr.engines.openai.openai_settings import OpenaiSettings
from synthfr.engines.vllm.vllm_settings import VllmOfAllRoles
from synthfr.section import Count, Section


class Sampling(Section):
    engine: Literal["transformers", "vllm", "openai"] = "transformers"
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    top_k: Annotated[int, Field(ge=0)] = 0
    max_new_tokens: Count = 256
    batch_size: Count = 200
    chunk_size: Count = 200

    renamed: ClassVar[Mapping[str, str]] = {"shard_size": "chunk_size"}


class Engines(Section):
    """Parameters `engines`: see the comments in params.yaml."""

    vllm: VllmOfAllRoles = VllmOfAllRoles()
    openai: OpenaiSettings = OpenaiSettings()
