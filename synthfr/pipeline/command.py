"""The command line of a stage: its arguments, and what a user reads when it fails."""

from __future__ import annotations

import inspect
import os
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from synthfr.disk import full_disk, is_full, write_text
from synthfr.errors import UserError
from synthfr.pipeline import dvc_remote, earlier, layout
from synthfr.redact import failure, private_stage

# read private text: those that dvc.yaml marks PRIVATE
PRIVATE_STAGES = (
    *("seed", "keywords", "similarity_judge", "score", "release"),
    *(
        "linkage",
        "reference",
        "classify",
        "judge_coder",
        "reference_coder",
        "compare",
        "augment",
        "noise",
        "errors",
    ),
    *("privacy", "fidelity"),
)

ShardIndex = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Write only this one (from 0) of --num-shards parts, into .scratch, where the whole "
        "stage finds them: for job arrays.",
    ),
]
NumShards = Annotated[int | None, typer.Option(min=1, help="Parts that the work is cut into.")]

params_path: ContextVar[Path] = ContextVar("params_path", default=Path("params.yaml"))
"""Of the command that is running."""


class StageApp:
    """The command line of one stage: its own arguments plus ``--params``.

    A UserError is one line on stderr and exit status 1, and so is a full disk. Whatever else goes
    wrong in a private stage is told without its message: Arrow, a tokenizer or scikit-learn may
    quote the text they met. Where DVC still has what it removed for this run, a line says so.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.typer = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    def command(self) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """Decorator for the stage's one command."""

        def register(function: Callable[..., None]) -> Callable[..., None]:
            self.typer.command()(self._guarded(function))
            return function

        return register

    def __call__(self) -> None:
        self.typer()

    def _guarded(self, function: Callable[..., None]) -> Callable[..., None]:
        option = Annotated[Path, typer.Option("--params", help="Parameter file.")]

        def guarded(params: Path, **arguments: Any) -> None:
            token = params_path.set(params)
            private = self.name in PRIVATE_STAGES
            try:
                with private_stage() if private else nullcontext():
                    function(**arguments)
            except SystemExit:
                raise
            except BaseException as error:  # a panic in Rust is no Exception
                told, hint = _told(self.name, error), earlier.hint(self.name)
                if told is None and isinstance(error, Exception):
                    if hint is not None:
                        error.add_note(hint)  # below its traceback
                    raise
                for line in filter(None, (told, hint)):
                    typer.echo(line, err=True)
                if told is None:
                    raise
                raise typer.Exit(1) from None
            finally:
                params_path.reset(token)

        # Typer reads the command line off the signature: the stage's own arguments, then --params
        hints = get_type_hints(function, include_extras=True)
        own = [
            parameter.replace(annotation=hints.get(name, str))
            for name, parameter in inspect.signature(function).parameters.items()
        ]
        extra = inspect.Parameter(
            "params", inspect.Parameter.KEYWORD_ONLY, default=Path("params.yaml"), annotation=option
        )
        guarded.__signature__ = inspect.Signature([*own, extra])  # type: ignore[attr-defined]
        guarded.__annotations__ = {
            parameter.name: parameter.annotation for parameter in [*own, extra]
        }
        guarded.__name__, guarded.__doc__ = self.name, function.__doc__
        return guarded


def _told(stage: str, error: BaseException) -> str | None:
    """What a user reads of a failure; None: its traceback."""
    if isinstance(error, UserError):
        return f"{stage}: {dvc_remote.told(error)}"
    if isinstance(error, KeyboardInterrupt):
        return None
    if is_full(error):
        return f"{stage}: {_full_disk(error)}"
    return without_message(stage, error) if stage in PRIVATE_STAGES else None


def _full_disk(error: BaseException) -> UserError:
    """With the file where the system names it; a copy's second name is that of what it writes."""
    named = getattr(error, "filename2", None) or getattr(error, "filename", None)
    if isinstance(named, str):
        return full_disk(named, Path(named).parent)
    # not `tempfile.gettempdir`, which tries to write
    return full_disk("its files", Path(), Path(os.environ.get("TMPDIR", "/tmp")))


def without_message(stage: str, error: BaseException) -> str:
    """An unexpected failure of a private stage: what, where, and where the rest of it is."""
    kept = layout.FAILURES / f"{stage}.txt"
    try:
        write_text(kept, "".join(traceback.format_exception(error)), private=True)
        remedy = f"The traceback with its message is in {kept}, for eyes that may read the reports"
    except (OSError, UserError):
        remedy = f"The traceback could not be kept in {kept}"
    return (
        f"{stage}: stopped by an error that is not foreseen; its message may quote private text "
        f"and is not shown:\n{failure(error)}\n{remedy}; what stands here holds no private text "
        "and may be reported."
    )


def stage_app(name: str) -> StageApp:
    return StageApp(name)
