"""What each stage needs of a GPU's memory with these parameters, from the configuration files of
its models (`models.architecture`) and the formulas beside this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthfr.models import architecture
from synthfr.models.architecture import Architecture
from synthfr.pipeline.plan import models, training_memory, writing_memory

if TYPE_CHECKING:
    from synthfr.coding.fine_tuning import FineTuning
    from synthfr.engines.asking import QuestionSettings
    from synthfr.engines.engine_settings import Sampling
    from synthfr.engines.vllm.vllm_settings import JudgeRole, Role, VllmSettings
    from synthfr.pipeline.parameters import Params

GB = 10**9  # a card sold as of so many GB has at least so many times this
PROMPT_TOKENS = 400  # room for a prompt before a report
QUESTION_TOKENS = 600  # a judge's question without the reports in it


@dataclass(frozen=True)
class Need:
    """Bytes on each of the `gpus`, by what takes them; they must fit in `share` of a GPU.

    Of vLLM: how many texts of full length (`longest` tokens, each `cache_bytes`) are under way at
    most, how long its texts get by the other parameters (`needed`, tokens), and the model's own
    `context`.
    """

    stage: str
    model: str
    parts: Mapping[str, float]
    gpus: int = 1
    share: float = 1.0
    longest: int = 0
    needed: int = 0
    context: int = 0
    cache_bytes: float = 0.0

    @property
    def total(self) -> float:
        return sum(self.parts.values())

    @property
    def too_short(self) -> bool:
        """Whether the context is too short for what the other parameters ask for."""
        return self.longest < self.needed

    def fits(self, gpu_bytes: float) -> bool:
        return not self.too_short and self.total <= self.share * gpu_bytes

    def texts(self, gpu_bytes: float) -> int:
        """Texts of full length whose keys and values the memory holds at once."""
        if not self.cache_bytes:
            return 0
        return 1 + int((self.share * gpu_bytes - self.total) // self.cache_bytes)


@dataclass(frozen=True)
class Unknown:
    """A model of which no configuration file is here, so that nothing is said of its stage."""

    stage: str
    model: str


def need(stage: str, params: Params, gpu_bytes: float) -> Need | Unknown | None:
    """What a stage needs; None where these parameters load no model in it. Of `gpu_bytes` only
    depends how much vLLM computes at once.
    """
    section, of = STAGES[stage]
    return of(params, gpu_bytes) if params.has(section) else None


def _sft(params: Params, gpu_bytes: float) -> Need | Unknown:
    return _training("sft", params, params.sft.device_batch_size)


def _dpo(params: Params, gpu_bytes: float) -> Need | Unknown | None:
    # chosen and rejected report of a pair go through the model together
    return _training("dpo", params, 2 * params.dpo.device_batch_size) if params.rounds else None


def _training(stage: str, params: Params, texts: int) -> Need | Unknown:
    how = params.dpo if stage == "dpo" else params.sft
    name, size = models.base(params.base)
    if size is None:
        return Unknown(stage, name)
    processes = how.distributed.processes
    parts = training_memory.lora_training(size, how, texts, processes)
    return Need(stage, name, parts, processes)


def _generate(params: Params, gpu_bytes: float) -> Need | Unknown | None:
    return _writing("generate", params, gpu_bytes) if params.rounds else None


def _synthesize(params: Params, gpu_bytes: float) -> Need | Unknown | None:
    return _writing("synthesize", params, gpu_bytes)


def _writing(stage: str, params: Params, gpu_bytes: float) -> Need | Unknown | None:
    how = params.synthesize if stage == "synthesize" else params.generate
    name, size = models.base(params.base)
    adapter = 0
    if size is not None and params.engines.vllm.policy == "lora":
        # composed: the ranks add up
        loras = [params.sft.lora, *(params.dpo.lora for _ in params.rounds)]
        adapter = sum(size.lora_parameters(one.r, one.target_modules) for one in loras)
    return _engine(stage, "policy", params, how, name, size, PROMPT_TOKENS, gpu_bytes, adapter)


def _judge(params: Params, gpu_bytes: float) -> Need | Unknown | None:
    n_reports = 2 if params.judge.kind == "pairwise" else 1
    return _asked("judge", params, params.judge, n_reports, gpu_bytes)


def _similarity_judge(params: Params, gpu_bytes: float) -> Need | Unknown | None:
    # how long private documents are nobody knows before: taken to be as long as the reports
    return _asked("similarity_judge", params, params.similarity_judge, 2, gpu_bytes)


def _asked(
    role: JudgeRole, params: Params, how: QuestionSettings, n_reports: int, gpu_bytes: float
) -> Need | Unknown | None:
    if how.loaded_model is None or not params.rounds:
        return None
    question = QUESTION_TOKENS + n_reports * params.generate.max_new_tokens
    name = how.loaded_model
    return _engine(role, role, params, how, name, architecture.found(name), question, gpu_bytes)


def _engine(
    stage: str,
    role: Role,
    params: Params,
    how: Sampling,
    name: str,
    size: Architecture | None,
    prompt_tokens: int,
    gpu_bytes: float,
    adapter: int = 0,
) -> Need | Unknown | None:
    if how.engine == "openai":
        return None
    if size is None:
        return Unknown(stage, name)
    if how.engine == "transformers":
        parts = writing_memory.transformers(size, how.batch_size, prompt_tokens, how.max_new_tokens)
        return Need(stage, name, parts)
    own: VllmSettings = params.engines.vllm.of(role)
    parts = writing_memory.vllm(size, own, how.batch_size, gpu_bytes, adapter)
    return Need(
        stage,
        name,
        parts,
        gpus=own.gpus_each * own.data_parallel,
        share=own.gpu_memory_utilization,
        longest=writing_memory.longest(size, own),
        needed=min(prompt_tokens + how.max_new_tokens, size.context),
        context=size.context,
        cache_bytes=parts["cache of one text"],
    )


def _score(params: Params, gpu_bytes: float) -> Need | Unknown | None:
    evaluator = params.score.evaluator
    if evaluator.kind != "sentence_transformers" or not params.rounds:
        return None
    name = evaluator.sentence_transformers.model or ""
    size = architecture.found(name)
    if size is None:
        return Unknown("score", name)
    return Need("score", name, writing_memory.encoding(size))


def _classify(params: Params, gpu_bytes: float) -> Need | Unknown | None:
    how = params.classify.coder.fine_tuned
    return None if how is None else _coder("classify", params, how)


def _train_coder(params: Params, gpu_bytes: float) -> Need | Unknown | None:
    return _coder("train_coder", params, params.train_coder) if params.train_coder.seeds else None


def _reference_coder(params: Params, gpu_bytes: float) -> Need | Unknown | None:
    own = params.train_coder
    return _coder("reference_coder", params, own) if own.seeds else None


def _coder(stage: str, params: Params, how: FineTuning) -> Need | Unknown:
    name, size = models.coder(params, how)
    if size is None:
        return Unknown(stage, name)
    parts = training_memory.coder_training(size, how, max(params.classify.top_k))
    return Need(stage, name, parts)


# stage with an engine -> what its model is there for
ROLES: Mapping[str, Role] = {
    "generate": "policy",
    "judge": "judge",
    "similarity_judge": "similarity_judge",
    "synthesize": "policy",
}
_Of = Callable[["Params", float], Need | Unknown | None]
# stage -> the section that it reads, what it needs; in the order of the graph
STAGES: Mapping[str, tuple[str, _Of]] = {
    "sft": ("sft", _sft),
    "generate": ("generate", _generate),
    "judge": ("judge", _judge),
    "similarity_judge": ("similarity_judge", _similarity_judge),
    "score": ("score", _score),
    "dpo": ("dpo", _dpo),
    "synthesize": ("synthesize", _synthesize),
    "classify": ("classify", _classify),
    "train_coder": ("train_coder", _train_coder),
    "reference_coder": ("train_coder", _reference_coder),
}
