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

    asking.candidates(out, round_, key, site)


def accept(
    bundles: Annotated[list[Path], typer.Argument(help="Answers that you were sent.")],
    sender: Senders,
) -> None:
    """Check hospitals' answers and put them in place; `dvc repro` then goes on behind them."""
    from synthfr.pipeline.cli import asking

    asking.accept(bundles, sender)


def score(
    question: Question,
    out: Out,
    key: Key,
    sender: Senders,
    private: Annotated[
        Path, typer.Option(help="The documents with their prompts' ids, as `keywords` made them.")
    ] = Path("data/private/keyed.parquet"),
) -> None:
    """Inside the hospital: answer a question about candidates. Writes on the private side too."""
    _prepare()
    from synthfr.pipeline.cli import answering

    answering.score(question, out, key, sender, private)


def _prepare() -> None:
    """As the stages have it: no network, and one thread, for equal roundings everywhere. Must stand
    before numpy is imported.
    """
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    os.environ["HF_HUB_OFFLINE"] = "1"
