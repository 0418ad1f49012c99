"""What opens runs: stages' own, and those that `sync` rebuilds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthfr.errors import UserError
from synthfr.pipeline import recipe as recipes
from synthfr.pipeline.nested import flatten
from synthfr.pipeline.tracking.family import Family
from synthfr.pipeline.tracking.provenance import surroundings
from synthfr.pipeline.tracking.spool import Run, text_params, warn
from synthfr.pipeline.tracking.state import State, of_files
from synthfr.pipeline.tracking.store import Settings, Store

_OF_A_FAMILY = ("git_commit", "mlflow.source.git.commit", "dvc_exp_name")  # of where it began


def open_tracker(settings: Settings, store_dir: Path) -> Tracker:
    """The tracker of this process. Never fails: with a store that cannot be used it says so once
    and records nothing.
    """
    store = Store.at(store_dir, settings.experiment, settings.timeout_s)
    try:
        recipe = recipes.current().name
    except UserError:  # a stage run by hand elsewhere
        recipe = recipes.LOOP
    return Tracker(store, settings.profile, recipe)


def present_state(values: Mapping[str, Any], store_dir: Path, *, private: bool) -> State | None:
    """The state that the current folder is in under parameter `values`, for a stage of the
    `private` side or of the public one, which opens no private data. None if it cannot be told
    (with a warning, if that is a fault): then runs belong to no family.
    """
    try:
        return of_files(values, store_dir, private=private)
    except (OSError, UserError) as error:
        warn(f"the state of the pipeline cannot be told ({error}): this run has no family")
        return None


class Tracker:
    """Opens runs."""

    def __init__(self, store: Store, profile: str, recipe: str = recipes.LOOP) -> None:
        self.store, self.profile, self.recipe = store, profile, recipe

    def family(self, state: State, origin: Mapping[str, str] | None = None) -> Family:
        """That of a state; `origin`: what `surroundings` says, if known."""
        found = surroundings() if origin is None else origin
        kept = {name: found[name] for name in _OF_A_FAMILY if name in found}
        own = {"recipe": self.recipe, "profile": self.profile, **state.tags}
        return Family({**kept, **own}, text_params(flatten(state.params, ".")))

    @contextmanager
    def run(
        self,
        name: str,
        tags: Mapping[str, str],
        params: Mapping[str, Any],
        state: State | None = None,
    ) -> Iterator[Run]:
        """One stage execution, named like the DVC stage (``dpo@dpo2``), in the family of `state`.

        `tags` must hold what identifies the execution beside its name, ``params_digest``: a run
        that ends replaces failures of the same name and digest. Leaves with status FINISHED, FAILED
        on an exception, KILLED on an interrupt.
        """
        origin = surroundings()
        family = None if state is None else self.family(state, origin)
        run = self.begin(name, {**origin, **tags}, params, family)
        try:
            yield run
        except BaseException as error:
            run.end("FAILED" if isinstance(error, Exception) else "KILLED")
            raise
        run.end("FINISHED")
        run.settle()

    def begin(
        self,
        name: str,
        tags: Mapping[str, str],
        params: Mapping[str, Any],
        family: Family | None = None,
        wake: bool = True,
    ) -> Run:
        """Start a run that the caller ends; wakes the recorder, which gets ready while the stage
        works.
        """
        run = Run(self.store)
        run.start(name, {"profile": self.profile, "recipe": self.recipe, **tags}, params, family)
        if wake:
            run.wake()
        return run
