"""Models and data sets that parameters refer to by name: a folder, or ``owner/name@commit`` of the
Hugging Face hub.

A reference is resolved to a folder on this disk. Nothing is downloaded unless the caller says so,
and a commit is always named: a branch or a tag would be another model tomorrow. Weights are read
from safetensors files only, and whole ones; data from Parquet, CSV and JSON.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Literal

from synthfr.disk import read_json
from synthfr.errors import UserError

SINGLE_WEIGHTS, WEIGHTS_INDEX = "model.safetensors", "model.safetensors.index.json"
# what is taken of a hub model: weights in safetensors and small files, never pickles or code
TAKEN = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "*.md", "LICENSE*")
# and of a data set: tables that are no code and need none
DATA_TAKEN = ("*.parquet", "*.csv", "*.tsv", "*.json", "*.jsonl", "*.md", "LICENSE*")
LEFT = ("consolidated*", "original/*", "onnx/*", "openvino/*")  # the same weights in other forms
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PIN = "`synth-fr prefetch --pin` finds it out and writes it, where there is a network."
_PICKLED = (".bin", ".pt", ".pth", ".ckpt")


Kind = Literal["model", "dataset"]  # as the hub calls them


@dataclass(frozen=True)
class Pinned:
    """A model, or a data set, of the hub at one commit."""

    repo_id: str
    revision: str
    kind: Kind = "model"

    def __str__(self) -> str:
        return f"{self.repo_id}@{self.revision}"


def parse(reference: str, where: str) -> Path | Pinned:
    """A reference taken apart; `where` is the parameter that holds it, for the message.

    UserError when it is neither a folder that exists nor ``owner/name@commit``.
    """
    if Path(reference).is_dir():
        return Path(reference)
    repo_id, _, revision = reference.partition("@")
    if repo_id.count("/") != 1:
        raise UserError(
            f"{where}: '{reference}' is neither a folder nor owner/name@commit: write one of them."
        )
    if not revision:
        raise UserError(
            f"{where}: '{reference}' is no folder, and as a model of the hub it has no commit: "
            f"{_PIN}"
        )
    return pinned(repo_id, revision, where)


def parse_data(reference: str, where: str) -> Pinned:
    """A data set's ``owner/name@commit`` taken apart; UserError when it is something else."""
    repo_id, _, revision = reference.partition("@")
    if repo_id.count("/") != 1:
        raise UserError(
            f"{where}: '{reference}' is not owner/name@commit of a data set of the hub: write "
            "that; files of your own are named by a path elsewhere (seed.files, sft.teacher.path)."
        )
    if not revision:
        raise UserError(f"{where}: the data set '{reference}' has no commit: {_PIN}")
    return pinned(repo_id, revision, where, "dataset")


def pinned(repo_id: str, revision: str, where: str, kind: Kind = "model") -> Pinned:
    """A hub name and a commit, the latter checked for its form."""
    if not _COMMIT.fullmatch(revision):
        raise UserError(
            f"{where}: '{revision}' is no commit (40 hexadecimal digits): "
            "branches and tags move, copy the commit from its page on the hub."
        )
    return Pinned(repo_id, revision, kind)


def resolve(reference: str, where: str) -> Path:
    """The folder of a reference; a snapshot of the hub must already be in the cache."""
    found = parse(reference, where)
    return found if isinstance(found, Path) else snapshot(found, where, allow_download=False)


def snapshot(
    model: Pinned,
    where: str,
    *,
    allow_download: bool,
    patterns: Sequence[str] = TAKEN,
) -> Path:
    """The folder of a snapshot: its files that match `patterns`.

    UserError when it is not in the cache and may not, or cannot, be downloaded.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RevisionNotFoundError,
    )

    short = f"{model.repo_id} at {model.revision[:12]}"
    try:
        return Path(
            snapshot_download(
                model.repo_id,
                repo_type=model.kind,
                revision=model.revision,
                allow_patterns=list(patterns),
                ignore_patterns=list(LEFT),
                local_files_only=not allow_download,
            )
        )
    except HFValidationError:
        raise UserError(f"{where}: '{model.repo_id}' is no hub name: write owner/name.") from None
    except RevisionNotFoundError:
        raise UserError(
            f"{where}: the hub no longer has commit {model.revision[:12]} of {model.repo_id}: its "
            "history was rewritten; compare the two, then pin another with "
            "`synth-fr prefetch --pin`."
        ) from None
    except LocalEntryNotFoundError:
        wish = "try again" if allow_download else "fetch it where there is one"
        raise UserError(
            f"{where}: {short} is not in the local cache and there is no network to the hub: "
            f"{wish}, with `synth-fr prefetch`."
        ) from None
    except GatedRepoError:
        raise UserError(
            f"{where}: {model.repo_id} wants its licence accepted: do so on its page, then log in."
        ) from None
    except HfHubHTTPError as error:
        raise UserError(
            f"{where}: the hub refused {short} ({error.response.status_code}): "
            "check its name and commit."
        ) from None


def cached_file(repo_id: str, revision: str, name: str) -> Path | None:
    """A file of a hub model that is in the local cache; None if it is not. Asks no one."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        path = try_to_load_from_cache(repo_id, name, revision=revision or None)
    except HFValidationError:
        return None
    return Path(path) if isinstance(path, str) else None


def weight_files(folder: Path, where: str) -> list[Path]:
    """The safetensors files of a model's folder: those that its index names, or the single one.

    UserError when one is missing; whether they are whole is `count_parameters`' to say.
    """
    present = {file.name for file in folder.iterdir() if file.is_file()}
    wanted = {SINGLE_WEIGHTS}
    if WEIGHTS_INDEX in present:
        wanted = set(read_json(folder / WEIGHTS_INDEX)["weight_map"].values())
    if missing := sorted(wanted - present):
        pickled = any(name.endswith(_PICKLED) for name in present)
        remedy = (
            "it has pickled weights, which are never read: convert them to safetensors"
            if pickled
            else "copy or download the model again"
        )
        raise UserError(f"{where}: {folder} lacks {missing[0]}: {remedy}.")
    return sorted(folder / name for name in wanted)


def count_parameters(weights: Path, where: str) -> int:
    """Number of weights in a safetensors file, from its header; a file cut short is a UserError.

    Layout: 8 bytes little-endian header size, JSON header with byte offsets, then the data
    (https://github.com/huggingface/safetensors#format).
    """
    try:
        with weights.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > weights.stat().st_size:
                raise ValueError("header longer than file")
            header = json.loads(file.read(size))
        header.pop("__metadata__", None)
        end = 8 + size + max(tensor["data_offsets"][1] for tensor in header.values())
        if end != weights.stat().st_size:
            raise ValueError("data and header disagree")
        return sum(prod(tensor["shape"]) for tensor in header.values())
    except (ValueError, KeyError, TypeError, struct.error):
        raise UserError(
            f"{where}: {weights} is no complete safetensors file: copy or download it again."
        ) from None
