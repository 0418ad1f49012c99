"""Long generations in chunks: a killed run goes on where it was and ends with the same reports."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from synthfr.disk import digest, read_json, write_text
from synthfr.engines.protocol import Completion, Engine, Request
from synthfr.errors import UserError


@dataclass(frozen=True)
class Shard:
    """What one of `num_shards` processes writes: every `num_shards`-th chunk, from the one with
    `shard_index` on.
    """

    shard_index: int
    num_shards: int

    def __post_init__(self) -> None:
        if not 0 <= self.shard_index < self.num_shards:
            raise UserError(
                f"--shard-index {self.shard_index} with --num-shards {self.num_shards}: the index "
                "counts from 0 and stays below the number."
            )


def complete(
    engine: Engine, requests: Sequence[Request], chunk_size: int, scratch: Path
) -> dict[str, Completion]:
    """Completions of all requests by id.

    Requests of like prompt length make chunks of `chunk_size`; each finished chunk is kept in
    `scratch` under the digest of its requests. Which requests share a chunk depends on the whole
    list alone, so that a resumed run repeats the same floating-point sums.
    """
    chunks = _chunks(requests, chunk_size, scratch)
    _write_missing(engine, chunks, chunk_size)
    # read back in any case: what is used is what a resumed run would use
    return {one.id: one for path, chunk in chunks.items() for one in _read_chunk(path, chunk)}


def write_shard(
    engine: Engine, requests: Sequence[Request], chunk_size: int, scratch: Path, shard: Shard
) -> None:
    """Write the chunks of one shard; `complete` of the same requests takes them up."""
    chunks = _chunks(requests, chunk_size, scratch)
    own = dict(list(chunks.items())[shard.shard_index :: shard.num_shards])
    _write_missing(engine, own, chunk_size)


def _chunks(
    requests: Sequence[Request], chunk_size: int, scratch: Path
) -> dict[Path, list[Request]]:
    """Where each chunk is kept, and what it is asked for."""
    ordered = sorted(requests, key=lambda r: (len(r.prompt), r.prompt, r.id))
    chunks = (ordered[at : at + chunk_size] for at in range(0, len(ordered), chunk_size))
    return {
        scratch / f"chunk-{digest([asdict(r) for r in chunk])[:24]}.json": chunk for chunk in chunks
    }


def _write_missing(engine: Engine, chunks: dict[Path, list[Request]], chunk_size: int) -> None:
    from tqdm import tqdm  # type: ignore[import-untyped]

    missing = {path: chunk for path, chunk in chunks.items() if not path.is_file()}
    n, n_missing = (sum(map(len, part.values())) for part in (chunks, missing))
    if chunks:
        longest = max(request.max_new_tokens for chunk in chunks.values() for request in chunk)
        print(
            f"{n} texts of at most {longest} tokens, saved every {chunk_size}"
            + (f", {n - n_missing} of them already written" if n > n_missing else ""),
            file=sys.stderr,
            flush=True,
        )
    with tqdm(total=n, initial=n - n_missing, unit="report", disable=None) as bar:
        for path, chunk in missing.items():
            _write_chunk(engine, chunk, path)
            bar.update(len(chunk))


def _write_chunk(engine: Engine, chunk: Sequence[Request], path: Path) -> None:
    """Have a chunk written. Where one text does not depend on the others, those that a failing
    engine had finished are kept for the next run: on a server they are paid for.
    """
    begun = path.with_suffix(".part.json")
    finished = _read(begun) if begun.is_file() else []
    known = {completion.id for completion in finished}
    try:
        for completion in engine.generate([one for one in chunk if one.id not in known]):
            finished.append(completion)
    except Exception:
        if engine.independent and finished:
            _write(begun, finished)
        raise
    _write(path, finished)
    begun.unlink(missing_ok=True)


def _write(path: Path, completions: list[Completion]) -> None:
    # to the last digit, unlike write_json: sampling values are told as they were used
    rows = [asdict(one) for one in sorted(completions, key=lambda one: one.id)]
    write_text(path, json.dumps(rows, ensure_ascii=False))


def _read(path: Path) -> list[Completion]:
    try:
        return [Completion(**fields) for fields in read_json(path)]
    except TypeError:
        raise UserError(f"{path} is no chunk of completions: remove it and run again.") from None


def _read_chunk(path: Path, chunk: Sequence[Request]) -> list[Completion]:
    completions = _read(path)
    if {completion.id for completion in completions} != {request.id for request in chunk}:
        raise UserError(f"{path} does not hold the reports of its chunk: remove it and run again.")
    return completions
