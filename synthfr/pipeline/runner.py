"""How every stage is run: parameters, surroundings, metrics, tracking, scratch, one-line errors.

A stage makes its command line with `stage_app("dpo")`, decorates its one function with `command()`,
works inside `with stage_run("dpo", item=step) as run:` and ends with `app()`.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr.errors import UserError
from synthfr.pipeline import layout, private_files
from synthfr.pipeline.command import (
    PRIVATE_STAGES,
    NumShards,
    ShardIndex,
    StageApp,
    params_path,
    stage_app,
)
from synthfr.pipeline.nested import flatten

if TYPE_CHECKING:
    from synthfr.engines import Shard
    from synthfr.pipeline.parameters import Params
    from synthfr.pipeline.standing import Standing

__all__ = ["NumShards", "ShardIndex", "StageApp", "StageRun", "stage_app", "stage_run"]

# run once a round; other stages that take an item run once a step
ROUND_STAGES = (
    *("generate", "judge", "similarity_judge", "score", "release"),
    *("pair", "linkage", "dpo"),
)
# have no section of their own
OTHER_SECTIONS = {"release": ("score", "pair")}
# load a model, as large as the parameters name
MODEL_STAGES = ("sft", "generate", "judge", "dpo", "synthesize")
# show what others measured
VIEWS = ("headline", "page")


class StageRun:
    """What a stage holds while it runs: parameters in, metrics, series and tracking out."""

    def __init__(
        self, stage: str, item: str | None, params: Params, tracked: Any, shard: Shard | None = None
    ) -> None:
        self.stage, self.item, self.params, self.seed = stage, item, params, params.random_seed
        self.shard = shard  # the part of the work that is this process's, None: all of it
        self._tracked = tracked  # None: not tracked
        self._metrics: dict[str, Any] | None = None  # None: the stage has logged nothing
        self._series: dict[str, list[dict[str, Any]]] = {}

    def log(self, metrics: Mapping[str, Any]) -> None:
        """Add nested numbers (None: not defined) to the stage's metrics file; MLflow shows a few
        of them.
        """
        self._metrics = self._metrics or {}
        _merge(self._metrics, metrics)
        flat = {name: value for name, value in flatten(metrics).items() if value is not None}
        for name, value in flat.items():
            if not isinstance(value, int | float) and not hasattr(value, "__float__"):
                raise TypeError(f"metric {name} is a {type(value).__name__}, not a number")
        self._tracked.log_headlines(self.stage, self._metrics)

    def cells(self, found: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> None:
        """Give MLflow a nested run for each cell of a grid: what identifies it, and its figures."""
        if self.params.tracking.cells:
            self._tracked.log_cells(found)

    def series(self, rows: list[dict[str, Any]], name: str = "history") -> None:
        """Rows of a curve, written as CSV for ``dvc plots`` and logged as MLflow steps."""
        self._series[name] = rows
        self._tracked.log_series(rows)

    def plot(self, rows: list[dict[str, Any]], name: str) -> None:
        """Rows of a plot whose axis is no training step, written as CSV for ``dvc plots``."""
        self._series[name] = rows

    def input(self, path: Path, name: str) -> None:
        """Tell MLflow which data this run read."""
        if self._tracked is not None:
            self._tracked.log_input(path, name)

    def adapter(self, path: Path) -> None:
        """Give MLflow a LoRA adapter folder."""
        self._tracked.log_artifacts(path, "adapter")

    def beside(self, write: Callable[[], None]) -> None:
        """Write a view under ``mlruns/``, such as timings: what fails is told, and ends nothing."""
        try:
            write()
        except (OSError, ValueError, UserError) as error:
            self._tracked.warn_once(
                f"{layout.TIMINGS} cannot be used ({' '.join(str(error).split())}): make it a "
                "folder that you may write to, and remove what is damaged in it"
            )

    def scratch(self, *parts: Any) -> Path:
        """Folder for chunks and checkpoints: the same for the same parts, parameters and seed.

        `parts` name what else the work depends on (input digests). The folder survives a killed
        run and is removed at success.
        """
        from synthfr.disk import digest

        own = layout.scratch(self.stage, self.item)
        # a coder trained on private reports leaves its weights there
        mode = 0o700 if self.stage in PRIVATE_STAGES else 0o777
        own.mkdir(parents=True, exist_ok=True, mode=mode)
        folder = own / digest([self._own_params(), list(parts)])[:16]
        folder.mkdir(exist_ok=True)
        return folder

    def standing(self) -> Standing:
        """What of all that lies here belongs to the present state; opens no private data."""
        from synthfr.pipeline.standing import Standing

        return Standing(self.params.model_dump(mode="json"), layout.store_folder())

    def _own_params(self) -> dict[str, Any]:
        return own_params(self.params, self.stage, self.item)

    def _finish(self) -> None:
        """Write what `dvc.yaml` declares: only a stage that ended well has metrics."""
        from synthfr.disk import write_json

        if self._metrics is not None:
            path = layout.metrics(self.stage, self.item)
            write_json(path, self._metrics)
            self._tracked.log_file(path, "metrics")
        for name, rows in self._series.items():
            _write_csv(layout.plot(self.stage, self.item, name), rows)


@contextmanager
def stage_run(
    stage: str,
    item: str | None = None,
    shard: tuple[int | None, int | None] = (None, None),
) -> Iterator[StageRun]:
    """Load parameters, prepare the process, open tracking; at the end write metrics.

    With a `shard` (its index, and how many there are) nothing is tracked, and no metrics are
    written: the run that gathers the shards does both.
    """
    from synthfr.pipeline.parameters import load_params

    started = time.monotonic()
    params = load_params(params_path.get())
    known = list(params.rounds) if stage in ROUND_STAGES else params.steps
    if item is not None and item not in known:
        raise UserError(
            f"There is no '{item}' to run {stage} for: params.yaml knows {', '.join(known)}."
        )
    prepare_process(params)
    if stage in PRIVATE_STAGES:
        private_files.close(layout.PRIVATE)
    if stage in MODEL_STAGES or _compares_with_a_model(params, stage):
        from synthfr.hardware import require_device

        require_device(params.runtime.device)

    if shard != (None, None):
        yield StageRun(stage, item, params, None, _shard(*shard))
        return

    from synthfr.disk import digest, write_json
    from synthfr.pipeline import since
    from synthfr.pipeline.tracking import open_tracker, present_state, steps

    own = own_params(params, stage, item)
    tags = {"stage": stage, "params_digest": digest(own)} | ({"step": item} if item else {})
    state = present_state(
        params.model_dump(mode="json"), layout.store_folder(), private=stage in PRIVATE_STAGES
    )
    with open_tracker(params.tracking, layout.store_folder()).run(
        stage_name(stage, item), tags, flatten(own, "."), state
    ) as tracked:
        run = StageRun(stage, item, params, tracked)
        if stage not in VIEWS:
            run.beside(lambda: since.tell(stage_name(stage, item)))
        yield run
        run._finish()
        tracked.log_summaries(lambda: steps.told_by(stage, item, params, state))
        took = {
            "seconds": round(time.monotonic() - started, 2),
            "peak_memory_mib": _peak_memory_mib(),
        }
        tracked.log_metrics({f"run/{name}": value for name, value in took.items()})
        run.beside(lambda: write_json(layout.timing(stage, item), took))
    shutil.rmtree(layout.scratch(stage, item), ignore_errors=True)


def _compares_with_a_model(params: Params, stage: str) -> bool:
    return stage == "similarity_judge" and params.similarity_judge.loaded_model is not None


def _shard(shard_index: int | None, num_shards: int | None) -> Shard:
    from synthfr.engines import Shard

    if shard_index is None or num_shards is None:
        raise UserError("--shard-index and --num-shards belong together: give both, or neither.")
    return Shard(shard_index, num_shards)


def stage_name(stage: str, item: str | None) -> str:
    """As DVC names it: ``dpo@dpo2``."""
    return stage if item is None else f"{stage}@{item}"


def own_params(params: Params, stage: str, item: str | None) -> dict[str, Any]:
    """What identifies a run to its reader: the seed, the stage's section and the round."""
    section = getattr(params, stage, None)
    own: dict[str, Any] = {
        "random_seed": params.random_seed,
        stage: section.model_dump(mode="json") if section else {},
    }
    for other in OTHER_SECTIONS.get(stage, ()):
        own[other] = getattr(params, other).model_dump(mode="json")
    if item is not None and item in params.rounds:
        own["round"] = params.rounds[item].model_dump(mode="json")
    return own


