"""The coders there are; which one is used is a parameter (`classify.coder.kind`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from synthfr.coding.coder import Coder
from synthfr.coding.encoder import EncoderSettings
from synthfr.coding.tfidf import TfidfSettings
from synthfr.section import Section


class CoderSettings(Section):
    """Parameters `classify.coder`: see the comments in params.yaml."""

    kind: Literal["tfidf", "encoder"] = "tfidf"
    tfidf: TfidfSettings = TfidfSettings()
    encoder: EncoderSettings = EncoderSettings()

    @model_validator(mode="after")
    def _named(self) -> CoderSettings:
        if self.kind == "encoder" and not self.encoder.model:
            raise ValueError("kind 'encoder' wants encoder.model: a folder or owner/name@commit")
        return self


def coder(texts: Sequence[str], params: CoderSettings, seed: int, scratch: Path) -> Coder:
    """The coder that ``params.kind`` names; `scratch` keeps what a killed run has done."""
    if params.kind == "encoder":
        from synthfr.coding.encoder import EncoderCoder

        return EncoderCoder(texts, params.encoder, seed, scratch)
    from synthfr.coding.tfidf import TfidfCoder

    return TfidfCoder(texts, params.tfidf, seed)
