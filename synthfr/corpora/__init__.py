"""Sources of seed reports: the bundled demo corpus, and files of the user's own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from synthfr.corpora.corpus import Corpus
from synthfr.corpora.demo import DemoSizes
from synthfr.corpora.files import SeedFiles
from synthfr.section import Section

__all__ = ["Corpus", "Seed", "load"]


class Seed(Section):
    """Parameters `seed`: see the comments in params.yaml."""

    source: Literal["demo", "files"] = "demo"
    language: Annotated[str, Field(min_length=2)] = "fr"
    demo: DemoSizes = DemoSizes()
    files: SeedFiles = SeedFiles()


def load(params: Seed, random_seed: int) -> Corpus:
    """The corpus that ``seed`` in the parameters names, its tables checked.

    Raises:
        UserError: for whatever is wrong with the user's files.
    """
    from synthfr.records import CODES, REPORTS, validate

    if params.source == "demo":
        from synthfr.corpora import demo

        corpus = demo.corpus(params.demo, random_seed)
    else:
        from synthfr.corpora import files

        corpus = files.corpus(params, random_seed)
    validate(corpus.public, REPORTS, "public seed")
    validate(corpus.private_train, REPORTS, "private reports, train")
    validate(corpus.private_holdout, REPORTS, "private reports, holdout")
    validate(corpus.codes, CODES, "code list")
    return corpus
