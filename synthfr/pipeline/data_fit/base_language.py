"""The base's language against the reports'."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from synthfr.models.base_languages import TINY_KNOWS, cannot_write
from synthfr.pipeline.data_fit.base_reader import BaseReader
from synthfr.pipeline.data_fit.fit import Fit, note, ok

if TYPE_CHECKING:
    from synthfr.pipeline.parameters import Params

# Running text in bytes of UTF-8 a token. A vocabulary made for a language has 3.5 to 5; the demo's
# ward notes, all abbreviations, have 2.3 and real French cases 2.6 with the tiny base, which is for
# French; English cases 1.9, Russian ones 1.0.
LEAST_BYTES_A_TOKEN = 2.0
ENOUGH = 500  # reports
MOST_UNKNOWN = 0.01  # of the tokens
_NO_PAIRS = (
    "its candidates score much alike, and a round that finds no pair to learn from stops (to only "
    "try the road, lower pair.min_margin)"
)


def language_fits(reader: BaseReader, texts: Sequence[str], params: Params) -> Iterator[Fit]:
    """`texts`: reports of both sides; some hundred tell a language."""
    texts = texts[:: max(1, len(texts) // ENOUGH)]
    source, language = params.base.source, params.seed.language
    if declared := cannot_write(source, reader.folder, language):
        yield note("language", f"{declared.removesuffix('.')}; {_NO_PAIRS}")
    measured = sum(len(text.encode()) for text in texts) / int((reader.reports(texts) - 1).sum())
    unknown = reader.unknown_share(texts)
    told = f"a token of the base holds {measured:.1f} bytes of the reports"
    if unknown > MOST_UNKNOWN:
        yield note(
            "language",
            f"the base's vocabulary cannot spell {unknown:.0%} of the reports: choose a base that "
            f"was made for '{language}' (section base)",
        )
    elif measured < LEAST_BYTES_A_TOKEN:
        yield note(
            "language",
            f"{told}, where {LEAST_BYTES_A_TOKEN:g} are few: its vocabulary was not made for "
            f"'{language}', it spells words by their letters, and hardly writes them; choose "
            "another base (section base)",
        )
    elif not declared:
        yield ok("language", f"{told}, and nothing says that it does not write '{language}'")
    if source == "tiny" and params.seed.source != "demo":
        yield note(
            "base",
            f"{TINY_KNOWS}: use it to try the road, and name a real base for figures (section "
            "base, or `synth-fr profile list`)",
        )
