"""A run for each cell of a stage's grid (``classify@dpo1``: size, top k, seed of the coder,
evaluation), nested under the stage's own run, which has the figures of the largest under the same
names.

Half a hundred runs take seconds, which no stage shall wait for: they are put into a file of the
spool when the stage's own run is in MLflow, and sent while the next stage works.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr.disk import write_text
from synthfr.pipeline.tracking import family as families
from synthfr.pipeline.tracking.refused import UnreadableRecord, is_refused, put_aside
from synthfr.pipeline.tracking.shown import storable
from synthfr.pipeline.tracking.store import Store
from synthfr.pipeline.tracking.summary_figures import flat_numbers, shown_as

if TYPE_CHECKING:
    from mlflow import MlflowClient

KIND = "cell"  # tag `kind` of these runs
# of the stage's tags, those that its cells have too
_SHARED = ("stage", "step", "state", "recipe", "profile", "git_commit", "dvc_exp_name")
_AT_ONCE = 4  # runs between two looks at the records of stages, one of which may be waiting

Cell = tuple[Mapping[str, Any], Mapping[str, Any]]  # what identifies it, and its figures


def as_records(cells: Iterable[Cell]) -> list[dict[str, Any]]:
    """Cells as a line of the spool holds them."""
    return [
        {
            "name": " ".join(f"{key}={value}" for key, value in which.items()),
            "params": {key: str(value) for key, value in which.items()},
            "metrics": {
                shown_as(name): storable(value) for name, value in flat_numbers(figures).items()
            },
        }
        for which, figures in cells
    ]


def leave(
    place: Path,
    experiment_id: str,
    parent_id: str,
    parent_tags: Mapping[str, str],
    records: Iterable[Mapping[str, Any]],
    time_ms: int,
) -> None:
    """Put the cells of a run that MLflow has into the file `place`, with the suffix ``.cells``."""
    shared = {name: parent_tags[name] for name in _SHARED if name in parent_tags}
    about = {
        "experiment_id": experiment_id,
        "parent_id": parent_id,
        "tags": {**shared, "kind": KIND, families.PARENT: parent_id},
        "time_ms": time_ms,
        "cells": list(records),
    }
    write_text(place.with_suffix(".cells"), json.dumps(about))


def waiting(spool: Path) -> list[Path]:
    """Files that hold cells, by start time of their stages."""
    return sorted(spool.glob("[!.]*.cells"))


class Sending:
    """One file's cells on their way into MLflow. Whoever takes a file up begins it anew."""

    def __init__(self, client: MlflowClient, store: Store, path: Path) -> None:
        self._client, self._store, self._path = client, store, path
        self._about: dict[str, Any] = {}
        self._rest: list[Mapping[str, Any]] | None = None  # None: not begun

    def advance(self) -> bool:
        """Log a few. True: all are in MLflow, the file is gone. MLflow's errors pass through."""
        from mlflow.exceptions import MlflowException

        try:
            rest = self._begun() if self._rest is None else self._rest
            for one in rest[:_AT_ONCE]:
                self._log(one)
        except (MlflowException, UnreadableRecord) as error:
            if not is_refused(error, self._store):
                raise
            put_aside(self._path, error)
            return True
        self._rest = rest[_AT_ONCE:]
        if not self._rest:
            self._path.unlink(missing_ok=True)
        return not self._rest

    def _begun(self) -> list[Mapping[str, Any]]:
        """What is to be logged: nothing where another run has taken the place of the stage's."""
        try:
            self._about = json.loads(self._path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UnreadableRecord(f"it is damaged ({error})") from None
        experiment_id, parent_id = self._about["experiment_id"], self._about["parent_id"]
        _remove_cells(self._client, experiment_id, parent_id)
        parents = self._client.search_runs(
            [experiment_id], f"attributes.run_id = '{parent_id}'", max_results=1
        )
        return list(self._about["cells"]) if parents else []

    def _log(self, one: Mapping[str, Any]) -> None:
        from mlflow.entities import Metric, Param

        experiment_id, time_ms = self._about["experiment_id"], self._about["time_ms"]
        run = self._client.create_run(experiment_id, time_ms, self._about["tags"], one["name"])
        self._client.log_batch(
            run.info.run_id,
            [Metric(name, value, time_ms, 0) for name, value in one["metrics"].items()],
            [Param(name, value) for name, value in one["params"].items()],
        )
        self._client.set_terminated(run.info.run_id, "FINISHED", time_ms)


def remove_run(client: MlflowClient, experiment_id: str, run_id: str) -> None:
    """Delete a stage's run with its cells."""
    _remove_cells(client, experiment_id, run_id)
    client.delete_run(run_id)


def _remove_cells(client: MlflowClient, experiment_id: str, run_id: str) -> None:
    own = f"tags.kind = '{KIND}' and tags.`{families.PARENT}` = '{run_id}'"
    while found := client.search_runs([experiment_id], own):  # a page of a thousand
        for nested in found:
            client.delete_run(nested.info.run_id)
