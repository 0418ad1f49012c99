"""Where the code sets of a step's data set come from: `synthesize.code_sets` names it.

`cooccurrence` and `imitated` draw from what the private side exports, `uniform` and `given` need
nothing of it. The published Synth-FR has `imitated`, and `uniform` as its documented `random_gen`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthfr.corpora.code_files import given_code_sets, listed_codes
from synthfr.generation.code_sets import CodeSets, ImitatedSets

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from synthfr.generation.synthesis import Synthesize

Draw = Callable[[int, "np.random.Generator"], list[str]]


@dataclass(frozen=True)
class SetSource:
    """`draw` gives a report's codes, distinct, by its place in the data set (from 0) and a
    generator of its own; `codes` are all that may come.
    """

    codes: Sequence[str]
    draw: Draw


def open_source(params: Synthesize, table: pd.DataFrame, known: Sequence[str]) -> SetSource:
    """The source that the parameters name.

    Args:
        params: kind, size of a set, and files of the user's.
        table: CODE_SETS; read where the kind draws from it.
        known: the codes that have names.

    Raises:
        UserError: if there is nothing to draw from, or a file of the user's has a mistake.
    """
    if params.code_sets == "given":
        sets = given_code_sets(params.given, frozenset(known), params.max_codes)
        return SetSource(sorted({code for one in sets for code in one}), in_order(sets))
    if params.code_sets == "uniform":
        listed = params.code_list.path is not None
        codes = listed_codes(params.code_list, frozenset(known)) if listed else sorted(known)
        return SetSource(codes, uniform(codes, params.max_codes))
    kind = ImitatedSets if params.code_sets == "imitated" else CodeSets
    sampler = kind(table, params.max_codes)
    return SetSource(sampler.codes, lambda _, generator: sampler.draw(generator))


def in_order(sets: Sequence[Sequence[str]]) -> Draw:
    """One set after the other, from the first again behind the last."""
    return lambda index, _: list(sets[index % len(sets)])


def uniform(codes: Sequence[str], max_codes: int) -> Draw:
    """1 to `max_codes` of the distinct `codes`: every size and every code equally likely."""
    largest = min(max_codes, len(codes))

    def draw(_: int, generator: np.random.Generator) -> list[str]:
        size = int(generator.integers(1, largest + 1))
        return [codes[int(at)] for at in generator.choice(len(codes), size, replace=False)]

    return draw
