"""To the Hugging Face hub, as one commit. The only part of publishing that uses a network."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from synthfr.errors import UserError


def upload(folder: Path, repo: str, kind: Literal["dataset", "model"]) -> str:
    """Send all files of `folder` to ``owner/name`` of the hub; returns the commit's page.

    A repository that is not there is made, private: to open it is a decision of its own. The
    token is huggingface_hub's (``hf auth login``, or HF_TOKEN).
    """
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    api = HfApi()
    left = f"{folder} is written, no commit was made"
    try:
        api.create_repo(repo, repo_type=kind, private=True, exist_ok=True)
        done = api.upload_folder(
            repo_id=repo, repo_type=kind, folder_path=folder, commit_message=f"Add {folder.name}"
        )
    except HFValidationError:
        raise UserError(f"--repo: '{repo}' is no hub name: write owner/name ({left}).") from None
    except OfflineModeIsEnabled:
        raise UserError(f"HF_HUB_OFFLINE is set: unset it to upload ({left}).") from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        raise UserError(
            f"The hub refused {repo} ({status}): check the name, and log in with `hf auth login` "
            f"as somebody who may write there ({left})."
        ) from None
    except (httpx2.HTTPError, OSError) as error:
        raise UserError(
            f"The hub cannot be reached ({type(error).__name__}): try again with "
            f"`hf upload {repo} {folder} --repo-type {kind}` ({left})."
        ) from None
    return str(done.commit_url)
