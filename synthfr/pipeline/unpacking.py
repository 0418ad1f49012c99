"""What accepted answers hold, written where the next stages expect it: the public outputs of the
private stages that they stand for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synthfr import records
from synthfr.errors import UserError
from synthfr.pipeline import exchange, layout
from synthfr.sites.exchanges import STAGES

if TYPE_CHECKING:
    from synthfr.pipeline.parameters import Params


@dataclass(frozen=True)
class Unpacked:
    """What a stage logs: its metrics, and the rows of its plots by name."""

    measures: Mapping[str, Any]
    plots: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)


def unpack(stage: str, item: str | None, params: Params) -> Unpacked:
    """Write the public outputs of a private `stage`, and return its metrics and plots.

    Raises:
        UserError: an answer is missing, or does not fit what lies here now.
    """
    if stage == "seed":
        return Unpacked(_seed(params))
    if stage in STAGES["keywords"]:
        return Unpacked(_keywords(params))
    if stage in STAGES["scores"]:
        return Unpacked(_scores(stage, str(item), params))
    if stage in STAGES["evaluation"]:
        return _evaluation(stage, str(item), params)
    raise UserError(f"No answer stands for stage {stage}: it runs where the documents are.")


def _seed(params: Params) -> dict[str, Any]:
    """The public side needs no answer: it is read from its own files."""
    from synthfr import corpora

    public, codes = corpora.public_side(params.seed, params.random_seed)
    records.write_table(public, layout.SEED, records.REPORTS)
    records.write_table(codes, layout.CODES, records.CODES)
    return {"public": {"reports": len(public)}, "codes": {"codes": len(codes)}}


def _keywords(params: Params) -> dict[str, Any]:
    from synthfr.sites import keywords

    answers = exchange.checked("keywords", None, params)
    seed = records.read_table(layout.SEED, records.REPORTS)
    public, measures = keywords.public(answers, seed, params.prompt.template)
    records.write_table(public.sft, layout.SFT_TABLE, records.SFT)
    records.write_table(public.prompts, layout.PROMPTS, records.PROMPTS)
    records.write_table(public.code_sets, layout.CODE_SETS, records.CODE_SETS)
    return measures


def _scores(stage: str, round_: str, params: Params) -> dict[str, Any]:
    """``score`` has public metrics alone, ``release`` the table too."""
    from synthfr.sites import combine, scores

    answers = exchange.checked("scores", round_, params)
    if stage == "release":
        table = combine.released(answers)
        scores.complete(table, records.read_table(layout.candidates(round_), records.CANDIDATES))
        kind = records.kind_of(table, records.ORDERS, records.SCORES)
        records.write_table(table, layout.scores(round_), kind)
    measures: dict[str, Any] = combine.measures(answers).get(stage, {})
    return measures


def _evaluation(stage: str, step: str, params: Params) -> Unpacked:
    from synthfr.privacy.detection import curve
    from synthfr.sites import evaluation

    answers = exchange.checked("evaluation", step, params)
    place = layout.answers("evaluation", step)
    measures = evaluation.measures(answers, place)[stage]
    try:
        if stage == "fidelity":
            evaluation.guard(step, measures, params.fidelity)
        if stage != "privacy":
            return Unpacked(measures)
        limits = {name: one["detection"] for name, one in measures["tests"].items()}
        return Unpacked(measures, {"detection": curve(limits, params.privacy.detection.spikes)})
    except KeyError:
        raise UserError(
            f"{place}: the answer lacks figures of {stage}: do not use it, and ask its sender."
        ) from None
