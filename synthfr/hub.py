"""Models that parameters refer to by name: a folder, or ``owner/name@commit`` of the Hugging Face
hub.

A reference is resolved to a folder on this disk. Nothing is downloaded here unless the caller says
so, and a commit is always named: a branch or tag would be another model tomorrow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from synthfr.errors import UserError

_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Pinned:
    """A model of the hub at one commit."""

    repo_id: str
    revision: str

    def __str__(self) -> str:
        return f"{self.repo_id}@{self.revision}"


def parse(reference: str, where: str) -> Path | Pinned:
    """A reference taken apart; `where` is the parameter that holds it, for the message.

    UserError when it is neither a folder that exists nor ``owner/name@commit``.
    """
    if Path(reference).is_dir():
        return Path(reference)
    repo_id, _, revision = reference.partition("@")
    if repo_id.count("/") != 1 or not revision:
        raise UserError(
            f"{where}: '{reference}' is neither a folder nor owner/name@commit: write one of them."
        )
    return pinned(repo_id, revision, where)


def pinned(repo_id: str, revision: str, where: str) -> Pinned:
    """A hub name and a commit, both checked for their form."""
    if not _COMMIT.fullmatch(revision):
        raise UserError(
            f"{where}: '{revision}' is no commit (40 hexadecimal digits): "
            "branches and tags move, copy the commit from the model's page."
        )
    return Pinned(repo_id, revision)


def resolve(reference: str, where: str) -> Path:
    """The folder of a reference; a snapshot of the hub must already be in the cache."""
    found = parse(reference, where)
    return found if isinstance(found, Path) else snapshot(found, where, allow_download=False)


def snapshot(
    model: Pinned,
    where: str,
    *,
    allow_download: bool,
    patterns: Sequence[str] | None = None,
) -> Path:
    """The folder of a snapshot, `patterns` (default: all) of its files.

    UserError when it is not in the cache and may not, or cannot, be downloaded.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    short = f"{model.repo_id} at {model.revision[:12]}"
    try:
        return Path(
            snapshot_download(
                model.repo_id,
                revision=model.revision,
                allow_patterns=list(patterns) if patterns else None,
                local_files_only=not allow_download,
            )
        )
    except HFValidationError:
        raise UserError(f"{where}: '{model.repo_id}' is no hub name: write owner/name.") from None
    except LocalEntryNotFoundError:
        wish = "try again" if allow_download else "fetch it where there is one"
        raise UserError(
            f"{where}: {short} is not in the local cache and there is no network to the hub: "
            f"{wish} with `synth-fr prefetch`."
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