def prepare_process(params: Params) -> None:
    """Set what must stand before torch is imported: threads, no unasked network."""
    import threadpoolctl

    threads = str(min(params.runtime.threads, len(os.sched_getaffinity(0))))
    for variable in (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "RAYON_NUM_THREADS",
    ):
        os.environ[variable] = threads
    # what the parameters' modules loaded has read them by then, and would sum in another order
    threadpoolctl.threadpool_limits(int(threads))
    # idle OpenMP threads that spin slow training threefold on a shared machine
    os.environ |= {
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": "0",
        "TOKENIZERS_PARALLELISM": "false",
    }
    os.environ |= {"HF_HUB_DISABLE_TELEMETRY": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    if not (params.base.source == "hub" and params.base.allow_download):
        os.environ["HF_HUB_OFFLINE"] = "1"


def _merge(into: dict[str, Any], new: Mapping[str, Any]) -> None:
    for key, value in new.items():
        if isinstance(value, Mapping):
            _merge(into.setdefault(str(key), {}), value)
        else:
            into[str(key)] = value


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    import csv
    import io

    columns = list(dict.fromkeys(column for row in rows for column in row))
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _rounded(value) for name, value in row.items()} for row in rows)

    from synthfr.disk import write_text

    write_text(path, buffer.getvalue())


def _rounded(value: Any) -> Any:
    return round(float(value), 10) if isinstance(value, float) or hasattr(value, "dtype") else value


def _peak_memory_mib() -> float:
    """MiB that this process held at most, or the largest that it started, whichever is more."""
    import resource  # psutil tells the present use alone

    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return round(max(resource.getrusage(one).ru_maxrss for one in whose) / 1024, 1)
