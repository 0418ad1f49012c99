"""A round's candidates, each beside the private document that it is compared with. Private side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthfr import redact
from synthfr.errors import UserError
from synthfr.scoring.controls import Control, wrong_documents
from synthfr.scoring.raters import Documents
from synthfr.text import strip_headings as without_headings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Comparison:
    """A candidate and the private document that its prompt came from."""

    prompt_id: str
    number: int
    candidate: str
    document: str
    language: str

    @property
    def blank(self) -> bool:
        return not (self.document.strip() and self.candidate.strip())


@dataclass(frozen=True)
class Comparisons:
    """`rows` in the order of the candidates, and all `private` documents by prompt_id."""

    rows: list[Comparison]
    private: Documents


def beside_documents(
    candidates: pd.DataFrame,
    keyed: pd.DataFrame,
    *,
    strip_headings: bool,
    control: Control,
    random_seed: int,
    round_name: str,
) -> Comparisons:
    """Every candidate (CANDIDATES) with the private document (KEYED) of its prompt, joined by id.

    With the `control` 'wrong_document' it is another prompt's. `strip_headings` takes the section
    titles out of both texts. A prompt_id that is not among the documents is a UserError.
    """
    ids = candidates["prompt_id"].tolist()
    check_known(ids, set(keyed["prompt_id"]), "private documents")
    # a candidate is in the language of its document
    language = dict(zip(keyed["prompt_id"], keyed["language"], strict=True))
    private = Documents.of(keyed, "prompt_id", strip_headings)
    document_of = {key: key for key in ids}
    if control == "wrong_document":
        document_of = wrong_documents(ids, random_seed, round_name)
    rows = [
        Comparison(
            key,
            number,
            without_headings(text, language[key]) if strip_headings else text,
            private.texts[document_of[key]],
            language[key],
        )
        for key, number, text in zip(
            ids, candidates["candidate"].tolist(), candidates["text"].tolist(), strict=True
        )
    ]
    return Comparisons(rows, private)


def check_known(prompt_ids: list[str], known: set[str], where: str) -> None:
    """UserError unless all `prompt_ids` of the candidates are among the `known` ones."""
    unknown = sorted(set(prompt_ids) - known)
    if unknown:
        raise UserError(
            f"{len(unknown)} prompt_id of the candidates, such as {redact.shown_id(unknown[0])}, "
            f"are not among the {where}: they come from another run of keywords; run generate "
            "again."
        )
