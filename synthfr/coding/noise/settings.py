"""Parameters of the stage `noise`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from synthfr.coding.noise.injection import WITHIN
from synthfr.section import Section, without_doubles

NoiseShare = Annotated[float, Field(gt=0, le=1)]


class Noise(Section):
    """Parameters `noise`: see the comments in params.yaml."""

    shares: Annotated[list[NoiseShare], AfterValidator(without_doubles)] = [
        *(0.1, 0.2, 0.3, 0.4),
        *(0.5, 0.6, 0.7, 0.8),
    ]
    equal_budget: bool = False

    @model_validator(mode="after")
    def _reached(self) -> Noise:
        if self.equal_budget and max(self.shares, default=0.0) > WITHIN:
            raise ValueError(
                f"shares has {max(self.shares)}, which equal_budget cannot reach where {WITHIN} of "
                f"a report's words are replaced: keep the shares at most {WITHIN}"
            )
        return self
