"""Long generations in shards: a killed run goes on where it was and ends with the same reports."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from synthfr.errors import UserError
from synthfr.files import digest, read_json, write_text
from synthfr.generation.protocol import Completion, Engine, Request


def complete(
    engine: Engine, requests: Sequence[Request], shard_size: int, scratch: Path
) -> dict[str, Completion]:
    """Completions of all requests by id.

    Requests of like prompt length make shards of `shard_size`; each finished shard is kept in
    `scratch` under the digest of its requests. Which requests share a shard depends on the whole
    list alone, so that a resumed run repeats the same floating-point sums.
    """
    from tqdm import tqdm  # type: ignore[import-untyped]

    ordered = sorted(requests, key=lambda r: (len(r.prompt), r.prompt, r.id))
    shards = [ordered[at : at + shard_size] for at in range(0, len(ordered), shard_size)]
    paths = [scratch / f"shard-{digest([asdict(r) for r in shard])[:24]}.json" for shard in shards]
    done = [path.is_file() for path in paths]
    kept = sum(len(shard) for shard, there in zip(shards, done, strict=True) if there)
    if ordered:
        longest = max(request.max_new_tokens for request in ordered)
        print(
            f"{len(ordered)} texts of at most {longest} tokens, saved every {shard_size}"
            + (f", {kept} of them kept from an earlier run" if kept else ""),
            file=sys.stderr,
            flush=True,
        )
    completions: dict[str, Completion] = {}
    with tqdm(total=len(ordered), unit="report", disable=None) as bar:
        for shard, path, there in zip(shards, paths, done, strict=True):
            if not there:
                _write_shard(engine, shard, path)
            # read back in any case: what is used is what a resumed run would use
            for completion in _read_shard(path, shard):
                completions[completion.id] = completion
            bar.update(len(shard))
    return completions


def _write_shard(engine: Engine, shard: Sequence[Request], path: Path) -> None:
    """Have a shard written. Where one text does not depend on the others, those that a failing
    engine had finished are kept for the next run: on a server they are paid for.
    """
    begun = path.with_suffix(".part.json")
    finished = _read(begun) if begun.is_file() else []
    known = {completion.id for completion in finished}
    try:
        for completion in engine.generate([one for one in shard if one.id not in known]):
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
        raise UserError(f"{path} is no shard of completions: remove it and run again.") from None


def _read_shard(path: Path, shard: Sequence[Request]) -> list[Completion]:
    completions = _read(path)
    if {completion.id for completion in completions} != {request.id for request in shard}:
        raise UserError(f"{path} does not hold the reports of its shard: remove it and run again.")
    return completions
