"""Published LoRA adapters as the start of every step: merged into the base's weights, in order.

W becomes W + s1 B1 A1 + s2 B2 A2 + ..., summed in float32, file by file of the weights, so that no
more than one of them is in memory. Only weights that an adapter touches are written anew; in
float32 by default, for a sixteen-bit weight would lose what is smaller than about a 256th of it.
"""

from __future__ import annotations

import re
import shutil
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from synthfr import hub
from synthfr.disk import digest, read_json, sha256_file, write_json
from synthfr.errors import UserError
from synthfr.hardware import check_memory
from synthfr.models import lora
from synthfr.models.lora import ADAPTER_CONFIG, ADAPTER_WEIGHTS

if TYPE_CHECKING:
    import torch

MergedDtype = Literal["float32", "base"]
TAKEN = (ADAPTER_CONFIG, ADAPTER_WEIGHTS)
KEPT = "adapters"  # folder of the base that keeps what was merged: adapters/1, adapters/2, ...
_PICKLED = "adapter_model.bin"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Published:
    """An adapter that somebody published, or a folder with one."""

    where: str  # the parameter that names it
    reference: str
    folder: Path

    @property
    def name(self) -> str:
        """For messages: where it is named, and as what."""
        return f"{self.where}: {self.reference}"

    def record(self) -> dict[str, Any]:
        """What ``provenance.json`` says of it; `digest` is that of its files, wherever they lie."""
        config = read_json(self.folder / ADAPTER_CONFIG)
        trained_on = config.get("base_model_name_or_path")
        is_name = isinstance(trained_on, str) and _HUB_NAME.fullmatch(trained_on)
        repo_id, _, revision = self.reference.partition("@")
        return {
            "repo_id": repo_id if revision else None,
            "revision": revision or None,
            "base_model": trained_on if is_name else None,  # no path of somebody's machine
            "rank": config["r"],
            "digest": digest({name: sha256_file(self.folder / name) for name in TAKEN}),
        }


def setting(index: int) -> str:
    """The name of one reference in the parameters."""
    return f"base.adapters[{index}]"


def find(references: Sequence[str], *, allow_download: bool) -> list[Published]:
    """The adapters of `base.adapters`.

    UserError where one is not there, not complete, pickled, or more than a plain LoRA.
    """
    found = []
    for index, reference in enumerate(references):
        model = hub.parse(reference, where := setting(index))
        if isinstance(model, hub.Pinned):
            folder = hub.snapshot(model, where, allow_download=allow_download, patterns=TAKEN)
        else:
            folder = model
        found.append(Published(where, reference, folder))
    for one in found:
        check(one)
    return found


def check(one: Published) -> None:
    """UserError where an adapter is not whole or cannot be merged as a sum of products."""
    if not (one.folder / ADAPTER_CONFIG).is_file():
        whole = (one.folder / "config.json").is_file()
        raise UserError(
            f"{one.name} has no {ADAPTER_CONFIG}: "
            + ("it is a whole model, name it as the base." if whole else "name a LoRA adapter.")
        )
    weights = one.folder / ADAPTER_WEIGHTS
    if not weights.is_file():
        pickled = (one.folder / _PICKLED).is_file()
        raise UserError(
            f"{one.name} has no {ADAPTER_WEIGHTS}: "
            + (
                "its weights are pickled, which are never read: convert them to safetensors."
                if pickled
                else "copy or download it again (where its weights are pickled, choose a commit "
                "that has safetensors)."
            )
        )
    hub.count_parameters(weights, one.where)
    if more := lora.unusual(one.folder):
        raise UserError(
            f"{one.name} is no plain LoRA (it has {more}): merge it into its base with peft, and "
            "name the result in base.path."
        )


def merge(
    base: Path, weights: Sequence[str], adapters: Sequence[Published], dtype: MergedDtype
) -> list[str]:
    """Merge adapters into the safetensors files `weights` of the folder `base`, in place, and keep
    a copy of each below ``adapters``; returns the names of the copies' files.

    UserError where an adapter names a weight that the base lacks, or has another shape or rank.
    """
    shapes = _shapes(base, weights)
    parts = [_fitting(one, shapes) for one in adapters]
    for name in weights:
        _merge_file(base / name, parts, dtype)
    if (base / hub.WEIGHTS_INDEX).is_file():
        _write_total(base, weights)
    kept = []
    for number, one in enumerate(adapters, start=1):
        (base / KEPT / str(number)).mkdir(parents=True)
        for name in TAKEN:
            kept.append(f"{KEPT}/{number}/{name}")
            shutil.copyfile(one.folder / name, base / kept[-1])
    return kept


