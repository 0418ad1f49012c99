"""A table of a data set of the Hugging Face hub, at one commit: Parquet, CSV or JSON files, as the
data set's card arranges them in configurations and splits.

The snapshot must be on this disk (`synth-fr prefetch`): nothing is downloaded, no code of a data
set is run, and the library ``datasets`` is only asked which files a split has and how they are
read. A card may name any path or address: what does not lie in the snapshot is refused.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from synthfr import hub
from synthfr.corpora.formats import Columns, FileTable
from synthfr.corpora.problems import UserErrors
from synthfr.errors import UserError
from synthfr.section import Section

_READ = ("parquet", "csv", "json")  # modules of datasets that read plain tables
_CARD = "README.md"
_BATCH = 1000  # rows


class HubSplit(Section):
    """Which rows of which data set: parameters of `seed.hub.public`, `seed.hub.codes` and
    `sft.teacher`, see the comments in params.yaml.
    """

    repo_id: str | None = None
    config: str | None = None
    split: Annotated[str, Field(min_length=1)] = "train"


def name(table: HubSplit) -> Path:
    """How the rows' place is told: the data set and the beginning of its commit."""
    repo_id, _, revision = (table.repo_id or "").partition("@")
    return Path(f"{repo_id}@{revision[:12]}")


def find(table: HubSplit, setting: str) -> list[Path]:
    """The data files of the split, in order, all of them in the snapshot.

    Args:
        table: what is wanted; with a `repo_id`.
        setting: the section that names it, such as ``seed.hub.public``.

    Raises:
        UserError: where it is not on this disk, has no such configuration or split, or is no table.
    """
    with _opened(table, setting) as (_, files):
        return files


def read(
    table: HubSplit,
    setting: str,
    columns: Mapping[Any, str],
    names: Sequence[str],
    required: Collection[str],
) -> FileTable:
    """The rows of the split, under our names.

    Args:
        table: as for `find`.
        setting: as for `find`.
        columns: ours -> theirs; a name that is not there is the same.
        names: ours, those that are read where they are there.
        required: those of `names` that must be there; so must all that `columns` maps.

    Raises:
        UserErrors: as `find`; and where columns are missing, naming those that are there.
    """
    wanted = {ours: columns.get(ours, ours) for ours in names}
    theirs: Columns = {}
    present: dict[str, None] = {}
    count = 0
    with _opened(table, setting) as (builder, _):
        rows = builder.as_streaming_dataset(split=table.split).with_format("arrow")
        for batch in rows.iter(batch_size=_BATCH):
            present |= dict.fromkeys(batch.column_names)
            for column in wanted.values():
                cells = theirs.setdefault(column, [])
                here = column in batch.column_names
                cells += batch[column].to_pylist() if here else [None] * batch.num_rows
            count += batch.num_rows
    if not count:
        raise UserError(f"{setting}: the split {table.split} of {name(table)} has no rows.")
    missing = [
        ours
        for ours, column in wanted.items()
        if column not in present and (ours in columns or ours in required)
    ]
    if missing:
        raise UserErrors(_missing(ours, wanted[ours], table, setting, present) for ours in missing)
    ours_of = {ours: theirs[column] for ours, column in wanted.items() if column in present}
    return FileTable(range(1, count + 1), tuple(present), ours_of)


def _missing(
    ours: str, column: str, table: HubSplit, setting: str, present: Collection[str]
) -> str:
    there = ", ".join(f"'{one}'" for one in present)
    return (
        f"{name(table)} has no column '{column}', its columns are {there}: name the one with the "
        f"'{ours}' of a row in {setting}.columns."
    )


@contextmanager
def _opened(table: HubSplit, setting: str) -> Iterator[tuple[Any, list[Path]]]:
    """The builder of ``datasets`` for the table, and the split's files; whatever reading them
    raises is a UserError.
    """
    pinned = hub.parse_data(table.repo_id or "", f"{setting}.repo_id")
    folder = hub.snapshot(
        pinned, f"{setting}.repo_id", allow_download=False, patterns=hub.DATA_TAKEN
    )
    import datasets
    import pyarrow as pa

    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    refused = (ValueError, TypeError, OSError, pa.ArrowException, datasets.exceptions.DatasetsError)
    # what datasets keeps of a builder is of no use later; the hub's cache may be read-only
    with tempfile.TemporaryDirectory() as scratch:
        try:
            _refuse_foreign_patterns(folder, setting, table)
            config = _config(folder, setting, table)
            builder = datasets.load_dataset_builder(str(folder), config, cache_dir=scratch)
            yield builder, _files(builder, folder, setting, table)
        except UserError:
            raise
        except refused as error:
            raise UserError(
                f"{setting}: {name(table)} cannot be read as a table of Parquet, CSV or JSON files "
                f"({type(error).__name__}): see its page on the hub, choose another configuration "
                "or commit, or name files of your own."
            ) from error


def _refuse_foreign_patterns(folder: Path, setting: str, table: HubSplit) -> None:
    """UserError where the card names data files elsewhere: on the network, or on this disk."""
    from datasets.data_files import sanitize_patterns
    from datasets.utils.metadata import MetadataConfigs
    from huggingface_hub import DatasetCard

    if not (folder / _CARD).is_file():
        return
    configs = MetadataConfigs.from_dataset_card_data(DatasetCard.load(folder / _CARD).data)
    for config in configs.values():
        own = [str(config["data_dir"])] if config.get("data_dir") else []
        patterns = sanitize_patterns(config["data_files"]) if config.get("data_files") else {}
        for pattern in [*own, *(str(one) for several in patterns.values() for one in several)]:
            if _is_foreign(pattern):
                raise _foreign(setting, table)


def _is_foreign(pattern: str) -> bool:
    path = Path(pattern)
    return "::" in pattern or "://" in pattern or path.is_absolute() or ".." in path.parts


def _foreign(setting: str, table: HubSplit) -> UserError:
    return UserError(
        f"{setting}: the card of {name(table)} names data files that are not its own: they are not "
        "read: choose another configuration or commit."
    )


def _config(folder: Path, setting: str, table: HubSplit) -> str | None:
    """The configuration that is wanted; the data set's own choice where none is named."""
    from datasets import get_dataset_config_names, get_dataset_default_config_name

    known = get_dataset_config_names(str(folder))
    if table.config is None and get_dataset_default_config_name(str(folder)) is None:
        raise UserError(
            f"{setting}.config: {name(table)} has several configurations ({', '.join(known)}): "
            "name one."
        )
    if table.config is not None and table.config not in known:
        raise UserError(
            f"{setting}.config: {name(table)} has no configuration '{table.config}', it has "
            f"{', '.join(known)}: name one of them."
        )
    return table.config


def _files(builder: Any, folder: Path, setting: str, table: HubSplit) -> list[Path]:
    """The split's files, in the order in which they are read."""
    kind = type(builder).__module__.rpartition(".")[2]
    if kind not in _READ:
        raise UserError(
            f"{setting}: {name(table)} holds {kind} files, and only Parquet, CSV and JSON are "
            "read: choose another data set."
        )
    splits = builder.config.data_files
    if table.split not in splits:
        raise UserError(
            f"{setting}.split: {name(table)} has no split '{table.split}', it has "
            f"{', '.join(map(str, splits))}: name one of them."
        )
    files = [Path(file) for file in splits[table.split]]
    if not all(file.is_relative_to(folder.resolve()) for file in files):
        raise _foreign(setting, table)
    return files
