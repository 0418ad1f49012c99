"""``synth-fr check-data``: all that is to be said of the user's own files, in one reading.

The stage `seed` reads them by the same code, so that what passes here is not refused there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from synthfr.errors import UserError
from synthfr.pipeline import data_fit, layout, private_files
from synthfr.pipeline.cli.showing import show
from synthfr.pipeline.command import without_message
from synthfr.pipeline.findings import Finding, Weight
from synthfr.pipeline.parameters import Params, load_params
from synthfr.redact import private_stage

if TYPE_CHECKING:
    from synthfr.corpora.files import Reading
    from synthfr.corpora.files.reports import Reports

# below this share of known codes the list and the reports' codes are hardly of one system
MIN_COVERAGE = 0.9


def report() -> int:
    """Print every finding; the exit status is 1 if anything in the files would stop a run."""
    params = load_params()
    stops = show(_exposed(params)) + show(checked(params))
    typer.echo(
        "Nothing in your files stops a run." if not stops else f"{stops} to mend before a run."
    )
    return int(stops > 0)


def _exposed(params: Params) -> Iterator[Finding]:
    if params.has("seed"):
        try:
            private_files.refuse_exposed(params.seed, layout.PRIVATE)
        except UserError as error:
            yield Finding("private", Weight.STOP, str(error))


def checked(params: Params) -> Iterator[Finding]:
    """The findings; an error that is not foreseen, which may quote a report, is one of them, told
    without its message.
    """
    with private_stage():
        try:
            yield from findings(params)
        except (UserError, KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:  # a panic in Rust is no Exception
            yield Finding("files", Weight.STOP, without_message("check-data", error))


def findings(params: Params) -> Iterator[Finding]:
    """What is to be said of the user's files and of the data sets of the hub that `seed` names; of
    the demo, that there are none.
    """
    if not params.has("seed") or params.seed.source == "demo":
        yield Finding("files", Weight.OK, "seed.source is demo: there is nothing of yours to check")
        return
    from synthfr.corpora import files, hub

    source = files if params.seed.source == "files" else hub
    reading = source.read(params.seed, params.random_seed)
    yield from (Finding("files", Weight.STOP, text) for text in reading.problems)
    yield from (Finding("files", Weight.NOTE, text) for text in reading.notes)
    for side in (reading.public, reading.private):
        yield from _counts(side)
    yield from _languages(reading, params)
    yield from _coverage(reading)
    corpus = reading.corpus
    del reading  # what the checks do not need may be large
    if corpus is not None:
        yield from data_fit.findings(corpus, params)


def _counts(side: Reports) -> Iterator[Finding]:
    if (frame := side.frame) is None or frame.empty:
        return
    from synthfr.text.tokens import words

    length = sum(len(words(text)) for text in frame["text"]) / len(frame)
    parts = [f"{len(frame)} reports", f"{length:.0f} words each"]
    if "patient_id" in frame:
        parts.append(f"{frame['patient_id'].nunique()} patients")
    coded = int(frame["codes"].map(bool).sum())
    parts.append(f"{coded} with codes")
    if (keyed := int(frame["keywords"].map(bool).sum())) > 0:
        parts.append(f"{keyed} with keywords")
    parts.append(f"in {', '.join(sorted(frame['language'].unique()))}")
    yield Finding("files", Weight.OK, f"{side.path}: {', '.join(parts)}")


def _languages(reading: Reading, params: Params) -> Iterator[Finding]:
    """Whether each language that occurs has a language file that can be read, and a template."""
    from synthfr import prompts, text

    frames = [one.frame for one in (reading.public, reading.private) if one.frame is not None]
    for code in sorted({code for frame in frames for code in frame["language"]}):
        try:
            name = text.language(code).name
            if params.has("prompt"):
                prompts.template_text(params.prompt.template, code)
        except UserError as error:
            yield Finding("language", Weight.STOP, str(error))
        else:
            yield Finding("language", Weight.OK, f"{name}: its file and its prompt template")


def _coverage(reading: Reading) -> Iterator[Finding]:
    """How many of the reports' codes the code list knows."""
    if reading.codes is None:
        return
    from synthfr.icd10.coverage import coverage
    from synthfr.icd10.names import SYNONYM

    listed = set(reading.codes["code"])
    own = sum(sources.count(SYNONYM) for sources in reading.codes["sources"])
    told = f"the code list has {len(listed)} codes with a label"
    yield Finding("codes", Weight.OK, told + (f", and {own} synonyms of yours" if own else ""))
    for side in (reading.private, reading.public):
        if side.frame is None or not (found := coverage(side.frame["codes"], listed)).occurrences:
            continue
        text = (
            f"{side.path}: the code list knows {found.known} of {found.occurrences} code "
            f"occurrences ({found.share_known:.1%})"
        )
        if others := found.occurrences - found.known:
            text += (
                f"; of the {others} others ({found.distinct_unknown} distinct codes) "
                f"{found.wider_known} count as a wider code of the list, "
                f"{others - found.wider_known} are left out"
            )
        if found.share_known >= MIN_COVERAGE:
            yield Finding("codes", Weight.OK, text)
            continue
        if found.clinical_modification:
            text += f", {found.clinical_modification} have a form that only ICD-10-CM has"
        text += ": name the list that the reports are coded with in seed.files.codes.path"
        yield Finding("codes", Weight.NOTE, text)
