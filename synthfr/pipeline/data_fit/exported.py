"""What the stage ``keywords`` will make of a corpus, and ``synthesize`` of that: the tables that
all later stages stand on, over a sample where the corpus is large.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthfr import seeding
from synthfr.errors import UserError
from synthfr.generation.synthesis import Record, records
from synthfr.keywords.coverage import few_sets, sets_share
from synthfr.keywords.disclosure import shared_codes
from synthfr.keywords.export import (
    Keywords,
    export,
    exported_code_sets,
    exposure,
    patients,
    usable,
)
from synthfr.pipeline.data_fit.fit import Fit, note, ok, stop

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.corpora.corpus import Corpus
    from synthfr.pipeline.parameters import Params

# keywords are looked for in so many reports of each side: some 40 s on a core
SAMPLE = 1_000
FEWEST = 2  # patients: what one alone has is never shared


@dataclass(frozen=True)
class Exported:
    """`sft` and `prompts` are of at most `SAMPLE` reports of their side, `code_sets` of all;
    `planned` is what each step's data set will be asked for.
    """

    sft: pd.DataFrame  # SFT
    prompts: pd.DataFrame  # PROMPTS
    code_sets: pd.DataFrame  # CODE_SETS
    planned: list[Record]
    share: float  # of the private training reports that were looked at
    notes: tuple[str, ...]  # of the keyword step


def exported(corpus: Corpus, params: Params) -> Exported | Fit:
    """The tables, or why there are none."""
    how, private = params.keywords, corpus.private_train
    known = set(corpus.codes["code"])
    owners = patients(private)
    documents = private["codes"].tolist()

    def sets(how: Keywords) -> tuple[pd.DataFrame, list[list[str]]]:
        released = shared_codes(documents, owners, known, how.min_documents)
        return exported_code_sets(documents, released, owners, how), released

    def is_usable(min_documents: int) -> bool:
        lower = how.model_copy(update={"min_documents": min_documents})
        return usable(sets(lower)[0], lower)

    all_sets, released = sets(how)
    if not usable(all_sets, how):
        lower = range(how.min_documents - 1, FEWEST - 1, -1)
        found = next((least for least in lower if is_usable(least)), None)
        what = "whole code set" if how.code_sets == "sets" else "code set"
        text = (
            f"no {what} is shared by keywords.min_documents = {how.min_documents} private "
            f"patients of {len(set(owners))} (training side)"
        )
        if found is None:
            return stop("codes", f"{text}, nor by {FEWEST}: give more documents")
        return stop(
            "codes",
            f"{text}: give more documents, or set keywords.min_documents to {found}, if so few "
            "patients may stand behind what leaves",
            {"keywords.min_documents": found},
        )

    sample = drawn(private, SAMPLE, params.random_seed)
    share = len(sample) / len(private)
    # as many of the sample have what min_documents of all have
    least = max(1, int(how.min_documents * share))
    try:
        made = export(
            drawn(corpus.public, SAMPLE, params.random_seed),
            sample,
            corpus.codes,
            # whole sets are too rare to be looked for in a sample: those of all are above
            how.model_copy(update={"min_documents": least, "code_sets": "counts"}),
            params.prompt.template,
            params.random_seed,
        )
        planned = records(
            all_sets,
            corpus.codes,
            params.synthesize,
            params.seed.language,
            params.random_seed,
        )
    except UserError as error:
        return stop("keywords", _clause(error))
    notes = [*exposure(how), *made.notes]
    if how.code_sets == "sets":
        notes += few_sets(sets_share(all_sets, released))
    return Exported(made.sft, made.prompts, all_sets, planned, share, tuple(notes))


def prompt_counts(made: Exported, params: Params) -> Iterator[Fit]:
    """Whether there are prompts enough for rounds and evaluator, and what their making told."""
    yield from (note("prompts", text.removesuffix(".")) for text in made.notes)
    n_prompts = round(len(made.prompts) / made.share)
    about = "" if made.share == 1 else "some "
    told = f"{about}{n_prompts:,} private documents give a prompt"
    evaluator = params.score.evaluator
    if evaluator.kind == "local" and n_prompts < 3:
        yield stop("prompts", f"{told}, and score.evaluator.kind local wants 3: {_MORE}")
    if params.score.control == "wrong_document" and n_prompts < 2:
        yield stop("prompts", f"{told}, and score.control wrong_document wants 2: {_MORE}")
    fewer = {
        name: round_.prompts for name, round_ in params.rounds.items() if round_.prompts > n_prompts
    }
    if fewer:
        steps = max(1, round(n_prompts * (1 - params.dpo.validation_share) / params.dpo.batch_size))
        asked = ", ".join(f"rounds.{name}.prompts {number}" for name, number in fewer.items())
        yield note(
            "prompts",
            f"{told}, fewer than asked for ({asked}): each round uses all, at most {steps} "
            f"optimiser steps an epoch; for more of them {_MORE}",
        )
    else:
        yield ok("prompts", told)


def drawn(reports: pd.DataFrame, n: int, random_seed: int) -> pd.DataFrame:
    """At most `n` of the reports, chosen by id, in their own order."""
    if len(reports) <= n:
        return reports
    ranks = reports["report_id"].map(lambda name: seeding.derive(random_seed, "looked at", name))
    return reports[ranks.rank(method="first") <= n].reset_index(drop=True)


_MORE = (
    "give more documents, lower keywords.min_documents, or let the documents' codes add terms "
    "(keywords.complete_from_codes)"
)


def _clause(error: UserError) -> str:
    return str(error).removesuffix(".")
