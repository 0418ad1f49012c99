"""What is wrong with a user's files: one sentence a kind, and all of them at once.

A sentence names file, rows (how many, and the first ten with their ids cut), and the remedy; it
repeats nothing of a file's content.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from synthfr import redact
from synthfr.errors import UserError

SHOWN = 10  # rows named; more help nobody, and the count says how many there are


class UserErrors(UserError):
    """Several mistakes in the user's files; `sentences` has one for each kind."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = tuple(sentences)
        super().__init__(_together(self.sentences))


def sentences(error: UserError) -> tuple[str, ...]:
    """The sentences of any mistake: several of a `UserErrors`, else one."""
    return error.sentences if isinstance(error, UserErrors) else (str(error),)


def _together(told: Sequence[str]) -> str:
    """All in one line, numbered where there are several."""
    if len(told) == 1:
        return told[0]
    numbered = " ".join(f"({number}) {one}" for number, one in enumerate(told, start=1))
    return f"{len(told)} things to mend: {numbered}"


def places(
    numbers: Sequence[int],
    ids: Mapping[int, str] | None = None,
    notes: Mapping[int, str] | None = None,
    unit: str = "row",
) -> str:
    """Where it is: ``row 3 (report_id 's3')``, or ``12 rows (3 's3', 8 's9', ... and 2 more)``.

    Args:
        numbers: of rows or lines, from 1, in order; at least one.
        ids: number to report_id, as the file has it; what looks like no id is not shown.
        notes: number to what else is said of it, such as ``item 2``.
        unit: ``row`` or ``line``.
    """
    ids, notes = ids or {}, notes or {}
    if len(numbers) == 1:
        [number] = numbers
        about = [f"report_id {redact.shown_id(ids[number])}"] if ids.get(number) else []
        about += [notes[number]] if number in notes else []
        return f"{unit} {number}" + (f" ({', '.join(about)})" if about else "")
    shown = ", ".join(
        " ".join([brief(number, ids), *([notes[number]] if number in notes else [])])
        for number in numbers[:SHOWN]
    )
    more = len(numbers) - SHOWN
    return f"{len(numbers)} {unit}s ({shown}{f', and {more} more' if more > 0 else ''})"


def brief(number: int, ids: Mapping[int, str]) -> str:
    """``3 's3'``, or ``3`` where the id is missing or not to be shown."""
    known = redact.shown_id(ids[number]) if ids.get(number) else redact.HIDDEN
    return f"{number} {known}" if known != redact.HIDDEN else str(number)
