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
                finished = sorted(engine.generate(shard), key=lambda completion: completion.id)
                # to the last digit, unlike write_json: sampling values are told as they were used
                rows = [asdict(completion) for completion in finished]
                write_text(path, json.dumps(rows, ensure_ascii=False))
            # read back in any case: what is used is what a resumed run would use
            for completion in _read(path, shard):
                completions[completion.id] = completion
            bar.update(len(shard))
    return completions


def _read(path: Path, shard: Sequence[Request]) -> list[Completion]:
    try:
        completions = [Completion(**fields) for fields in read_json(path)]
    except TypeError:
        raise UserError(f"{path} is no shard of completions: remove it and run again.") from None
    if {completion.id for completion in completions} != {request.id for request in shard}:
        raise UserError(f"{path} does not hold the reports of its shard: remove it and run again.")
    return completions
