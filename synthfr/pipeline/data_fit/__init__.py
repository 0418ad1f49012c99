"""Whether a corpus, the base and the parameters fit each other: all that would end a stage minutes
or hours into a run, or cut reports in silence, as far as it can be known before.

Private side: the reports are read, counted and forgotten; a finding holds numbers and names of
parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from synthfr.corpora import teacher
from synthfr.errors import UserError
from synthfr.pipeline.data_fit.fit import Fit, note, stop
from synthfr.pipeline.findings import Finding

if TYPE_CHECKING:
    from synthfr.corpora.corpus import Corpus
    from synthfr.pipeline.parameters import Params

__all__ = ["Fit", "findings", "fits"]

SAMPLE = 5_000  # reports whose tokens are counted, of both sides together


def findings(corpus: Corpus, params: Params) -> Iterator[Finding]:
    """What `corpus` (see `corpora.load`) and `params` are to each other, line by line.

    ``stop``: a stage would end in an error. After the values that the lines name are set, none is
    left that a parameter mends.
    """
    return (one.finding for one in fits(corpus, params))


def fits(corpus: Corpus, params: Params) -> Iterator[Fit]:
    """The findings, with the values that mend them."""
    import pandas as pd

    from synthfr.pipeline.data_fit.base_language import language_fits
    from synthfr.pipeline.data_fit.base_reader import base_folder, base_reader
    from synthfr.pipeline.data_fit.costs import cost_fits
    from synthfr.pipeline.data_fit.exported import Exported, drawn, exported, prompt_counts
    from synthfr.pipeline.data_fit.label_counts import label_fits
    from synthfr.pipeline.data_fit.token_lengths import length_fits, measure

    made = exported(corpus, params)
    if not isinstance(made, Exported):
        yield made
        return
    yield from prompt_counts(made, params)
    yield from label_fits(corpus, made, params)
    try:
        folder = base_folder(params.base)
    except UserError as error:
        # a hub's snapshot may be fetched by the stage, or on another node
        weigh = note if params.base.source == "hub" else stop
        yield weigh("base", f"{_clause(error)}; lengths and language were not looked at")
        return
    try:
        reader = base_reader(params, folder)
        taught = teacher.rows(params.sft.teacher, params.prompt.template, params.seed.language)
    except UserError as error:
        yield stop("base", _clause(error))
        return
    both = pd.concat([corpus.public, corpus.private_train, corpus.private_holdout])
    texts = drawn(both, SAMPLE, params.random_seed)["text"].tolist()
    lengths = measure(reader, made, taught, texts, params)
    yield from length_fits(lengths, reader, made, params)
    yield from language_fits(reader, texts, params)
    yield from cost_fits(corpus, reader, params)


def _clause(error: UserError) -> str:
    return str(error).removesuffix(".")
