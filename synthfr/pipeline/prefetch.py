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
from synthfr.models import published
from synthfr.models.base import TAKEN
from synthfr.models.lora import ADAPTER_WEIGHTS
from synthfr.pipeline import layout

if TYPE_CHECKING:
    from synthfr.corpora.hub_table import HubSplit
    from synthfr.pipeline.parameters import Params

_KINDS: dict[hub.Kind, str] = {"model": "model", "dataset": "data set"}


@dataclass(frozen=True)
class Wanted:
    """What a parameter names. `reference`: owner/name, with @commit where it is pinned; `table`:
    the part of a data set that is read.
    """

    where: str
    reference: str
    patterns: tuple[str, ...] = hub.TAKEN
    table: HubSplit | None = None

    @property
    def repo_id(self) -> str:
        return self.reference.partition("@")[0]

    @property
    def kind(self) -> hub.Kind:
        return "dataset" if self.table else "model"

    @property
    def pinned(self) -> bool:
        return "@" in self.reference

    def parse(self) -> hub.Pinned:
        """The reference taken apart; UserError where it has no commit."""
        if self.table:
            return hub.parse_data(self.reference, self.where)
        model = hub.parse(self.reference, self.where)
        assert isinstance(model, hub.Pinned)
        return model


@dataclass(frozen=True)
class Fetched:
    """A model or a data set that is wholly on this disk."""

    folder: Path
    n_files: int
    n_bytes: int
    parameters: int  # of a model


def wanted(params: Params) -> list[Wanted]:
    """What a run with these parameters takes of the hub; folders are not among it."""
    named = []
    if params.has("base") and params.base.source == "hub":
        reference = f"{params.base.repo_id}@{params.base.revision}"
        named.append(Wanted("base.revision", reference, TAKEN))
    if params.has("base"):
        for index, adapter in enumerate(params.base.adapters):
            named.append(Wanted(published.setting(index), adapter, published.TAKEN))
    if params.has("score") and params.score.evaluator.kind == "sentence_transformers":
        encoder = params.score.evaluator.sentence_transformers.model or ""
        named.append(Wanted("score.evaluator.sentence_transformers.model", encoder))
    for section in ("judge", "similarity_judge"):
        if params.has(section) and (model := getattr(params, section).loaded_model):
            named.append(Wanted(f"{section}.model", model))
    if params.has("classify") and (coder := params.classify.coder.fine_tuned) is not None:
        where = f"classify.coder.{params.classify.coder.kind}.model"
        named.append(Wanted(where, coder.model or ""))
    if params.has("train_coder") and params.train_coder.seeds:
        named.append(Wanted("train_coder.model", params.train_coder.model or ""))
    if params.has("fidelity") and (model := params.fidelity.distances.encoder.model):
        named.append(Wanted("fidelity.distances.encoder.model", model))
    models = [one for one in named if not _is_folder(Path(one.reference))]
    return models + list(_tables(params))


def _is_folder(path: Path) -> bool:
    """Also what the stage `base` makes a folder of."""
    return path == layout.BASE or path.is_dir()


def _tables(params: Params) -> Iterator[Wanted]:
    tables: dict[str, HubSplit] = {}
    if params.has("seed") and params.seed.source == "hub":
        tables |= {
            "seed.hub.public": params.seed.hub.public,
            "seed.hub.codes": params.seed.hub.codes,
        }
    if params.has("sft") and params.sft.teacher.share:
        tables["sft.teacher"] = params.sft.teacher
    for where, table in tables.items():
        if table.repo_id is not None:
            yield Wanted(f"{where}.repo_id", table.repo_id, hub.DATA_TAKEN, table)


def latest(one: Wanted) -> str:
    """The commit that the model's main branch is at now; asks the hub."""
    with _refusals_as_user_errors(one):
        return str(_api().repo_info(one.repo_id, repo_type=one.kind, timeout=30).sha)


def fetch(one: Wanted) -> Fetched:
    """Download what of it is not here yet, and compare all of it with what the hub says.

    UserError: no commit, no safetensors, no table as it is wanted, no room on the disk, a file that
    is not what it should be.
    """
    model = one.parse()
    files = _listed(one, model)
    _check_room(one, model, files)
    folder = hub.snapshot(model, one.where, allow_download=True, patterns=one.patterns)
    for file in files:
        _check(folder, file, one.where)
    return Fetched(folder, len(files), sum(file.size for file in files), _parameters(folder, one))


def verify(one: Wanted) -> Fetched:
    """What is on this disk, without asking anyone; UserError if it is not whole."""
    model = one.parse()
    folder = hub.snapshot(model, one.where, allow_download=False, patterns=one.patterns)
    kept = [file for file in folder.rglob("*") if file.is_file()]
    n_bytes = sum(file.stat().st_size for file in kept)
    return Fetched(folder, len(kept), n_bytes, _parameters(folder, one))


def _parameters(folder: Path, one: Wanted) -> int:
    """A model's weights, or those of an adapter, counted; a data set's table found."""
    if one.table:
        from synthfr.corpora import hub_table

        hub_table.find(one.table, one.where.removesuffix(".repo_id"))
        return 0
    if one.patterns == published.TAKEN:
        published.check(published.Published(one.where, one.reference, folder))
        return hub.count_parameters(folder / ADAPTER_WEIGHTS, one.where)
    return sum(
        hub.count_parameters(file, one.where) for file in hub.weight_files(folder, one.where)
    )


def _listed(one: Wanted, model: hub.Pinned) -> list[Any]:
    """Files of the commit that are wanted, with size and, for large ones, SHA-256."""
    with _refusals_as_user_errors(one):
        info = _api().repo_info(
            model.repo_id,
            repo_type=model.kind,
            revision=model.revision,
            files_metadata=True,
            timeout=30,
        )
    files = [file for file in info.siblings if _matches(file.rfilename, one.patterns)]
    weights = [file for file in files if file.rfilename.endswith(".safetensors")]
    if one.kind == "model" and not weights:
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
            try_to_load_from_cache(
                model.repo_id, file.rfilename, revision=model.revision, repo_type=model.kind
            ),
            str,
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
            "compare the two, then pin the present commit with `synth-fr prefetch --pin`."
        ) from None
    except GatedRepoError:
        raise UserError(
            f"{one.where}: {one.repo_id} wants its licence accepted: do so on its page, then log "
            "in (`hf auth login`)."
        ) from None
    except (RepositoryNotFoundError, HFValidationError):
        raise UserError(
            f"{one.where}: the hub has no {_KINDS[one.kind]} '{one.repo_id}' that it would show "
            "you: check the name, or log in."
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
