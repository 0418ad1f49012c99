"""LoRA adapters of the steps: each bound to the base and the adapter it was trained on, merged in
that order.

Order and fitness come from ``lineage.json`` in each adapter's folder, never from names or
listings: an adapter says which step it stands on and the digest of exactly that adapter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr.disk import atomic_dir, digest_tree, read_json, write_json, write_text
from synthfr.errors import UserError
from synthfr.models import lora
from synthfr.models.base import read_provenance
from synthfr.models.lora import ADAPTER_CONFIG, ADAPTER_WEIGHTS

if TYPE_CHECKING:
    import torch

BASE_STEP = "base"  # the bare base, no adapter: evaluated like a step, no parent of a round
FIRST_STEP = "step0"  # the step that SFT makes; every round descends from it
LINEAGE = "lineage.json"


@dataclass(frozen=True)
class Lineage:
    """What an adapter was trained on. `parent` and its digest are None for the first one, trained
    on the bare base.
    """

    step: str
    parent: str | None
    base_digest: str
    parent_digest: str | None


def read_lineage(adapter: Path) -> Lineage:
    """The lineage of the adapter in a folder."""
    for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS, LINEAGE):
        if not (adapter / name).is_file():
            raise UserError(
                f"{adapter} is no complete adapter ({name} is missing): "
                "make it with `dvc repro` or fetch it with `dvc pull`."
            )
    try:
        return Lineage(**read_json(adapter / LINEAGE))
    except TypeError:
        raise UserError(
            f"{adapter / LINEAGE} has other fields than a lineage: make the adapter again."
        ) from None


def adapter_chain(models_dir: Path, step: str) -> list[Path]:
    """Folders of the adapters that make the policy of `step`, first to last, found by following
    their parents; none for the bare base.
    """
    chain: list[Path] = []
    at: str | None = None if step == BASE_STEP else step
    while at is not None:
        folder = models_dir / at
        if folder in chain:
            raise UserError(
                f"{folder}: the adapters descend from one another in a loop: make them again."
            )
        chain.append(folder)
        lineage = read_lineage(folder)
        if lineage.step != at:
            raise UserError(
                f"{folder} holds the adapter of step '{lineage.step}': "
                "put it back under its own name."
            )
        at = lineage.parent
    return chain[::-1]


def check_chain(base: Path, adapters: list[Path]) -> tuple[Lineage, ...]:
    """Lineages of `adapters`, after proof that each was made for this base and for the adapter
    before it.
    """
    base_digest = read_provenance(base)["digest"]
    lineages: list[Lineage] = []
    for index, adapter in enumerate(adapters):
        lineage = read_lineage(adapter)
        if lineage.base_digest != base_digest:
            raise UserError(
                f"{adapter} was made for another base model (digest {lineage.base_digest[:12]}, "
                f"{base} has {base_digest[:12]}): train it again or restore its base."
            )
        before = adapters[index - 1] if index else None
        if lineage.parent_digest != (digest_tree(before) if before else None):
            parent = (
                f"another adapter than {before}" if before else "an adapter, not on the bare base"
            )
            raise UserError(
                f"{adapter} was trained on {parent}: "
                "make it again with `dvc repro`, or pull both of one run."
            )
        lineages.append(lineage)
    return tuple(lineages)


def save_adapter(
    peft_model: Any,
    path: Path,
    step: str,
    parent: str | None,
    base_dir: Path,
    parent_dir: Path | None,
) -> None:
    """Write the active adapter of a PeftModel with its lineage, the whole folder atomically.

    `parent` and `parent_dir` are None for the first adapter on the base. The same weights give
    the same bytes.
    """
    provenance = read_provenance(base_dir)
    lineage = Lineage(
        step, parent, provenance["digest"], digest_tree(parent_dir) if parent_dir else None
    )
    with atomic_dir(path) as partial:
        peft_model.save_pretrained(
            partial,
            selected_adapters=[peft_model.active_adapter],
            save_embedding_layers=False,  # LoRA leaves them alone; "auto" would ask the hub
        )
        config = read_json(partial / ADAPTER_CONFIG)
        # peft writes the folder that it was loaded from, and sets in any order
        # with published adapters in it, the base is no longer the model of that name
        config["base_model_name_or_path"] = (
            None if provenance.get("adapters") else provenance["repo_id"]
        )
        for name, value in config.items():
            if isinstance(value, list) and all(isinstance(item, str) for item in value):
                config[name] = sorted(value)
        write_json(partial / ADAPTER_CONFIG, config)
        write_json(partial / LINEAGE, asdict(lineage))
        write_text(partial / "README.md", _card(lineage, provenance))


def merge_adapters(model: Any, adapters: list[Path]) -> Any:
    """`model` (float32) with `adapters` merged into its weights one after the other, as plain
    model again.

    In float32 because sixteen-bit weights lose small updates: cast afterwards.
    """
    from peft import PeftModel

    for adapter in adapters:
        try:
            model = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
        except (ValueError, RuntimeError, KeyError) as error:
            raise UserError(
                f"{adapter} does not fit the model that it should be merged into "
                f"({type(error).__name__}): train it again."
            ) from error
    return model


def compose(adapters: Sequence[Path], out: Path) -> None:
    """Write to the folder `out` one LoRA adapter that does to a model what all `adapters` together
    do.

    W + s1 B1 A1 + s2 B2 A2 + ... = W + [s1 B1, s2 B2, ...] [A1; A2; ...] with s = alpha / r: its
    rank is the sum of theirs, its own scale 1. Where an adapter leaves a module alone, its part is
    zero. A kind of LoRA that is not such a sum is a UserError.
    """
    import torch
    from peft import LoraConfig
    from safetensors.torch import save_file

    parts = [_factors(adapter) for adapter in adapters]
    whole: dict[str, torch.Tensor] = {}
    modules = sorted(set().union(*(factors for _, factors in parts)))
    for module in modules:
        like = next(factors[module] for _, factors in parts if module in factors)
        joined = []
        for rank, factors in parts:
            absent = (torch.zeros(rank, like[0].shape[1]), torch.zeros(like[1].shape[0], rank))
            joined.append(factors.get(module, absent))
        whole[module + lora.A] = torch.cat([a for a, _ in joined])
        whole[module + lora.B] = torch.cat([b for _, b in joined], dim=1)
    rank = sum(rank for rank, _ in parts)
    config = LoraConfig(
        r=rank,
        lora_alpha=rank,
        target_modules=[module.removeprefix(lora.PREFIX) for module in modules],
        task_type="CAUSAL_LM",
        inference_mode=True,
    )
    with atomic_dir(out) as partial:
        save_file(whole, partial / ADAPTER_WEIGHTS, metadata={"format": "pt"})
        config.save_pretrained(partial)


def _factors(adapter: Path) -> tuple[int, dict[str, tuple[torch.Tensor, torch.Tensor]]]:
    """`lora.factors` of an adapter that is a plain sum of products."""
    if more := lora.unusual(adapter):
        raise UserError(
            f"{adapter} cannot be joined with other adapters (it has {more}): "
            "set engines.vllm.policy to merged."
        )
    return lora.factors(adapter)


def _card(lineage: Lineage, provenance: dict[str, Any]) -> str:
    base = (
        f"{provenance['repo_id']} at {provenance['revision']}"
        if provenance["repo_id"]
        else provenance["source"]
    )
    if merged := provenance.get("adapters"):
        names = (one["repo_id"] or f"a folder (digest `{one['digest'][:12]}`)" for one in merged)
        base += f", with {', '.join(names)} merged into it in this order,"
    on = f"the adapter of step `{lineage.parent}`" if lineage.parent else "the bare base"
    return (
        f"# LoRA adapter of step `{lineage.step}`\n\n"
        f"Base model: {base} (digest `{lineage.base_digest[:12]}`). Trained on {on}: merge the "
        "adapters from the first step to this one, in order and in float32, before use. "
        f"`{LINEAGE}` says which adapter it stands on.\n\n"
        "It writes invented clinical reports. Not for clinical use.\n"
    )
