"""The judge's own model: a folder, a pinned snapshot, or a name that a server knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr import hub
from synthfr.disk import read_json
from synthfr.models import ModelFiles
from synthfr.models.base import complete_files

if TYPE_CHECKING:
    from synthfr.engines.asking import QuestionSettings
    from synthfr.engines.engine_settings import Engines


def judge_files(params: QuestionSettings, where: str = "judge.model") -> ModelFiles:
    """The model that ``params.model`` names, its chat template applied where it has one.

    A folder or snapshot that is not there or not complete is a UserError, which names the parameter
    `where`. A server's model is known
    by its name alone, and the server applies its own template.
    """
    name = params.model or ""
    if params.engine == "openai":
        return ModelFiles(name=name, base=None)
    folder = hub.resolve(name, where)
    complete_files(folder, where)
    return ModelFiles(name=name, base=folder, chat_template=has_chat_template(folder))


def has_chat_template(folder: Path) -> bool:
    """Whether the tokenizer in `folder` brings a chat template, read off its files."""
    if (folder / "chat_template.jinja").is_file():
        return True
    config = folder / "tokenizer_config.json"
    return config.is_file() and bool(read_json(config).get("chat_template"))


def identity(files: ModelFiles, engines: Engines) -> list[Any]:
    """What the answers depend on beside the questions and the judge's own section: which
    weights, at which precision, behind which name. For shards of a killed run, so dates and sizes
    will do.
    """
    if files.base is None:
        return [engines.openai.model]
    # a snapshot's files are links to blobs: their own dates and sizes count
    stats = {file.name: file.stat() for file in sorted(files.base.iterdir()) if file.is_file()}
    return [
        engines.vllm.dtype,
        {name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()},
    ]
