"""The coders there are; which one is used is a parameter (`classify.coder.kind`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from synthfr.coding.coder import Coder
from synthfr.coding.encoder import EncoderSettings
from synthfr.coding.fine_tuning import FineTuning
from synthfr.coding.plm_icd import PlmIcdSettings
from synthfr.coding.tfidf import TfidfSettings
from synthfr.section import Section


class CoderSettings(Section):
    """Parameters `classify.coder`: see the comments in params.yaml."""

    kind: Literal["tfidf", "encoder", "plm_icd"] = "tfidf"
    tfidf: TfidfSettings = TfidfSettings()
    encoder: EncoderSettings = EncoderSettings()
    plm_icd: PlmIcdSettings = PlmIcdSettings()

    @property
    def fine_tuned(self) -> FineTuning | None:
        """The settings of the kind in use, where it fine-tunes a model."""
        return {"encoder": self.encoder, "plm_icd": self.plm_icd}.get(self.kind)

    @model_validator(mode="after")
    def _named(self) -> CoderSettings:
        if self.fine_tuned is not None and not self.fine_tuned.model:
            raise ValueError(
                f"kind '{self.kind}' wants {self.kind}.model: a folder or owner/name@commit"
            )
        return self


def coder(
    texts: Sequence[str],
    params: CoderSettings,
    seed: int,
    scratch: Path,
    keep: Path | None = None,
) -> Coder:
    """The coder that ``params.kind`` names; `scratch` keeps what a killed run has done, and a coder
    that fine-tunes a model keeps each one that it trains in a folder below `keep`.
    """
    if params.kind == "encoder":
        from synthfr.coding.encoder import EncoderCoder

        return EncoderCoder(texts, params.encoder, seed, scratch, keep)
    if params.kind == "plm_icd":
        from synthfr.coding.plm_icd import PlmIcdCoder

        return PlmIcdCoder(texts, params.plm_icd, seed, scratch, keep)
    from synthfr.coding.tfidf import TfidfCoder

    return TfidfCoder(texts, params.tfidf, seed)
