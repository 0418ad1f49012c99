"""One record of the spool on its way into MLflow, for `recorder`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from synthfr.pipeline.hashes import md5_file
from synthfr.pipeline.tracking import cells, summary
from synthfr.pipeline.tracking import family as families
from synthfr.pipeline.tracking.locks import exclusive, is_locked
from synthfr.pipeline.tracking.refused import UnreadableRecord, is_refused, put_aside
from synthfr.pipeline.tracking.store import Store, connect
from synthfr.pipeline.tracking.summary_figures import Figures

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")

_METRICS_A_CALL, _OTHERS_A_CALL = 1000, 100  # limits of MLflow's log_batch


@dataclass
class Replay:
    """One record on its way into MLflow."""

    client: MlflowClient
    experiment_id: str
    store: Store
    path: Path
    run_id: str | None = None
    _start: dict[str, Any] = field(default_factory=dict)
    _tags: dict[str, str] = field(default_factory=dict)
    _offset: int = 0
    _cells: list[dict[str, Any]] = field(default_factory=list)
    _summaries: list[Figures] = field(default_factory=list)
    _metrics_md5: str | None = None

    def advance(self) -> bool:
        """Send what is new. True: the run has ended and the record is gone."""
        from mlflow.exceptions import MlflowException

        # asked before reading, so that nothing can come after what is read
        alive = is_locked(self.path)
        try:
            events = self._new_events()
            if events and self.run_id is None:
                self._create(events[0])
            self._log(events)
            last = events[-1] if events else {}
            if last.get("event") == "end":
                self._end(last["status"], last["time_ms"])
            elif not alive:
                self._end("KILLED", int(self.path.stat().st_mtime * 1000))
            else:
                return False
        except (MlflowException, UnreadableRecord) as error:
            if not is_refused(error, self.store):
                raise
            put_aside(self.path, error)
            return True
        self.path.unlink()
        return True

    def _new_events(self) -> list[dict[str, Any]]:
        with self.path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]  # the last line may be on its way
        self._offset += len(whole)
        try:
            return [json.loads(line) for line in whole.splitlines()]
        except ValueError as error:
            raise UnreadableRecord(f"it is damaged ({error})") from None

    def _create(self, start: dict[str, Any]) -> None:
        self._start = start
        # all recipes of a checkout share the spool, and so a recorder that one of them started
        experiment = start.get("experiment", self.store.experiment)
        if experiment != self.store.experiment:
            self.store = replace(self.store, experiment=experiment)
            self.client, self.experiment_id = connect(self.store)
        for half_done in self._search(f"tags.record = '{self.path.stem}'"):
            self.client.delete_run(half_done.info.run_id)
        self._tags = {**start["tags"], "record": self.path.stem, **self._kinship()}
        run = self.client.create_run(
            self.experiment_id, start["time_ms"], self._tags, run_name=start["name"]
        )
        self.run_id = run.info.run_id
        from mlflow.entities import Param

        for params in _chunks(start["params"].items(), _OTHERS_A_CALL):
            self.client.log_batch(self.run_id, params=[Param(key, value) for key, value in params])

    @property
    def _family(self) -> families.Family | None:
        """The run's; older records, and stages run outside of a pipeline, have none."""
        found = self._start.get("family")
        return families.Family(**found) if found else None

    def _kinship(self) -> dict[str, str]:
        if self._family is None:
            return {}
        with exclusive(self.store.summary_lock):
            began = self._start["time_ms"]
            parent = families.parent(self.client, self.experiment_id, self._family, began)
        return {families.PARENT: parent, "state": self._family.state}

    def _log(self, events: list[dict[str, Any]]) -> None:
        from mlflow.entities import Metric

        metrics = []
        for event in events:
            if event["event"] == "metrics":
                metrics += [
                    Metric(key, value, event["time_ms"], event["step"])
                    for key, value in event["metrics"].items()
                ]
            elif event["event"] == "series":
                for number, row in enumerate(event["rows"]):
                    x = int(row.get("step", number))
                    ys = {
                        f"{event['name']}/{key}": value
                        for key, value in row.items()
                        if key != "step"
                    }
                    metrics += [
                        Metric(key, value, event["time_ms"], x) for key, value in ys.items()
                    ]
            elif event["event"] == "cells":
                self._cells += event["cells"]
            elif event["event"] == "input":
                self._log_input(event)
            elif event["event"] == "artifacts":
                self._log_artifacts(event)
            elif event["event"] == "file":
                self._log_file(event)
            elif event["event"] == "summary":
                figures = event["figures"]
                self._summaries.append(Figures(**{**figures, "stages": tuple(figures["stages"])}))
        for some in _chunks(metrics, _METRICS_A_CALL):
            self.client.log_batch(self.run_id, metrics=some)

    def _log_input(self, event: Mapping[str, Any]) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        source = json.dumps({"uri": event["path"]})
        dataset = Dataset(event["name"], event["digest"], "local", source)
        self.client.log_inputs(
            self.run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", event["name"])])]
        )

    def _log_artifacts(self, event: Mapping[str, Any]) -> None:
        from synthfr.disk import digest_tree
        from synthfr.errors import UserError

        folder = self.store.folder.parent / event["path"]
        try:
            unchanged = digest_tree(folder) == event["digest"]
        except UserError:  # it is no longer there
            unchanged = False
        if unchanged:
            self.client.log_artifacts(self.run_id, str(folder), event["name"])
        else:
            self.client.set_tag(
                self.run_id,
                f"{event['name']}_missing",
                "the folder had changed before it could be copied",
            )

    def _log_file(self, event: Mapping[str, Any]) -> None:
        path = self.store.folder.parent / event["path"]
        self._metrics_md5 = event["md5"]
        self.client.set_tag(self.run_id, f"{event['name']}_md5", event["md5"])
        if path.is_file() and md5_file(path) == event["md5"]:
            self.client.log_artifact(self.run_id, str(path), event["name"])

    def _end(self, status: str, time_ms: int) -> None:
        if self.run_id is None:  # killed before its first line was whole
            return
        self.client.set_terminated(self.run_id, status, time_ms)
        self._clear_up(status)
        if self._cells and status == "FINISHED":
            about = (self.experiment_id, self.run_id, self._tags)
            cells.leave(self.path, *about, self._cells, time_ms)
        if self._family is not None:
            figures = self._summaries if status == "FINISHED" else []
            with exclusive(self.store.summary_lock):
                client = self.client
                summary.update(client, self.experiment_id, self._family, figures, time_ms)

    def _clear_up(self, status: str) -> None:
        """Remove what this run takes the place of: failures of the same execution, and, in its
        family, a run that was rebuilt from the same metrics. What a stage finished is never
        removed.
        """
        name, digest = self._start["name"], self._start["tags"].get("params_digest", "")
        same = f"attributes.run_name = '{name}' and tags.params_digest = '{digest}'"
        for earlier in self._search(same):
            tags = earlier.data.tags
            rebuilt = "rebuilt" in tags and (tags.get("state"), tags.get("metrics_md5")) == (
                self._family.state if self._family else None,
                self._metrics_md5,
            )
            replaced = earlier.info.status != "FINISHED" or (rebuilt and status == "FINISHED")
            if replaced and earlier.info.run_id != self.run_id:
                cells.remove_run(self.client, self.experiment_id, earlier.info.run_id)

    def _search(self, condition: str) -> list[Any]:
        return list(self.client.search_runs([self.experiment_id], condition))


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
