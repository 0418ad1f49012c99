"""What a training asks of the machine, checked before anything is loaded."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from synthfr.errors import UserError

if TYPE_CHECKING:
    from synthfr.training.common import Training


def check(params: Training) -> None:
    """A UserError for what this machine lacks: a GPU, a package, GPUs enough."""
    import torch

    section = params.section
    if params.distributed.strategy != "ddp" and params.quantisation == "nf4":
        raise UserError(
            f"{section}.distributed.strategy: weights in 4 bits are not split over GPUs: set it to "
            "ddp."
        )
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if params.liger:
        _require_gpu(gpus, f"{section}.liger", "set it to false")
        _require_package("liger_kernel", "liger", f"{section}.liger", "set it to false")
    if params.quantisation == "nf4":
        _require_gpu(gpus, f"{section}.quantisation", "set it to none")
        _require_package("bitsandbytes", "nf4", f"{section}.quantisation", "set it to none")
    many = params.distributed
    if many.processes > 1:
        name = f"{section}.distributed"
        if gpus and many.processes > gpus:
            raise UserError(
                f"{name}.processes: {many.processes} processes want as many GPUs, this machine "
                f"shows {gpus}: lower it."
            )
        if many.strategy != "ddp":
            _require_gpu(gpus, f"{name}.strategy {many.strategy}", "set it to ddp")
        if many.strategy == "deepspeed":
            _require_package("deepspeed", "deepspeed", f"{name}.strategy", "set it to ddp or fsdp")


def _require_gpu(gpus: int, name: str, otherwise: str) -> None:
    if not gpus:
        raise UserError(f"{name} needs a GPU, and this machine shows none: {otherwise}.")


def _require_package(package: str, extra: str, name: str, otherwise: str) -> None:
    if find_spec(package) is None:
        raise UserError(
            f"{name} needs the package {package}: `pip install 'synthfr[{extra}]'`, or {otherwise}."
        )
