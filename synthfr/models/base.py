"""The base model as a folder: copied from the package, a local folder or a pinned hub snapshot,
and verified.

Only what a run needs is taken: config, tokenizer, safetensors, card. Pickled weights and code
never are. What was taken, its hashes and where it came from stand in ``provenance.json``; its
digest is what adapters are bound to.
"""

from __future__ import annotations

import json
import re
import shutil
import struct
from fnmatch import fnmatch
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr.errors import UserError
from synthfr.files import atomic_dir, digest, read_json, sha256_file, write_json

if TYPE_CHECKING:
    from synthfr.params import Base

TINY_BASE = Path(__file__).parent / "tiny_base"  # ships with the package
MANIFEST = "MANIFEST.json"  # of the shipped base: file name -> SHA-256
PROVENANCE = "provenance.json"
CONFIG = "config.json"
SINGLE_WEIGHTS, WEIGHTS_INDEX = "model.safetensors", "model.safetensors.index.json"
TOKENIZERS = (
    {"tokenizer.json"},
    {"tokenizer.model"},
    {"vocab.json", "merges.txt"},
)  # any one of them
TAKEN = (
    CONFIG,
    "generation_config.json",
    "model*.safetensors",
    WEIGHTS_INDEX,
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "README.md",
    "LICENSE*",
)
_COMMIT = re.compile(r"[0-9a-f]{40}")


def provide(params: Base, out: Path) -> dict[str, Any]:
    """Make the folder `out` from the base that `params` name; returns what its
    ``provenance.json`` holds.

    Nothing is downloaded unless ``params.allow_download``. A base that is not complete, not in
    safetensors or not what its manifest says is a UserError, and leaves `out` as it was.
    """
    if params.source == "tiny":
        folder, names = TINY_BASE, _shipped()
        origin: dict[str, str | None] = {"repo_id": None, "revision": None}
    elif params.source == "local":
        folder = Path(params.path or "")
        if not folder.is_dir():
            raise UserError(f"base.path: {folder} is no folder: name the folder of the model.")
        names, origin = _complete(folder), {"repo_id": None, "revision": None}
    else:
        folder = _snapshot(params.repo_id or "", params.revision or "", params.allow_download)
        names, origin = _complete(folder), {"repo_id": params.repo_id, "revision": params.revision}

    with atomic_dir(out) as partial:
        for name in names:
            shutil.copyfile(folder / name, partial / name)
        parameters = sum(
            _parameters(partial / name, folder) for name in names if name.endswith(".safetensors")
        )
        files = {
            name: {
                "bytes": (partial / name).stat().st_size,
                "sha256": sha256_file(partial / name),
            }
            for name in names
        }
        made = {
            "source": params.source,
            **origin,
            "model_type": read_json(partial / CONFIG).get("model_type"),
            "parameters": parameters,
            "chat_template": params.chat_template,
            "files": files,
            "digest": digest(
                {name: file["sha256"] for name, file in files.items()}
                # adapters learn the prompts' form too
                | ({"chat_template": "applied"} if params.chat_template else {})
            ),
        }
        write_json(partial / PROVENANCE, made)
    return made


def read_provenance(base: Path) -> dict[str, Any]:
    """What ``provenance.json`` of a provided base says, after a check that its files are there in
    full.
    """
    remedy = "run `dvc repro base` or `dvc pull base`"
    if not (base / PROVENANCE).is_file():
        raise UserError(f"{base} is missing or is no base model: {remedy}.")
    made: dict[str, Any] = read_json(base / PROVENANCE)
    for name, file in made["files"].items():
        if not (base / name).is_file() or (base / name).stat().st_size != file["bytes"]:
            raise UserError(f"{base} is incomplete: {name} is missing or cut short: {remedy}.")
    return made


def write_manifest(folder: Path) -> None:
    """Hash every file of a base that is to ship with the package: ``MANIFEST.json``, name ->
    SHA-256.
    """
    names = sorted(file.name for file in folder.iterdir() if file.name != MANIFEST)
    write_json(folder / MANIFEST, {name: sha256_file(folder / name) for name in names})


def _shipped() -> list[str]:
    """Files of the shipped base, each compared with the manifest."""
    remedy = "install the package again, or rebuild it with `synth-fr tiny-base`"
    if not (TINY_BASE / MANIFEST).is_file():
        raise UserError(f"The shipped base model has no {MANIFEST}: {remedy}.")
    for name, sha256 in read_json(TINY_BASE / MANIFEST).items():
        if not (TINY_BASE / name).is_file() or sha256_file(TINY_BASE / name) != sha256:
            raise UserError(
                f"The shipped base model's {name} is not what its manifest says: {remedy}."
            )
    return _complete(TINY_BASE)


def _snapshot(repo_id: str, revision: str, allow_download: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    if not _COMMIT.fullmatch(revision):
        raise UserError(
            f"base.revision: '{revision}' is no commit (40 hexadecimal digits): "
            "branches and tags move, copy the commit from the model's page."
        )
    try:
        return Path(
            snapshot_download(
                repo_id,
                revision=revision,
                allow_patterns=list(TAKEN),
                local_files_only=not allow_download,
            )
        )
    except HFValidationError:
        raise UserError(f"base.repo_id: '{repo_id}' is no hub name: write owner/name.") from None
    except LocalEntryNotFoundError:
        wish = "try again" if allow_download else "set base.allow_download: true"
        raise UserError(
            f"base: {repo_id} at {revision[:12]} is not in the local cache, nor could it be "
            f"reached: {wish}, or fetch it with `hf download {repo_id} --revision {revision}`."
        ) from None
    except GatedRepoError:
        raise UserError(
            f"base: {repo_id} wants its licence accepted: do so on its page, then log in."
        ) from None
    except HfHubHTTPError as error:
        raise UserError(
            f"base: the hub refused {repo_id} at {revision[:12]} ({error.response.status_code}): "
            "check base.repo_id and base.revision."
        ) from None


def _complete(folder: Path) -> list[str]:
    """Names of the files to take from `folder`, in order; a UserError names what is missing."""
    present = {file.name for file in folder.iterdir() if file.is_file()}
    names = sorted(name for name in present if any(fnmatch(name, pattern) for pattern in TAKEN))
    if CONFIG not in present:
        raise UserError(f"base: {folder} has no {CONFIG}: name the folder of a Hugging Face model.")
    if not any(files <= present for files in TOKENIZERS):
        raise UserError(
            f"base: {folder} has no tokenizer (tokenizer.json): save one beside the model."
        )
    wanted = {SINGLE_WEIGHTS}
    if WEIGHTS_INDEX in present:
        wanted = set(read_json(folder / WEIGHTS_INDEX)["weight_map"].values())
    if missing := sorted(wanted - present):
        pickled = any(name.endswith((".bin", ".pt", ".pth", ".ckpt")) for name in present)
        remedy = (
            "it has pickled weights, which are never read: convert them to safetensors"
            if pickled
            else "copy or download the model again"
        )
        raise UserError(f"base: {folder} lacks {missing[0]}: {remedy}.")
    return [name for name in names if not name.endswith(".safetensors") or name in wanted]


def _parameters(weights: Path, where: Path) -> int:
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
            f"base: {where / weights.name} is no complete safetensors file: "
            "copy or download it again."
        ) from None
