"""The sending side: the one process that gives records to MLflow.  ``python -m
synthfr.pipeline.tracking.recorder FOLDER EXPERIMENT TIMEOUT_S``

Stages start it when they need it (see `spool`). It follows every record in the spool while its
writer lives, and removes it when MLflow has all of it. A record is replayed from its beginning by
whoever takes it up: a run that a recorder left half done is deleted first. So a run is in MLflow
once, whatever is killed, and whenever.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from synthfr.pipeline.hashes import md5_file
from synthfr.pipeline.tracking import family as families
from synthfr.pipeline.tracking import summary
from synthfr.pipeline.tracking.faults import is_the_stores, reason, trouble
from synthfr.pipeline.tracking.locks import exclusive, exclusive_or_none, is_locked
from synthfr.pipeline.tracking.store import Store, connect
from synthfr.pipeline.tracking.summary_figures import Figures

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")

LINGER_S = 30.0  # longer than the gap between two stages of a `dvc repro`
_POLL_S = 0.05
_METRICS_A_CALL, _OTHERS_A_CALL = 1000, 100  # limits of MLflow's log_batch
_NEVER = {
    "INVALID_PARAMETER_VALUE",
    "BAD_REQUEST",
}  # what MLflow refuses today it will refuse tomorrow


def drain(store: Store, linger_s: float = 0.0) -> int | None:
    """Send what is in the spool; returns the number of runs sent, or None if another recorder is at
    work.

    Stays while any record has a living writer, and `linger_s` longer. MLflow's errors pass through,
    records are kept.
    """
    store.folder.mkdir(parents=True, exist_ok=True)
    with exclusive_or_none(store.recorder_lock) as mine:
        if not mine:
            return None
        store.spool.mkdir(exist_ok=True)
        if linger_s == 0 and not _records(store):
            return 0
        client, experiment_id = connect(store)
        replays: dict[Path, Replay] = {}
        sent, quiet_since = 0, time.monotonic()
        while True:
            for path in _records(store):
                replay = replays.setdefault(path, Replay(client, experiment_id, store, path))
                if replay.advance():
                    sent += 1
                    del replays[path]
                quiet_since = time.monotonic()
            if time.monotonic() - quiet_since > linger_s or not store.spool.is_dir():
                return sent
            time.sleep(_POLL_S)


def _records(store: Store) -> list[Path]:
    return sorted(store.spool.glob("[!.]*.jsonl"))  # by start time


class UnreadableRecord(Exception):
    """A record that is no JSON lines: a file system lost a part of it."""


@dataclass
class Replay:
    """One record on its way into MLflow."""

    client: MlflowClient
    experiment_id: str
    store: Store
    path: Path
    run_id: str | None = None
    _start: dict[str, Any] = field(default_factory=dict)
    _offset: int = 0
    _summaries: list[Figures] = field(default_factory=list)
    _metrics_md5: str | None = None

    def advance(self) -> bool:
        """Send what is new. True: the run has ended and the record is gone."""
        from mlflow.exceptions import MlflowException

        alive = is_locked(
            self.path
        )  # asked before reading, so that nothing can come after what is read
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
        except MlflowException as error:
            # it calls a damaged database a bad request, too
            if error.error_code not in _NEVER or trouble(self.store, thorough=True):
                raise
            self._put_aside(f"MLflow refuses it for good: {error.message}")
            return True
        except UnreadableRecord as error:
            self._put_aside(str(error))
            return True
        self.path.unlink()
        return True

    def _put_aside(self, why: str) -> None:
        _say(f"{self.path.name} is put aside in spool/refused: {why}")
        (self.store.spool / "refused").mkdir(exist_ok=True)
        self.path.rename(self.store.spool / "refused" / self.path.name)

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
        tags = {**start["tags"], "record": self.path.stem, **self._kinship()}
        run = self.client.create_run(
            self.experiment_id, start_time=start["time_ms"], tags=tags, run_name=start["name"]
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
        if self._family is not None:
            figures = self._summaries if status == "FINISHED" else []
            with exclusive(self.store.summary_lock):
                about = (self.client, self.experiment_id, self._family)
                summary.update(*about, figures, time_ms)

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
                self.client.delete_run(earlier.info.run_id)

    def _search(self, condition: str) -> list[Any]:
        return list(self.client.search_runs([self.experiment_id], condition))


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def _say(message: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {message}", file=sys.stderr, flush=True)


def main(folder: str, experiment: str, timeout_s: str) -> None:
    """Send records until none comes for a while; errors go to the log, which the writers' warnings
    name.
    """
    store = Store.at(Path(folder), experiment, float(timeout_s))
    try:
        sent = drain(store, LINGER_S)
    except Exception as error:  # the log is all that is left to tell; the records stay in the spool
        known = is_the_stores(error)
        why = reason(store, error) if known else f"{type(error).__name__}: {error}"
        _say(f"gave up: {why}")
        raise SystemExit(1) from None
    if sent:
        _say(f"sent {sent} run{'s' if sent > 1 else ''} to {store.shown_uri}")


if __name__ == "__main__":
    main(*sys.argv[1:])
