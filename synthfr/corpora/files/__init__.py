"""Source ``files``: the user's own public and private reports, with a mapping of column names.

`read` gathers all that is wrong with the files; `corpus` refuses them with all of it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from synthfr import seeding
from synthfr.corpora.corpus import Corpus
from synthfr.corpora.files.code_list import CodeRows, code_list
from synthfr.corpora.files.reports import Reports, read_reports
from synthfr.corpora.files.same_reports import PASSAGE, Overlap, Same, overlap
from synthfr.corpora.files.sections import FileSource, SeedFiles
from synthfr.corpora.problems import UserErrors, brief, places, sentences
from synthfr.errors import UserError
from synthfr.text.language_names import known_languages

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.corpora import Seed

__all__ = [
    "FileSource",
    "Reading",
    "SeedFiles",
    "corpus",
    "private_side",
    "read",
    "split_by_patient",
]


@dataclass(frozen=True)
class Reading:
    """The user's files as they were read, and all that is to be said of them."""

    public: Reports
    private: Reports
    codes: pd.DataFrame | None  # None: the code list has a problem
    corpus: Corpus | None  # None: there are problems
    problems: tuple[str, ...]  # sentences; each of them stops a run
    notes: tuple[str, ...]  # sentences; none of them does


def corpus(params: Seed, random_seed: int) -> Corpus:
    """The user's corpus; the private reports split by patient.

    Raises:
        UserErrors: with everything that is wrong, each naming file, rows and remedy; never any
            text of a report.
    """
    reading = read(params, random_seed)
    if reading.corpus is None:
        raise UserErrors(reading.problems)
    return reading.corpus


def read(
    params: Seed,
    random_seed: int,
    public: Reports | None = None,
    listed: Callable[[], CodeRows] | None = None,
) -> Reading:
    """Read all files, and find all that is wrong with each and between them.

    The rows without a mistake are looked at further even where others have some, so that nobody
    mends one mistake a run. `public` and `listed` are public reports and code list where they come
    from elsewhere than `seed.files`.
    """
    files, problems, notes = params.files, list[str](), list[str]()
    if params.language not in known_languages():
        problems.append(
            f"seed.language: there are no resources for language '{params.language}' (known: "
            f"{', '.join(known_languages())}): correct it, or add a file to synthfr/text/languages."
        )
    if public is None:
        public = read_reports(files.public, "public", params.language, files.list_separator)
    private = read_reports(files.private, "private", params.language, files.list_separator)
    for side in (public, private):
        problems += side.problems
        notes += side.notes
    codes = None
    if not problems or params.language in known_languages():
        try:
            codes = code_list(files, params.language, listed() if listed else None)
        except UserError as error:
            problems += sentences(error)
    if private.frame is None:
        return Reading(public, private, codes, None, tuple(problems), tuple(notes))
    if public.frame is not None:
        public, refused, noted = _apart(public, private, files)
        problems += refused
        notes += noted
    notes += _of_patients(private)
    try:
        parts = split_by_patient(private.frame, files.holdout_share, random_seed)
    except UserError as error:
        parts = None
        if not private.problems:  # rows with mistakes may be what is missing
            problems.append(str(error))
    whole = None
    if not problems and public.frame is not None and parts and codes is not None:
        whole = Corpus(public.frame.reset_index(drop=True), *parts, codes)
    return Reading(public, private, codes, whole, tuple(problems), tuple(notes))


