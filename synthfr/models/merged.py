"""Policies as files, for engines that read a model from disk: merged weights in a dtype, or all
adapters as one.

They lie in a folder that stages share, each under the digest of what it was made from, so that a
step's policy is made once for whoever writes with it. What is in use is protected by a lock; when a
new one is made, those that nobody uses go, so that at most one lies idle.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from synthfr.disk import atomic_dir, digest, digest_tree
from synthfr.errors import UserError
from synthfr.models.adapters import compose
from synthfr.models.base import read_provenance
from synthfr.models.lora import ADAPTER_WEIGHTS
from synthfr.models.policy import ModelFiles, load

Dtype = Literal["float32", "bfloat16", "float16"]
_BYTES: dict[Dtype, int] = {"float32": 4, "bfloat16": 2, "float16": 2}
_LOCK = ".lock"  # of the whole folder


@contextmanager
def merged_policy(files: ModelFiles, folder: Path, dtype: Dtype) -> Iterator[Path]:
    """A folder with the plain safetensors weights, config and tokenizer of a model, unchanged and
    undeleted inside the block.

    Adapters are merged in float32 and the sum is cast to `dtype`. A model without adapters is its
    own folder: an engine casts as it loads. UserError when the disk is too full.
    """
    if not files.adapters:
        yield files.folder
        return

    needed = read_provenance(files.folder)["parameters"] * _BYTES[dtype]
    key = _key(files, dtype)
    with _shared(folder, key, needed, lambda path: write_merged(files, path, dtype)) as path:
        yield path


def write_merged(files: ModelFiles, out: Path, dtype: Dtype) -> None:
    """Write a model as plain safetensors weights, config and tokenizer, the whole folder
    atomically: adapters merged in float32, the sum cast to `dtype`.
    """
    import torch

    policy = load(files)
    with atomic_dir(out) as partial:
        policy.model.to(getattr(torch, dtype)).save_pretrained(partial)
        policy.tokenizer.save_pretrained(partial)


@contextmanager
def composed_adapter(files: ModelFiles, folder: Path) -> Iterator[Path | None]:
    """A folder with one LoRA adapter that does what the model's adapters do (see `compose`), kept
    like merged weights; None when it has none.
    """
    if not files.adapters:
        yield None
        return
    needed = sum((one / ADAPTER_WEIGHTS).stat().st_size for one in files.adapters)
    key = _key(files, "lora")
    with _shared(folder, key, needed, lambda path: compose(files.adapters, path)) as path:
        yield path


def _key(files: ModelFiles, form: str) -> str:
    """Names a policy by base, adapters and form. What the lineage proved is not hashed again."""
    adapters = [one.parent_digest for one in files.lineage[1:]] + [digest_tree(files.adapters[-1])]
    made_of = {"base": files.lineage[0].base_digest, "adapters": adapters, "form": form}
    return f"{files.name}-{form}-{digest(made_of)[:16]}"


@contextmanager
def _shared(
    folder: Path, key: str, needed_bytes: int, make: Callable[[Path], None]
) -> Iterator[Path]:
    """`folder`/`key`, made if it is not there, and in use until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / key
    with ExitStack() as using:
        # one process at a time looks up, makes or removes
        with (folder / _LOCK).open("a") as alone:
            fcntl.flock(alone, fcntl.LOCK_EX)
            use = using.enter_context(_use(path).open("a"))
            fcntl.flock(use, fcntl.LOCK_SH)
            if not path.is_dir():
                _remove_idle(folder)
                _check_space(folder, needed_bytes)
                make(path)
        yield path


def _remove_idle(folder: Path) -> None:
    """Remove policies that nobody uses, and what killed makers left behind."""
    for path in sorted(one for one in folder.iterdir() if one.is_dir()):
        if path.name.startswith("."):
            shutil.rmtree(path)
            continue
        with _use(path).open("a") as use:
            try:
                fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(path)
            _use(path).unlink()


def _check_space(folder: Path, needed_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed_bytes > free:
        raise UserError(
            f"The policy's weights need {_gib(needed_bytes)} GiB in {folder}, {_gib(free)} are "
            "free: make room there, or set engines.vllm.policy to lora."
        )


def _gib(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:.2f}"


def _use(path: Path) -> Path:
    """The file that those who use a policy hold locked."""
    return path.with_name(f".{path.name}.use")
