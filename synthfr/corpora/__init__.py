"""Sources of seed reports: the bundled demo corpus, files of the user's own, and data sets of the
hub beside the user's private files.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, model_validator

from synthfr.corpora.corpus import Corpus
from synthfr.corpora.demo import DemoSizes
from synthfr.corpora.files import SeedFiles
from synthfr.corpora.hub.sections import SeedHub
from synthfr.section import Section

__all__ = ["Corpus", "Seed", "load"]


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