def told_adapter(record: Mapping[str, Any]) -> str:
    """How a card names an adapter of a base's provenance."""
    if not record["repo_id"]:
        return "an adapter, not of the hub"
    return f"`{record['repo_id']}` at `{record['revision']}`"


def kept_adapters(base: Path) -> list[Path]:
    """Folders of the published adapters that were merged into a provided base, in order."""
    return sorted((base / KEPT).glob("*"), key=lambda folder: int(folder.name))


def notes(made: Mapping[str, Any]) -> list[str]:
    """What is to be said of the adapters in a base's provenance: which of them say that they were
    trained on another base. Their shapes fit, and names change: no error.
    """
    return [
        f"{setting(index)} says that it was trained on {one['base_model']}, the base is "
        f"{made['repo_id']}: it fits in shape; see whether it is the same model."
        for index, one in enumerate(made.get("adapters", []))
        if made["repo_id"] and one["base_model"] and not _same(made["repo_id"], one["base_model"])
    ]


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _shapes(base: Path, weights: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Weights of floating point that the base has, and their shapes."""
    from safetensors import safe_open

    shapes = {}
    for name in weights:
        with safe_open(base / name, "pt") as stored:
            for key in stored.keys():  # noqa: SIM118 -- no mapping
                piece = stored.get_slice(key)
                if piece.get_dtype() in ("F32", "BF16", "F16"):
                    shapes[key] = tuple(piece.get_shape())
    return shapes


def _fitting(
    one: Published, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """An adapter's factors by the name of the weight that they change."""
    rank, factors = lora.factors(one.folder)
    parts = {}
    for module, (a, b) in sorted(factors.items()):
        short = module.removeprefix(lora.PREFIX)
        weight = f"{short}.weight"
        if weight not in shapes:
            raise UserError(
                f"{one.name} changes {short}, and the base has no weight of that name to merge it "
                "into: it was made for another base: correct base.adapters or the base."
            )
        if not a.shape[0] == b.shape[1] == rank:
            raise UserError(
                f"{one.name} says that its rank is {rank}, and its weights of {short} have rank "
                f"{a.shape[0]}: its files are of two adapters: download it again."
            )
        size = (b.shape[0], a.shape[1])
        if size != shapes[weight]:
            raise UserError(
                f"{one.name} changes {short} as one of {_size(size)}, and the base's has "
                f"{_size(shapes[weight])}: it was made for another base: correct base.adapters or "
                "the base."
            )
        parts[weight] = (a, b)
    return parts


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _merge_file(
    file: Path,
    parts: Sequence[Mapping[str, tuple[torch.Tensor, torch.Tensor]]],
    dtype: MergedDtype,
) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    with safe_open(file, "pt") as stored:
        metadata = stored.metadata()
        touched = [key for key in stored.keys() if any(key in part for part in parts)]  # noqa: SIM118
    if not touched:
        return
    check_memory(
        3 * file.stat().st_size,  # in sixteen bits, and in float32
        f"{file.name}, in float32 while adapters are merged,",
        "run on a machine or in a job with more memory",
    )
    tensors = load_file(file)
    for key in touched:
        own = tensors[key].dtype
        weight = tensors[key].float()
        for part in parts:
            if key in part:
                a, b = part[key]
                weight = weight + b @ a
        tensors[key] = weight if dtype == "float32" else weight.to(own)
    save_file(tensors, file, metadata=metadata)


def _write_total(base: Path, weights: Sequence[str]) -> None:
    """The index also says how many bytes all weights take."""
    total = 0
    for name in weights:
        with (base / name).open("rb") as file:
            (header,) = struct.unpack("<Q", file.read(8))
        total += (base / name).stat().st_size - 8 - header
    index = read_json(base / hub.WEIGHTS_INDEX)
    index["metadata"] = (index.get("metadata") or {}) | {"total_size": total}
    write_json(base / hub.WEIGHTS_INDEX, index)
