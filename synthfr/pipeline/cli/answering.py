"""``synth-fr score`` and other answers: inside the hospital, in any folder, without git or DVC.

What the hospital keeps lies in ``data/private`` of that folder, for its owner alone. Unexpected
errors are told without their messages, which may quote private text.
"""

from __future__ import annotations

import json
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
from synthfr.pipeline.exchange import read_bundle, refuse_canaries
from synthfr.redact import private_stage
from synthfr.sites import exchanges, limits
from synthfr.sites.exchanges import Answer, Exchange, Question
from synthfr.sites.memory import Memory

if TYPE_CHECKING:
    from synthfr.corpora import Seed
    from synthfr.pipeline.parameters import Params

_NOT_THEIRS = "seed.files.private."  # where the documents lie, and how their columns are called


def keywords(
    bundle: Path,
    out: Path,
    key: Path,
    senders: Sequence[Path],
    private: Path,
    columns: Sequence[str],
    weaker: Sequence[str],
    max_words: float | None,
) -> None:
    """Answer which keywords the documents share. They, split into train and holdout, and those with
    prompts stay in ``data/private``.
    """
    with _inside("keywords"):
        question, params, memory = _asked(bundle, "keywords", senders, weaker)
        from synthfr.corpora import files
        from synthfr.keywords.coverage import summary
        from synthfr.keywords.export import exposure
        from synthfr.sites import keywords as exchange

        seed = _with_private(params.seed, private, columns)
        train, holdout = files.private_side(seed, params.random_seed, question.tables["seed"])
        done = exchange.answer(
            question, train, params.keywords, params.prompt.template, params.random_seed
        )
        most = exchange.MOST_WORDS if max_words is None else max_words
        exchange.check_words_leaving(done.inside.keyed, most)
        for table, place, kind in (
            (train, layout.PRIVATE_TRAIN, records.REPORTS),
            (holdout, layout.PRIVATE_HOLDOUT, records.REPORTS),
            (done.inside.keyed, layout.KEYED, records.KEYED),
            (done.inside.code_sets, layout.LET_OUT, records.CODE_SETS),
        ):
            records.write_table(table, place, kind, private=True)
        for note in (*exposure(params.keywords), *done.inside.notes):
            typer.echo(f"keywords: {note}", err=True)
        typer.echo(f"keywords: {summary(done.inside.counts)}")
        mean, highest = exchange.words_leaving(done.inside.keyed)
        typer.echo(f"keywords: {mean:.1%} of a document's words leave, and {highest:.1%} of one's.")
        _give(question, done.answer, out, key, memory)


def score(
    bundle: Path,
    out: Path,
    key: Path,
    senders: Sequence[Path],
    private: Path,
    weaker: Sequence[str],
) -> None:
    """Answer a question about candidates; all scores stay in ``data/private/rounds``."""
    with _inside("score"):
        question, params, memory = _asked(bundle, "scores", senders, weaker)
        from synthfr.sites import scores

        done = scores.answer(
            question,
            records.read_table(private, records.KEYED),
            params.score,
            params.pair,
            params.random_seed,
            layout.SECRET,
            params.keywords.min_documents,
            memory.entries,
        )
        place = layout.private_scores(str(question.item))
        records.write_table(done.scores, place, records.PRIVATE_SCORES, private=True)
        typer.echo(done.told)
        _give(question, done.answer, out, key, memory, done.entry)


def evaluate(
    bundle: Path,
    out: Path,
    key: Path,
    senders: Sequence[Path],
    private: Path,
    weaker: Sequence[str],
) -> None:
    """Answer how useful, faithful and private a step's data set is, in figures alone."""
    with _inside("evaluate"):
        question, params, memory = _asked(bundle, "evaluation", senders, weaker)
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
        train, holdout = records.read_sides(
            private / layout.PRIVATE_TRAIN.name, private / layout.PRIVATE_HOLDOUT.name
        )
        keyed = records.read_table(private / layout.KEYED.name, records.KEYED)
        let_out = records.read_table(private / layout.LET_OUT.name, records.CODE_SETS)
        evaluation.check_asked_about(question, let_out)
        trained = params.train_coder if params.has("train_coder") else None
        evaluation.check_coders(question, trained, params.classify, params.random_seed)
        with tempfile.TemporaryDirectory() as scratch:
            done = evaluation.answer(question, train, holdout, len(keyed), settings, Path(scratch))
        for note in done.notes:
            typer.echo(f"fidelity: {note}", err=True)
        step = str(question.item)
        review.write(
            done.examined.pairs,
            layout.review(step),
            step,
            params.privacy.review,
            private=layout.PRIVATE,
        )
        _give(question, done.answer, out, key, memory)


def _with_private(seed: Seed, private: Path, columns: Sequence[str]) -> Seed:
    """The section with the hospital's own file in it, and its own names of columns: a question
    that named them could have any column read as the text or the codes.
    """
    from pydantic import ValidationError

    own_names = dict(one.partition("=")[::2] for one in columns)
    source = seed.files.private.model_dump() | {"path": str(private), "columns": own_names}
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
    path: Path, exchange: Exchange, senders: Sequence[Path], weaker: Sequence[str]
) -> tuple[Question, Params, Memory]:
    """The question in a bundle, checked, the parameters in it, and what was answered before;
    `weaker` are parameters that may be weaker than the hospital's own limits.
    """
    memory = Memory(layout.SITE_MEMORY)
    try:
        question = exchanges.read_question(read_bundle(path), exchange, senders)
        memory.check(question)
        new = {
            name: value
            for name, value in memory.new(question).items()
            if not name.startswith(_NOT_THEIRS)
        }
        params = _params(question.params)
        limits.check(new, weaker)
    except UserError as error:
        said = "".join(sign if sign.isprintable() else "?" for sign in str(error))
        raise UserError(f"{path}: {said}") from None
    if new:
        typer.echo("The question sets these parameters, which you agree to by sending the answer:")
        for name, value in sorted(new.items()):
            typer.echo(f"  {json.dumps(name)[1:-1]}: {json.dumps(value)}")  # no control characters
    return question, params, memory


def _params(values: Mapping[str, Any]) -> Params:
    from synthfr.pipeline.parameters import parse
    from synthfr.pipeline.profiles import nested

    params = parse(nested(values), "its parameters")
    refuse_canaries(params)
    return params


def _give(
    question: Question, answer: Answer, out: Path, key: Path, memory: Memory, entry: int = 0
) -> None:
    """Write the answer, and remember that it was given, with an `entry` of the ledger or none."""
    private_files.refuse_published(out, None)
    data = exchanges.reply(question, answer, key)
    memory.keep(question, entry)
    with atomic_path(out) as partial:
        partial.write_bytes(data)
    rows = ", ".join(f"{name} {len(frame)} rows" for name, frame in answer.tables.items())
    typer.echo(f"{out}: the answer to {question.name} ({rows or 'numbers'}). Look at it, send it.")
