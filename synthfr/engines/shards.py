"""Long generations in shards: a killed run goes on where it was and ends with the same reports."""

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
class Share:
    """Every `of`-th shard, from the one with `number` on: what one of several processes writes."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Share:
        """From ``3/8``: the fourth of eight."""
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal() and int(number) < int(of)):
            raise UserError(f"'{text}' is no share: write 0/8 for the first of eight, 7/8 is last.")
        return cls(int(number), int(of))


def complete(
    engine: Engine, requests: Sequence[Request], shard_size: int, scratch: Path
) -> dict[str, Completion]:
    """Completions of all requests by id.

    Requests of like prompt length make shards of `shard_size`; each finished shard is kept in
    `scratch` under the digest of its requests. Which requests share a shard depends on the whole
    list alone, so that a resumed run repeats the same floating-point sums.
    """
    shards = _shards(requests, shard_size, scratch)
    _write_missing(engine, shards, shard_size)
    # read back in any case: what is used is what a resumed run would use
    return {one.id: one for path, shard in shards.items() for one in _read_shard(path, shard)}


def write_share(
    engine: Engine, requests: Sequence[Request], shard_size: int, scratch: Path, share: Share
) -> None:
    """Write the shards of one share; `complete` of the same requests takes them up."""
    shards = _shards(requests, shard_size, scratch)
    own = dict(list(shards.items())[share.number :: share.of])
    _write_missing(engine, own, shard_size)


def _shards(
    requests: Sequence[Request], shard_size: int, scratch: Path
) -> dict[Path, list[Request]]:
    """Where each shard is kept, and what it is asked for."""
    ordered = sorted(requests, key=lambda r: (len(r.prompt), r.prompt, r.id))
    shards = (ordered[at : at + shard_size] for at in range(0, len(ordered), shard_size))
    return {
        scratch / f"shard-{digest([asdict(r) for r in shard])[:24]}.json": shard for shard in shards
    }


def _write_missing(engine: Engine, shards: dict[Path, list[Request]], shard_size: int) -> None:
    from tqdm import tqdm  # type: ignore[import-untyped]

    missing = {path: shard for path, shard in shards.items() if not path.is_file()}
    n, n_missing = (sum(map(len, part.values())) for part in (shards, missing))
    if shards:
        longest = max(request.max_new_tokens for shard in shards.values() for request in shard)
        print(
            f"{n} texts of at most {longest} tokens, saved every {shard_size}"
            + (f", {n - n_missing} of them already written" if n > n_missing else ""),
            file=sys.stderr,
            flush=True,
        )
    with tqdm(total=n, initial=n - n_missing, unit="report", disable=None) as bar:
        for path, shard in missing.items():
            _write_shard(engine, shard, path)
            bar.update(len(shard))


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
