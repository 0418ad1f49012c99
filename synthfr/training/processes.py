"""One training over several GPUs: its parameters, what the trainers' configurations say of them,
and the trained model in one piece.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from synthfr.disk import read_json
from synthfr.section import Count, Section

CONFIGS = Path(__file__).parent / "strategies"  # <strategy>.json, in the form transformers reads


class Distributed(Section):
    processes: Count = 1
    strategy: Literal["ddp", "fsdp", "deepspeed"] = "ddp"


def arguments(params: Distributed) -> dict[str, Any]:
    """What the trainers' configurations say about processes; nothing for one alone."""
    if params.processes == 1:
        return {}
    if params.strategy == "fsdp":
        return {"fsdp": True, "fsdp_config": read_json(CONFIGS / "fsdp.json")}
    if params.strategy == "deepspeed":
        return {"deepspeed": read_json(CONFIGS / "deepspeed.json")}
    return {"ddp_find_unused_parameters": False}


def whole_model(trainer: Any) -> Any:
    """The PeftModel that a trainer has trained, its adapter in one piece on every process.

    All processes must call it.
    """
    model = trainer.accelerator.unwrap_model(trainer.model)
    if not trainer.is_fsdp_enabled:
        return model
    state = {
        name: _full_tensor(weight)
        for name, weight in model.state_dict().items()
        if ".lora_" in name  # the frozen weights stay where they are
    }
    return _Gathered(model, state)


class _Gathered:
    """A split PeftModel that saves an adapter gathered before."""

    def __init__(self, model: Any, state: dict[str, Any]) -> None:
        self._model, self._state = model, state
        self.active_adapter = model.active_adapter

    def save_pretrained(self, path: Path, **options: Any) -> None:
        self._model.save_pretrained(path, state_dict=self._state, **options)


def _full_tensor(weight: Any) -> Any:
    return (weight.full_tensor() if hasattr(weight, "full_tensor") else weight).cpu()
