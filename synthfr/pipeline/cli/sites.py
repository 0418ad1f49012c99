"""The command line of exchanges between sites: keys, questions, answers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

Key = Annotated[
    Path,
    typer.Option(help="Your private key, as `synth-fr key` made it.", envvar="SYNTHFR_KEY"),
]
Senders = Annotated[
    list[Path],
    typer.Option("--sender", help="Public key of who sent it.", envvar="SYNTHFR_SENDER"),
]
Weaker = Annotated[
    list[str] | None,
    typer.Option(help="A parameter, by its name, that may be weaker than this hospital's limits."),
]
Question = Annotated[Path, typer.Argument(metavar="BUNDLE", help="The question you were sent.")]
Out = Annotated[Path, typer.Argument(help="The bundle to write.")]

bundle = typer.Typer(
    no_args_is_help=True, help="Questions to a hospital: bundles of what is public."
)


def key(
    file: Annotated[Path, typer.Argument(help="To be written: FILE (keep it), FILE.pub (share).")],
) -> None:
    """Make a pair of keys to sign with, so that others can tell what comes from you."""
    from synthfr import signing

    signing.new_key(file)
    typer.echo(f"{file}: your private key; {signing.public_half(file)}: give it to the other side.")


def outside() -> None:
    """Rewrite dvc.yaml for a clone without private documents: answers stand for private stages."""
    from synthfr.pipeline.cli import asking

    asking.outside()


@bundle.command("candidates")
def candidates(
    out: Out,
    round_: Annotated[str, typer.Option("--round", help="dpo1, dpo2, ...")],
    key: Key,
    site: Annotated[
        str | None,
        typer.Option(help="Only this site's prompts, named as its key's file; default: all."),
    ] = None,
) -> None:
    """Ask how good a round's candidates are: `synth-fr score` answers."""
    from synthfr.pipeline.cli import asking

    asking.ask("scores", round_, out, key, site)


@bundle.command("keywords")
def keywords_question(out: Out, key: Key) -> None:
    """Ask which keywords its documents share: `synth-fr keywords` answers. The first question."""
    from synthfr.pipeline.cli import asking

    asking.ask("keywords", None, out, key, None)


@bundle.command("step")
def step_question(
    out: Out,
    step: Annotated[str, typer.Option(help="step0, dpo1, ...")],
    key: Key,
    site: Annotated[
        str | None,
        typer.Option(help="Of several hospitals the one to be asked, named as its key's file."),
    ] = None,
) -> None:
    """Ask how useful, faithful and private a step's data set is: `synth-fr evaluate` answers."""
    from synthfr.pipeline.cli import asking

    asking.ask("evaluation", step, out, key, site)


def accept(
    bundles: Annotated[list[Path], typer.Argument(help="Answers that you were sent.")],
    sender: Senders,
) -> None:
    """Check hospitals' answers and put them in place; `dvc repro` then goes on behind them."""
    from synthfr.pipeline.cli import asking

    asking.accept(bundles, sender)


def keywords(
    question: Question,
    out: Out,
    key: Key,
    sender: Senders,
    private: Annotated[
        Path, typer.Option(help="The private reports: Parquet, CSV or JSONL, or a folder.")
    ],
    columns: Annotated[
        list[str] | None,
        typer.Option(help="ours=theirs, once for each column; default: the names are ours."),
    ] = None,
    weaker: Weaker = None,
    max_words: Annotated[
        float | None,
        typer.Option(
            help="Share of a document's words that may leave, on average; default: 0.15.",
            min=0.0,
            max=1.0,
        ),
    ] = None,
) -> None:
    """Inside the hospital: answer which keywords enough patients' documents share."""
    _prepare()
    from synthfr.pipeline.cli import answering

    answering.keywords(question, out, key, sender, private, columns or [], weaker or [], max_words)


def score(
    question: Question,
    out: Out,
    key: Key,
    sender: Senders,
    private: Annotated[
        Path, typer.Option(help="The documents with their prompts' ids, as `keywords` made them.")
    ] = Path("data/private/keyed.parquet"),
    weaker: Weaker = None,
) -> None:
    """Inside the hospital: answer how good a round's candidates are. All scores stay inside."""
    _prepare()
    from synthfr.pipeline.cli import answering

    answering.score(question, out, key, sender, private, weaker or [])


def evaluate(
    question: Question,
    out: Out,
    key: Key,
    sender: Senders,
    private: Annotated[
        Path, typer.Option(help="Folder of the tables that `keywords` made.")
    ] = Path("data/private"),
    weaker: Weaker = None,
) -> None:
    """Inside the hospital: answer how useful, faithful and private a data set is, in figures."""
    _prepare()
    from synthfr.pipeline.cli import answering

    answering.evaluate(question, out, key, sender, private, weaker or [])


def _prepare() -> None:
    """As the stages have it: no network, and one thread, for equal roundings everywhere. Must stand
    before numpy is imported.
    """
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    os.environ["HF_HUB_OFFLINE"] = "1"


COMMANDS = (key, outside, accept, keywords, score, evaluate)
