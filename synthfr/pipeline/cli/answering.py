"""``synth-fr score`` and other answers: inside the hospital, in any folder, without git or DVC.

What the hospital keeps lies in ``data/private`` of that folder, for its owner alone. Unexpected
errors are told without their messages, which may quote private text.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from synthfr import records
from synthfr.disk import atomic_path
from synthfr.errors import UserError
from synthfr.pipeline import layout, private_files
from synthfr.pipeline.command import without_message
from synthfr.pipeline.exchange import read_bundle
from synthfr.redact import private_stage
from synthfr.sites import exchanges
from synthfr.sites.exchanges import Answer, Exchange, Question
from synthfr.sites.memory import Memory

if TYPE_CHECKING:
    from synthfr.corpora import Seed
    from synthfr.pipeline.parameters import Params


def keywords(
    bundle: Path,
    out: Path,
    key: Path,
    senders: Sequence[Path],
    private: Path,
    columns: Sequence[str],
) -> None:
    """Answer which keywords the documents share. They, split into train and holdout, and those with
    prompts stay in ``data/private``.
    """
    with _inside("keywords"):
        question, params, memory = _asked(bundle, "keywords", senders)
        from synthfr.corpora import files
        from synthfr.keywords.coverage import summary
        from synthfr.keywords.export import exposure
        from synthfr.sites import keywords as exchange

        seed = _with_private(params.seed, private, columns)
        train, holdout = files.private_side(seed, params.random_seed, question.tables["seed"])
        done = exchange.answer(
            question, train, params.keywords, params.prompt.template, params.random_seed
        )
        for table, place, kind in (
            (train, layout.PRIVATE_TRAIN, records.REPORTS),
            (holdout, layout.PRIVATE_HOLDOUT, records.REPORTS),
            (done.inside.keyed, layout.KEYED, records.KEYED),
        ):
            records.write_table(table, place, kind, private=True)
        for note in (*exposure(params.keywords), *done.inside.notes):
            typer.echo(f"keywords: {note}", err=True)
        typer.echo(f"keywords: {summary(done.inside.counts)}")
        _give(question, done.answer, out, key, memory)


def score(bundle: Path, out: Path, key: Path, senders: Sequence[Path], private: Path) -> None:
    """Answer a question about candidates; all scores stay in ``data/private/rounds``."""
    with _inside("score"):
        question, params, memory = _asked(bundle, "scores", senders)
        from synthfr.sites import scores

        done = scores.answer(
            question,
            records.read_table(private, records.KEYED),
            params.score,
            params.pair,
            params.random_seed,
            layout.SECRET,
        )
        place = layout.private_scores(str(question.item))
        records.write_table(done.scores, place, records.PRIVATE_SCORES, private=True)
        _give(question, done.answer, out, key, memory)


def evaluate(bundle: Path, out: Path, key: Path, senders: Sequence[Path], private: Path) -> None:
    """Answer how useful, faithful and private a step's data set is, in figures alone."""
    with _inside("evaluate"):
        question, params, memory = _asked(bundle, "evaluation", senders)
        from synthfr.privacy import review
        from synthfr.sites import evaluation

        settings = evaluation.Settings(
            params.classify,
            params.privacy,
            params.fidelity.distances,
            params.keywords.min_documents,
            params.seed.source,
            params.random_seed,
        )
        tables = [
            records.read_table(private / place.name, kind)
            for place, kind in (
                (layout.PRIVATE_TRAIN, records.REPORTS),
                (layout.PRIVATE_HOLDOUT, records.REPORTS),
                (layout.KEYED, records.KEYED),
            )
        ]
        train, holdout, keyed = tables
        with tempfile.TemporaryDirectory() as scratch:
            done = evaluation.answer(question, train, holdout, len(keyed), settings, Path(scratch))
        for note in done.notes:
            typer.echo(f"fidelity: {note}", err=True)
        step = str(question.item)
        review.write(done.examined.pairs, layout.review(step), step, params.privacy.review)
        _give(question, done.answer, out, key, memory)


def _with_private(seed: Seed, private: Path, columns: Sequence[str]) -> Seed:
    """The section with the hospital's own file in it, and its names of columns if it gives any."""
    from pydantic import ValidationError

    source = seed.files.private.model_dump() | {"path": str(private)}
    if columns:
        source["columns"] = dict(one.partition("=")[::2] for one in columns)
    try:
        own = type(seed.files.private).model_validate(source)
    except ValidationError:
        raise UserError(
            "--columns: write ours=theirs, where ours is one of report_id, text, codes, keywords, "
            "language and patient_id."
        ) from None
    files = seed.files.model_copy(update={"private": own})
    whole = seed.model_copy(update={"files": files, "source": "files"})
    private_files.refuse_exposed(whole, layout.PRIVATE)
    return whole


@contextmanager
def _inside(command: str) -> Iterator[None]:
    """Around all work that has private text at hand."""
    try:
        with private_stage():
            layout.PRIVATE.mkdir(parents=True, exist_ok=True, mode=0o700)
            private_files.close(layout.PRIVATE)
            yield
    except (UserError, typer.Exit):
        raise
    except Exception as error:
        typer.echo(without_message(command, error), err=True)
        raise typer.Exit(1) from None


def _asked(
    path: Path, exchange: Exchange, senders: Sequence[Path]
) -> tuple[Question, Params, Memory]:
    """The question in a bundle, checked, the parameters in it, and what was answered before."""
    memory = Memory(layout.SITE_MEMORY)
    try:
        question = exchanges.read_question(read_bundle(path), exchange, senders)
        memory.check(question)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    new = memory.new(question)
    if new:
        typer.echo("The question sets these parameters, which you agree to by sending the answer:")
        for name, value in new.items():
            typer.echo(f"  {name}: {value}")
    return question, _params(question.params, path), memory


def _params(values: Mapping[str, Any], path: Path) -> Params:
    from synthfr.pipeline.parameters import parse
    from synthfr.pipeline.profiles import nested

    return parse(nested(values), str(path))


def _give(question: Question, answer: Answer, out: Path, key: Path, memory: Memory) -> None:
    """Write the answer, and remember that it was given."""
    private_files.refuse_published(out, None)
    data = exchanges.reply(question, answer, key)
    memory.keep(question)
    with atomic_path(out) as partial:
        partial.write_bytes(data)
    rows = ", ".join(f"{name} {len(frame)} rows" for name, frame in answer.tables.items())
    typer.echo(f"{out}: the answer to {question.name} ({rows or 'numbers'}). Look at it, send it.")
