"""The parameters `seed.files`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from synthfr.corpora.files.lexicon import Breadth
from synthfr.section import ProperShare, Section, Share


class FileSource(Section):
    """Parameters `seed.files.public`, `private`, `codes` and `synonyms`:
    see the comments in params.yaml.
    """

    path: str | None = None
    columns: dict[
        Literal[
            "report_id",
            "text",
            "codes",
            "keywords",
            "language",
            "patient_id",
            "code",
            "label",
            "synonyms",
        ],
        str,
    ] = {}


class SeedFiles(Section):
    """Parameters `seed.files`: see the comments in params.yaml."""

    public: FileSource = FileSource(path="data/public/raw")
    private: FileSource = FileSource(path="data/private/raw")
    codes: FileSource = FileSource(path="data/public/codes")
    synonyms: FileSource = FileSource(path="data/public/synonyms")
    lexicon: Breadth = "conditions"
    list_separator: Annotated[str, Field(min_length=1)] = ";"
    holdout_share: ProperShare = 0.3
    also_public: Literal["refuse", "leave_out"] = "refuse"
    also_public_share: Share = 0.5
