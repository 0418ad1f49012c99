"""An instruct model from outside the pipeline, to be asked questions: a folder, or a pinned
snapshot, with its own chat template.
"""

from __future__ import annotations

from pathlib import Path

from synthfr import hub
from synthfr.disk import digest, read_json
from synthfr.models.base import complete_files
from synthfr.models.policy import ModelFiles


def instruct_files(reference: str, where: str) -> ModelFiles:
    """The model that `reference` names, its chat template applied where it has one.

    A folder or snapshot that is not there or not complete is a UserError, which names the parameter
    `where`.
    """
    folder = hub.resolve(reference, where)
    complete_files(folder, where)
    return ModelFiles(name=reference, base=folder, chat_template=_has_chat_template(folder))


def weights_identity(files: ModelFiles) -> str:
    """A digest of names, sizes and dates of the model's files: good enough to tell whether a killed
    run's unfinished work is of the same weights. Empty of a model that only a server has.
    """
    if files.base is None:
        return ""
    # a snapshot's files are links to blobs: their own sizes and dates count
    stats = {file.name: file.stat() for file in sorted(files.base.iterdir()) if file.is_file()}
    return digest({name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()})


def _has_chat_template(folder: Path) -> bool:
    """Whether the tokenizer in `folder` brings a chat template, read off its files."""
    if (folder / "chat_template.jinja").is_file():
        return True
    config = folder / "tokenizer_config.json"
    return config.is_file() and bool(read_json(config).get("chat_template"))
