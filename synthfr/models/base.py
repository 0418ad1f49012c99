"""The base model as a folder: copied from the package, a local folder or a pinned hub snapshot,
and verified.

Only what a run needs is taken: config, tokenizer, safetensors, card. Pickled weights and code
never are. What was taken, its hashes and where it came from stand in ``provenance.json``; its
digest is what adapters are bound to. Published adapters that are to be the start of all steps are
merged into it (`published`), and are part of the digest.
"""

from __future__ import annotations

import shutil
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, model_validator

from synthfr import hub
from synthfr.disk import atomic_dir, digest, read_json, sha256_file, write_json
from synthfr.errors import UserError
from synthfr.models import published
from synthfr.section import Section, without_doubles


class Base(Section):
    """Parameters `base`: see the comments in params.yaml."""

    source: Literal["tiny", "local", "hub"] = "tiny"
    path: str | None = None
    repo_id: str | None = None
    revision: str | None = None
    allow_download: bool = False
    adapters: Annotated[list[str], AfterValidator(without_doubles)] = []
    merged_dtype: published.MergedDtype = "float32"
    chat_template: bool = False

    @model_validator(mode="after")
    def _named(self) -> Base:
        if self.source == "local" and not self.path:
            raise ValueError("source 'local' wants 'path', the folder of the model")
        if self.source == "hub" and not (self.repo_id and self.revision):
            raise ValueError(
                "source 'hub' wants 'repo_id' and 'revision', a commit of it: always the same model"
            )
        return self


TINY_BASE = Path(__file__).parent / "tiny_base"  # ships with the package
MANIFEST = "MANIFEST.json"  # of the shipped base: file name -> SHA-256
PROVENANCE = "provenance.json"
CONFIG = "config.json"
TOKENIZERS = (
    {"tokenizer.json"},
    {"tokenizer.model"},
    {"vocab.json", "merges.txt"},
)  # any one of them
TAKEN = (
    CONFIG,
    "generation_config.json",
    "model*.safetensors",
    hub.WEIGHTS_INDEX,
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


def provide(params: Base, out: Path) -> dict[str, Any]:
    """Make the folder `out` from the base that `params` name; returns what its
    ``provenance.json`` holds.

    Nothing is downloaded unless ``params.allow_download``. A base that is not complete, not in
    safetensors or not what its manifest says, or an adapter that does not fit it, is a UserError,
    and leaves `out` as it was.
    """
    if params.source == "tiny":
        folder, names = TINY_BASE, _shipped()
        origin: dict[str, str | None] = {"repo_id": None, "revision": None}
    elif params.source == "local":
        folder = Path(params.path or "")
        if not folder.is_dir():
            raise UserError(f"base.path: {folder} is no folder: name the folder of the model.")
        names, origin = complete_files(folder), {"repo_id": None, "revision": None}
    else:
        model = hub.pinned(params.repo_id or "", params.revision or "", "base.revision")
        folder = hub.snapshot(model, "base", allow_download=params.allow_download, patterns=TAKEN)
        names = complete_files(folder)
        origin = {"repo_id": params.repo_id, "revision": params.revision}

    weights = [folder / name for name in names if name.endswith(".safetensors")]
    parameters = sum(hub.count_parameters(file, "base") for file in weights)
    adapters = published.find(params.adapters, allow_download=params.allow_download)
    with atomic_dir(out) as partial:
        for name in names:
            shutil.copyfile(folder / name, partial / name)
        if adapters:
            merged = [file.name for file in weights]
            names = names + published.merge(partial, merged, adapters, params.merged_dtype)
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
        if adapters:
            made["adapters"] = [one.record() for one in adapters]
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
    return complete_files(TINY_BASE)


def complete_files(folder: Path, where: str = "base") -> list[str]:
    """Names of a model's files to take from `folder`, in order; a UserError names what is missing.

    `where` is the parameter that names the folder, for the message.
    """
    present = {file.name for file in folder.iterdir() if file.is_file()}
    names = sorted(name for name in present if any(fnmatch(name, pattern) for pattern in TAKEN))
    if CONFIG not in present:
        raise UserError(
            f"{where}: {folder} has no {CONFIG}: name the folder of a Hugging Face model."
        )
    if not any(files <= present for files in TOKENIZERS):
        raise UserError(
            f"{where}: {folder} has no tokenizer (tokenizer.json): save one beside the model."
        )
    wanted = {file.name for file in hub.weight_files(folder, where)}
    return [name for name in names if not name.endswith(".safetensors") or name in wanted]
