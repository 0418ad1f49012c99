"""Sources of seed reports: the bundled demo corpus, files of the user's own, and data sets of the
hub beside the user's private files.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from synthfr.corpora.corpus import Corpus
from synthfr.corpora.demo import DemoSizes
from synthfr.corpora.files import SeedFiles
from synthfr.corpora.hub.sections import SeedHub
from synthfr.corpora.problems import UserErrors
from synthfr.section import Section

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Corpus", "Seed", "load", "public_side"]


class Seed(Section):
    """Parameters `seed`: see the comments in params.yaml."""

    source: Literal["demo", "files", "hub"] = "demo"
    language: Annotated[str, Field(min_length=2)] = "fr"
    demo: DemoSizes = DemoSizes()
    files: SeedFiles = SeedFiles()
    hub: SeedHub = SeedHub()
    canaries: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _named(self) -> Seed:
        if self.source == "hub" and self.hub.public.repo_id is None:
            raise ValueError(
                "source 'hub' wants 'hub.public.repo_id', owner/name@commit of the data set with "
                "the public reports"
            )
        return self


def public_side(params: Seed, random_seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Public seed (REPORTS) and code list (CODES) of the corpus that `load` would load, where no
    private report is: what of them is also private is then for the private side to tell.

    Raises:
        UserError: for whatever is wrong with what is public.
    """
    from synthfr.records import CODES, REPORTS, validate

    if params.source == "demo":
        from synthfr.corpora import demo

        corpus = demo.corpus(DemoSizes(public=params.demo.public), random_seed)
        return corpus.public, corpus.codes
    from synthfr.corpora import files, hub

    read = files.read if params.source == "files" else hub.read
    nothing = params.files.private.model_copy(update={"path": None})
    of_public = params.files.model_copy(update={"private": nothing})
    reading = read(params.model_copy(update={"files": of_public}), random_seed)
    problems = [one for one in reading.problems if one not in reading.private.problems]
    if problems or reading.public.frame is None or reading.codes is None:
        raise UserErrors(problems)
    public = reading.public.frame.reset_index(drop=True)
    validate(public, REPORTS, "public seed")
    validate(reading.codes, CODES, "code list")
    return public, reading.codes


def load(params: Seed, random_seed: int) -> Corpus:
    """The corpus that ``seed`` in the parameters names, its tables checked, with canaries planted
    where they are asked for.

    Raises:
        UserError: for whatever is wrong with the user's files or the data sets of the hub.
    """
    from synthfr.corpora import canaries
    from synthfr.records import CODES, REPORTS, validate

    if params.source == "demo":
        from synthfr.corpora import demo

        corpus = demo.corpus(params.demo, random_seed)
    elif params.source == "files":
        from synthfr.corpora import files

        corpus = files.corpus(params, random_seed)
    else:
        from synthfr.corpora import hub

        corpus = hub.corpus(params, random_seed)
    validate(corpus.public, REPORTS, "public seed")
    validate(corpus.private_train, REPORTS, "private reports, train")
    validate(corpus.private_holdout, REPORTS, "private reports, holdout")
    validate(corpus.codes, CODES, "code list")
    train, drawn = canaries.planted(corpus.private_train, params.canaries, random_seed)
    return replace(corpus, private_train=train, canaries=drawn)
