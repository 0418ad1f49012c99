"""Whether a stage fits a GPU, and if not, which parameter would make it fit, with which value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from synthfr.pipeline.plan import memory
from synthfr.pipeline.plan.memory import STAGES, Need, Unknown

if TYPE_CHECKING:
    from synthfr.coding.fine_tuning import FineTuning
    from synthfr.pipeline.parameters import Params

SIZES_GB = (24, 48, 80, 141)  # of GPUs that people have
_MOST_SHARE = 0.95
_ROUND_TOKENS = 256
_MOST_GPUS = 8
_MODELS = {  # where a stage's model is named
    "judge": "judge.model",
    "similarity_judge": "similarity_judge.model",
    "score": "score.evaluator.sentence_transformers.model",
    "classify": "classify.coder",
    "train_coder": "train_coder.model, or fewer train_coder.layers",
    "reference_coder": "train_coder.model, or fewer train_coder.layers",
}

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Verdict:
    """Of a stage on a GPU of so many bytes. `changes`: parameters and values that would make it
    fit; empty where it fits, or where none would.
    """

    need: Need
    gpu_bytes: float
    changes: Mapping[str, Any]

    @property
    def fits(self) -> bool:
        return self.need.fits(self.gpu_bytes)

    @property
    def sentence(self) -> str:
        """What to tell of it, without the stage's name."""
        need = self.need
        if self.fits:
            if not (texts := need.texts(self.gpu_bytes)):
                return "fits"
            many = "texts" if texts > 1 else "text"
            return f"fits, with the cache of {texts:,} {many} of {need.longest:,} tokens"
        remedy = " and ".join(f"{name} to {_shown(value)}" for name, value in self.changes.items())
        if not self.changes:
            where = _MODELS.get(need.stage, "the base")
            return f"does not fit, whatever is changed: choose a smaller model ({where})"
        if need.too_short and need.total <= need.share * self.gpu_bytes:
            return (
                f"has a context of {need.longest:,} tokens, too short for {need.needed:,}: "
                f"set {remedy}"
            )
        return f"does not fit: set {remedy}"


def verdicts(params: Params, gpu_bytes: float) -> list[Verdict | Unknown]:
    """Of all stages that load a model, in the order of the graph."""
    return [made for stage in STAGES if (made := verdict(stage, params, gpu_bytes)) is not None]


def verdict(stage: str, params: Params, gpu_bytes: float) -> Verdict | Unknown | None:
    """Of one stage; None where it loads no model."""
    need = memory.need(stage, params, gpu_bytes)
    if not isinstance(need, Need):
        return need
    changes: Mapping[str, Any] = {}
    if not need.fits(gpu_bytes):
        for tried in _changes(stage, params, need):
            after = memory.need(stage, changed(params, tried), gpu_bytes)
            if isinstance(after, Need) and after.fits(gpu_bytes):
                changes = tried
                break
    return Verdict(need, gpu_bytes, changes)


def changed(model: M, changes: Mapping[str, Any]) -> M:
    """Parameters with other values under dotted names."""
    for name, value in changes.items():
        first, _, rest = name.partition(".")
        inner = changed(getattr(model, first), {rest: value}) if rest else value
        model = model.model_copy(update={first: inner})
    return model


def _changes(stage: str, params: Params, need: Need) -> Iterator[dict[str, Any]]:
    """What might help, the mildest first; each holds those before it that cost nothing."""
    if stage in ("sft", "dpo"):
        yield from _of_training(stage, params)
    elif stage in ("train_coder", "reference_coder"):
        yield from _of_coder(params.train_coder)
    elif stage == "classify":
        if (how := params.classify.coder.fine_tuned) is not None:
            yield from _of_coder(how)
    elif stage != "score":
        how = getattr(params, stage)
        if how.engine == "vllm":
            yield from _of_vllm(stage, params, need)
        else:
            for size in _divisors_below(how.batch_size):
                yield {f"{stage}.batch_size": size}


def _of_training(section: str, params: Params) -> Iterator[dict[str, Any]]:
    how = getattr(params, section)
    made: dict[str, Any] = {}
    for name, good in (("gradient_checkpointing", True), ("precision", "bfloat16")):
        if getattr(how, name) != good:
            made[f"{section}.{name}"] = good
            yield dict(made)
    for held in _divisors_below(how.device_batch_size):
        yield made | {f"{section}.device_batch_size": held}
    if how.distributed.strategy == "ddp" and how.quantisation == "none":
        made[f"{section}.quantisation"] = "nf4"
        for held in [how.device_batch_size, *_divisors_below(how.device_batch_size)]:
            same = held == how.device_batch_size
            yield made | ({} if same else {f"{section}.device_batch_size": held})


def _of_coder(how: FineTuning) -> Iterator[dict[str, Any]]:
    made: dict[str, Any] = {}
    if how.precision == "float32":
        made[f"{how.section}.precision"] = "bfloat16"
        yield dict(made)
    for held in _divisors_below(how.device_batch_size):
        yield made | {f"{how.section}.device_batch_size": held}


def _of_vllm(stage: str, params: Params, need: Need) -> Iterator[dict[str, Any]]:
    own = params.engines.vllm.of(memory.ROLES[stage])
    made: dict[str, Any] = {}
    enough = min(-(-need.needed // _ROUND_TOKENS) * _ROUND_TOKENS, need.context)
    if enough < need.longest or need.too_short:
        made[f"{own.section}.max_model_len"] = enough
        yield dict(made)
    if own.gpu_memory_utilization < _MOST_SHARE:
        yield made | {f"{own.section}.gpu_memory_utilization": _MOST_SHARE}
    together = 2 * own.tensor_parallel
    while together <= _MOST_GPUS:
        yield made | {f"{own.section}.tensor_parallel": together}
        together *= 2


def _divisors_below(number: int) -> list[int]:
    return [one for one in range(number - 1, 0, -1) if number % one == 0]


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
