"""Everything that the parameters name on the Hugging Face hub, fetched and verified on a node that
has a network, so that the others work without one (``HF_HUB_OFFLINE=1``).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr import hub
from synthfr.disk import sha256_file
from synthfr.errors import UserError
from synthfr.models.base import TAKEN

if TYPE_CHECKING:
    from synthfr.pipeline.parameters import Params


@dataclass(frozen=True)
class Wanted:
    """A model that a parameter names. `reference`: owner/name, with @commit where it is pinned."""

    where: str
    reference: str
    patterns: tuple[str, ...] = hub.TAKEN

    @property
    def repo_id(self) -> str:
        return self.reference.partition("@")[0]

    @property
    def pinned(self) -> bool:
        return "@" in self.reference


@dataclass(frozen=True)
class Fetched:
    """A model that is wholly on this disk."""

    folder: Path
    n_files: int
    n_bytes: int
    parameters: int


def wanted(params: Params) -> list[Wanted]:
    """The hub models that a run with these parameters loads; folders are not among them."""
    named = []
    if params.has("base") and params.base.source == "hub":
        reference = f"{params.base.repo_id}@{params.base.revision}"
        named.append(Wanted("base.revision", reference, TAKEN))
    if params.has("score") and params.score.evaluator.kind == "sentence_transformers":
        encoder = params.score.evaluator.sentence_transformers.model or ""
        named.append(Wanted("score.evaluator.sentence_transformers.model", encoder))
    for section in ("judge", "similarity_judge"):
        if params.has(section) and (model := getattr(params, section).loaded_model):
            named.append(Wanted(f"{section}.model", model))
    if params.has("classify") and params.classify.coder.kind == "encoder":
        where = "classify.coder.encoder.model"
        named.append(Wanted(where, params.classify.coder.encoder.model or ""))
    return [one for one in named if not Path(one.reference).is_dir()]


def latest(one: Wanted) -> str:
    """The commit that the model's main branch is at now; asks the hub."""
    with _refusals_as_user_errors(one):
        return str(_api().model_info(one.repo_id, timeout=30).sha)


def fetch(one: Wanted) -> Fetched:
    """Download what of the model is not here yet, and compare all of it with what the hub says.

    UserError: no commit, no safetensors, no room on the disk, a file that is not what it should be.
    """
    model = hub.parse(one.reference, one.where)
    assert isinstance(model, hub.Pinned)
    files = _listed(one, model)
    _check_room(one, model, files)
    folder = hub.snapshot(model, one.where, allow_download=True, patterns=one.patterns)
    for file in files:
        _check(folder, file, one.where)
    return Fetched(folder, len(files), sum(file.size for file in files), _weights(folder, one))


def verify(one: Wanted) -> Fetched:
    """The model as it is on this disk, without asking anyone; UserError if it is not whole."""
    model = hub.parse(one.reference, one.where)
    assert isinstance(model, hub.Pinned)
    folder = hub.snapshot(model, one.where, allow_download=False, patterns=one.patterns)
    kept = [file for file in folder.rglob("*") if file.is_file()]
    n_bytes = sum(file.stat().st_size for file in kept)
    return Fetched(folder, len(kept), n_bytes, _weights(folder, one))


def _weights(folder: Path, one: Wanted) -> int:
    return sum(
        hub.count_parameters(file, one.where) for file in hub.weight_files(folder, one.where)
    )


def _listed(one: Wanted, model: hub.Pinned) -> list[Any]:
    """Files of the commit that are wanted, with size and, for large ones, SHA-256."""
    with _refusals_as_user_errors(one):
        info = _api().model_info(
            model.repo_id, revision=model.revision, files_metadata=True, timeout=30
        )
    files = [file for file in info.siblings if _matches(file.rfilename, one.patterns)]
    if not any(file.rfilename.endswith(".safetensors") for file in files):
        raise UserError(
            f"{one.where}: {model.repo_id} at {model.revision[:12]} has no safetensors weights, "
            "and pickled ones are never read: choose a model or a commit that has them."
        )
    return files


def _matches(name: str, patterns: Sequence[str]) -> bool:
    def matches(these: Sequence[str]) -> bool:
        return any(fnmatch(name, pattern) for pattern in these)

    return matches(patterns) and not matches(hub.LEFT)


def _check_room(one: Wanted, model: hub.Pinned, files: list[Any]) -> None:
    from huggingface_hub import constants, try_to_load_from_cache

    missing = sum(
        file.size
        for file in files
        if not isinstance(
            try_to_load_from_cache(model.repo_id, file.rfilename, revision=model.revision), str
        )
    )
    cache = Path(constants.HF_HUB_CACHE)
    cache.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache).free
    if missing > free:
        raise UserError(
            f"{one.where}: {model.repo_id} takes {missing / 1e9:.1f} GB more, and {cache} has "
            f"{free / 1e9:.1f} GB free: make room, or set HF_HOME to a larger disk."
        )


def _check(folder: Path, file: Any, where: str) -> None:
    path = folder / file.rfilename
    whole = path.is_file() and path.stat().st_size == file.size
    if whole and file.lfs is not None:
        whole = sha256_file(path) == file.lfs.sha256
    if not whole:
        raise UserError(
            f"{where}: {path} is not what the hub has under this name: "
            "remove it and run `synth-fr prefetch` again."
        )


@contextmanager
def _refusals_as_user_errors(one: Wanted) -> Iterator[None]:
    from httpx2 import HTTPError  # what huggingface_hub asks with
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except OfflineModeIsEnabled:
        raise UserError(
            "HF_HUB_OFFLINE is set: unset it, on a node that has a network; "
            "`synth-fr prefetch --check` looks at what is already here."
        ) from None
    except RevisionNotFoundError:
        raise UserError(
            f"{one.where}: the hub no longer has {one.reference}: its history was rewritten; "
            "compare the models, then pin the present commit with `synth-fr prefetch --pin`."
        ) from None
    except GatedRepoError:
        raise UserError(
            f"{one.where}: {one.repo_id} wants its licence accepted: do so on its page, then log "
            "in (`hf auth login`)."
        ) from None
    except (RepositoryNotFoundError, HFValidationError):
        raise UserError(
            f"{one.where}: the hub has no model '{one.repo_id}' that it would show you: check the "
            "name, or log in."
        ) from None
    except HfHubHTTPError as error:
        raise UserError(
            f"{one.where}: the hub refused {one.repo_id} ({error.response.status_code}): try later."
        ) from None
    except HTTPError as error:
        raise UserError(
            f"{one.where}: the hub does not answer ({type(error).__name__}): run this on a node "
            "with a network, or set HF_ENDPOINT to a mirror."
        ) from None


def _api() -> Any:
    from huggingface_hub import HfApi

    return HfApi()
