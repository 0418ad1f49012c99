"""What accepted answers hold, written where the next stages expect it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthfr import records
from synthfr.errors import UserError
from synthfr.pipeline import exchange, layout

if TYPE_CHECKING:
    from synthfr.pipeline.parameters import Params


def unpack(stage: str, item: str | None, params: Params) -> dict[str, Any]:
    """Write the public outputs of a private `stage`, and return its metrics."""
    if stage == "seed":
        return _seed(params)
    if stage in exchange.STAGES["scores"]:
        return _scores(stage, str(item), params)
    raise UserError(f"No answer stands for stage {stage}: it runs where the documents are.")


def _scores(stage: str, round_: str, params: Params) -> dict[str, Any]:
    table, measures = exchange.combined_scores(round_, params)
    if stage == "release":
        kind = records.kind_of(table, records.ORDERS, records.SCORES)
        records.write_table(table, layout.scores(round_), kind)
    found: dict[str, Any] = measures.get(stage, {})
    return found


def _seed(params: Params) -> dict[str, Any]:
    from synthfr import corpora

    public, codes = corpora.public_side(params.seed, params.random_seed)
    records.write_table(public, layout.SEED, records.REPORTS)
    records.write_table(codes, layout.CODES, records.CODES)
    return {"public": {"reports": len(public)}, "codes": {"codes": len(codes)}}
