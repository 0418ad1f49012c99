"""What gives each candidate its `similarity`: an encoder that compares it with one private
document, or a discriminator that knows private reports as a whole (`score.evaluator`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from synthfr.scoring.evaluators import evaluator
from synthfr.scoring.similarity import similarities

if TYPE_CHECKING:
    from synthfr.scoring.scores import Score

DISCRIMINATOR = "discriminator"


@dataclass(frozen=True)
class Documents:
    """Reports by id: their texts, headings stripped where that is wanted, and whom each is about
    (where that is not known, each report has an owner of its own).
    """

    texts: Mapping[str, str]
    owners: Mapping[str, str]


class Rater(Protocol):
    """Something that has learnt from the private documents what it needs."""

    weights: Path | None  # its weights file, for the record of what was used; None: it has none
    measures: Mapping[str, Any]  # numbers about itself, which may leave; empty: none

    def rate(self, texts: Sequence[str], prompt_ids: Sequence[str]) -> NDArray[np.float64]:
        """Similarity in [-1, 1] of each candidate of these prompts, shape (n_texts,); a blank one
        is similar to nothing: 0.
        """


def rater(
    params: Score,
    private: Documents,
    against: Mapping[str, str],
    public: Documents,
    random_seed: int,
) -> Rater:
    """The rater that `params.evaluator` names, fitted; one that cannot be had is a UserError.

    `private` are all private documents by prompt_id, `against` the text that each prompt's
    candidates are compared with (nothing to a discriminator), `public` the public seed by report_id
    (nothing to an encoder).
    """
    if params.evaluator == DISCRIMINATOR:
        from synthfr.scoring.discriminator import Discriminator

        return Discriminator(params.discriminator, private, public, random_seed)
    return EncoderRater(params, private, against)


class EncoderRater:
    """Similarity to one document: see `similarities`."""

    measures: Mapping[str, Any] = {}

    def __init__(self, params: Score, private: Documents, against: Mapping[str, str]) -> None:
        self._params = params
        self._against = against
        self._encoder = evaluator(params)
        self._encoder.fit([private.texts[key] for key in sorted(private.texts)])
        self.weights: Path | None = self._encoder.weights

    def rate(self, texts: Sequence[str], prompt_ids: Sequence[str]) -> NDArray[np.float64]:
        """Each document is encoded once for all its candidates."""
        used = sorted(set(prompt_ids))
        place = {key: index for index, key in enumerate(used)}
        return similarities(
            self._encoder,
            texts,
            [self._against[key] for key in used],
            np.array([place[key] for key in prompt_ids], dtype=np.int64),
            self._params.window_tokens,
            self._params.stride_tokens,
        )
