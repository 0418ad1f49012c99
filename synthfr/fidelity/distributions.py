"""How reports are distributed: in length, sections, codes, numbers and denials, in their words.

Of kinds of things (headings, codes, pairs of codes, words) the Jensen-Shannon divergence, of
numbers the mean and the Kolmogorov-Smirnov distance. Kinds that fewer than `fewest` of a side
have decide nothing one by one (`fidelity.kinds`). What is told of a corpus is its distance
from `holdout`; the floor is that of real reports that the loop has used.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synthfr.fidelity import content
from synthfr.fidelity.divergence import kolmogorov_smirnov
from synthfr.fidelity.kinds import Apart, Side, apart
from synthfr.fidelity.sentences import sentences
from synthfr.records import owners_of
from synthfr.text.tokens import words

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

SIDES = ("real", "synthetic", "floor")

# a number of each report
_NUMBERS: Mapping[str, Callable[[str, str, Sequence[str]], float]] = {
    "words_per_report": lambda text, language, codes: len(words(text)),
    "sentences_per_report": lambda text, language, codes: len(sentences(text, language)),
    "sections_per_report": lambda text, language, codes: len(content.headings(text, language)),
    "codes_per_report": lambda text, language, codes: len(content.codes(codes)),
    "numbers_per_100_words": lambda text, language, codes: content.numbers_per_100_words(text),
}
# things of several kinds in each report
_KINDS: Mapping[str, Callable[[str, str, Sequence[str]], Sequence[Hashable]]] = {
    "sections": lambda text, language, codes: content.headings(text, language),
    "codes": lambda text, language, codes: content.codes(codes),
    "code_pairs": lambda text, language, codes: content.code_pairs(codes),
    "words": lambda text, language, codes: content.unigrams(text),
}


def distributions(
    made: pd.DataFrame, holdout: pd.DataFrame, train: pd.DataFrame, fewest: int
) -> dict[str, Any]:
    """Of as many reports each (columns report_id, text, language, codes, perhaps patient_id).

    Returns:
        Of numbers ``{"real", "synthetic", "difference", "floor", "ks": {"synthetic", "floor"}}``:
        means of holdout and synthetic, difference = real - synthetic, floor = holdout - train; ks
        in [0, 1]. Of kinds what `fidelity.kinds.Apart` has, each ``{"synthetic", "floor"}``: the
        divergence ``js``, and the shares that tell what it cannot see. ``negated_share`` is there
        where every language has cues of negation.
    """
    rows = {
        name: list(zip(side["text"], side["language"], side["codes"], strict=True))
        for name, side in zip(SIDES, (holdout, made, train), strict=True)
    }
    owners: dict[str, Sequence[Hashable]] = {
        "real": owners_of(holdout),
        "synthetic": range(len(made)),
        "floor": owners_of(train),
    }
    numbers = dict(_NUMBERS)
    if all(content.has_negation(one) for one in {row[1] for own in rows.values() for row in own}):
        numbers["negated_share"] = lambda text, language, codes: content.negated_share(
            text, language
        )
    found: dict[str, Any] = {"reports": len(made)}
    for name, number in numbers.items():
        found[name] = _of_numbers(
            {side: [number(*row) for row in own] for side, own in rows.items()}
        )
    for name, kinds in _KINDS.items():
        found[name] = _of_kinds(
            {side: Side([kinds(*row) for row in own], owners[side]) for side, own in rows.items()},
            fewest,
        )
    return found


def _of_numbers(values: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    real, made, train = (np.array(values[side], dtype=np.float64) for side in SIDES)
    return {
        "real": float(real.mean()),
        "synthetic": float(made.mean()),
        "difference": float(real.mean() - made.mean()),
        "floor": float(real.mean() - train.mean()),
        "ks": {
            "synthetic": kolmogorov_smirnov(real, made),
            "floor": kolmogorov_smirnov(real, train),
        },
    }


def _of_kinds(sides: Mapping[str, Side], fewest: int) -> dict[str, Any]:
    real, made, train = (sides[side] for side in SIDES)
    found = {
        "synthetic": apart(real, made, fewest, private=False),
        "floor": apart(real, train, fewest, private=True),
    }
    parts = [part.name for part in fields(Apart)]
    return {part: {side: getattr(one, part) for side, one in found.items()} for part in parts}