def private_side(
    params: Seed, random_seed: int, public: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and holdout part of the user's private reports, as `corpus` makes them, where the
    `public` ones (REPORTS) come from another site. None of them may be private too.

    Raises:
        UserErrors: with everything that is wrong; never any text of a report.
    """
    files = params.files.model_copy(update={"also_public": "refuse"})
    private = read_reports(files.private, "private", params.language, files.list_separator)
    problems = list(private.problems)
    if private.frame is not None:
        theirs = Reports(Path("the public seed"), public.set_axis(range(1, len(public) + 1)))
        problems += _apart(theirs, private, files)[1]
    if problems or private.frame is None:
        raise UserErrors(problems)
    return split_by_patient(private.frame, files.holdout_share, random_seed)


def split_by_patient(
    private: pd.DataFrame, holdout_share: float, random_seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and holdout part, no patient in both (without `patient_id`: by report).

    A patient's side depends on the seed and the patient's id alone, so that it stays when reports
    are added; the share is therefore met on average.
    """
    patients = private["patient_id" if "patient_id" in private else "report_id"]
    threshold = holdout_share * 2.0**seeding.SEED_BITS
    held = patients.map(lambda patient: seeding.derive(random_seed, "holdout", patient) < threshold)
    parts = private[~held].reset_index(drop=True), private[held].reset_index(drop=True)
    if not all(map(len, parts)):
        raise UserError(
            f"The {patients.nunique()} private patients do not fill both train and holdout at "
            f"seed.files.holdout_share {holdout_share}: give more of them or change the share."
        )
    return parts


def _of_patients(private: Reports) -> Iterator[str]:
    assert private.frame is not None
    if "patient_id" not in private.frame:
        yield (
            f"{private.path} has no patients: train and holdout are split by report, and documents "
            "of one patient may stand in both: map patient_id in seed.files.private.columns if the "
            "file knows them."
        )


def _apart(
    public: Reports, private: Reports, files: SeedFiles
) -> tuple[Reports, list[str], list[str]]:
    """Whether a private report, or its patient, is on the public side too, which would be trained
    on and shown: a hole in the wall. The public side without them where the parameters say so,
    else the problems; and notes.
    """
    ours, theirs = private.frame, public.frame
    assert ours is not None and theirs is not None
    both = overlap(theirs["text"], ours["text"], files.also_public_share)
    notes = []
    if both.twice:
        rows = [int(ours.index[place]) for place in both.twice]
        where = places(rows, private.ids())
        notes.append(
            f"{private.path}, {where}: the text is that of an earlier row: the same report counts "
            "several times, and may stand in train and holdout: remove the copies, unless several "
            "patients really have it."
        )
    shared = _shared_patients(public, private)
    if files.also_public == "leave_out":
        out = {int(theirs.index[place]) for place in both.public}
        out |= set(theirs.index[theirs["patient_id"].isin(shared)]) if shared else set()
        if out:
            notes.append(
                f"{public.path}: {len(out)} of {len(theirs)} public reports are left out, because "
                "they, or their patients, are private too (seed.files.also_public: leave_out)."
            )
        kept = theirs.drop(index=sorted(out))
        if kept.empty:
            return public, [f"{public.path}: no public report is left: give others."], notes
        return replace(public, frame=kept), [], notes
    return public, [*_told_same(both, public, private), *_told_shared(shared, private)], notes


def _told_same(both: Overlap, public: Reports, private: Reports) -> Iterator[str]:
    remedy = (
        "remove it from one of them, or set seed.files.also_public to leave_out (of the public "
        "side)"
    )
    where = _where_same([one for one in both.same if one.equal], public, private)
    if where:
        yield (
            f"{private.path}, {where}: the report is also in {public.path}, whose reports may be "
            f"shared (case, white space, accents and punctuation apart): {remedy}."
        )
    where = _where_same([one for one in both.same if not one.equal], public, private)
    if where:
        yield (
            f"{private.path}, {where}: the report is in large part also in {public.path}, whose "
            f"reports may be shared (passages of {PASSAGE} words that both have, as a share of the "
            f"shorter one's): {remedy}; seed.files.also_public_share says what is too much."
        )


def _where_same(same: list[Same], public: Reports, private: Reports) -> str:
    if not same:
        return ""
    ours, theirs = private.frame, public.frame
    assert ours is not None and theirs is not None
    there = public.ids()
    notes = {
        int(ours.index[one.private]): f"there row {brief(int(theirs.index[one.public]), there)}"
        + ("" if one.equal else f", {one.share:.0%}")
        for one in same
    }
    return places(list(notes), private.ids(), notes)


def _shared_patients(public: Reports, private: Reports) -> set[str]:
    ours, theirs = private.frame, public.frame
    assert ours is not None and theirs is not None
    if "patient_id" not in ours or "patient_id" not in theirs:
        return set()
    return set(ours["patient_id"]) & set(theirs["patient_id"])


def _told_shared(shared: set[str], private: Reports) -> Iterator[str]:
    ours = private.frame
    assert ours is not None
    if shared:
        rows = [int(row) for row in ours.index[ours["patient_id"].isin(shared)]]
        where = places(rows, private.ids())
        yield (
            f"{private.path}, {where}: {len(shared)} of its patients have reports on the public "
            "side too, by their patient_id: remove them from one side; where the ids only look "
            "alike, map no patient_id for the public side."
        )
