"""Settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from synthfr.section import Count, NonNegative, Positive, Section


class Price(Section):
    """Of a million tokens, in any currency."""

    input: NonNegative = 0.0
    output: NonNegative = 0.0


class OpenaiSettings(Section):
    """Parameters `engines.openai`: see the comments in params.yaml."""

    base_url: str | None = None
    model: Annotated[str, Field(min_length=1)] = "{name}"
    chat: bool = False
    api_key_variable: Annotated[str, Field(min_length=1)] = "OPENAI_API_KEY"
    concurrency: Count = 32
    requests_per_minute: Count | None = None
    timeout_s: Positive = 600.0
    max_retries: Annotated[int, Field(ge=0)] = 6
    price_per_million: Price = Price()
