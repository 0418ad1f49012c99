"""What the summaries of the steps should show of ``metrics/``: what is of the present state."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from synthfr.models.adapters import BASE_STEP, FIRST_STEP
from synthfr.pipeline import layout
from synthfr.pipeline.standing import Standing
from synthfr.pipeline.tracking import state
from synthfr.pipeline.tracking.summary_figures import STEP_STAGES, Figures, flat_numbers, of_step

if TYPE_CHECKING:
    from synthfr.pipeline.page.measured import Measured
    from synthfr.pipeline.page.record import Record
    from synthfr.pipeline.parameters import Params


def told_by(stage: str, item: str | None, params: Params, now: state.State | None) -> list[Figures]:
    """What the family's summaries can show once a stage has ended: of one that measures a step that
    step's; of one that shows what all measured, and so runs after them, those of all.
    """
    from synthfr.pipeline.page.measured import Measured

    if now is None:
        return []
    if stage in STEP_STAGES and item is not None:
        return _of_step(params, item, (stage,), Measured(layout.METRICS), _data)
    own = now.graph.stages.get(stage)
    if own is None or not own.shows_all:
        return []
    return of_standing(params, Standing(params.model_dump(mode="json"), layout.store_folder()))


def of_standing(params: Params, standing: Standing) -> list[Figures]:
    """What they should show: what was measured in the present state."""
    from synthfr.pipeline.page.measured import Measured

    measured = Measured(layout.METRICS, standing.is_shown)

    def data(step: str) -> str | None:
        return standing.md5(layout.synthetic(step))

    found = [
        figures
        for step in params.steps
        for figures in _of_step(params, step, STEP_STAGES, measured, data)
    ]
    return found + beside(params, measured)


def _of_step(
    params: Params,
    step: str,
    stages: tuple[str, ...],
    measured: Measured,
    data: Callable[[str], str | None],
) -> list[Figures]:
    """The step's figures as far as `stages` measured them; none if none did."""
    there = {one: tree for one in stages if (tree := measured.of(one, step))}
    values: dict[str, float] = {}
    for one, tree in there.items():
        values |= of_step(one, flat_numbers(tree))
    if not values:
        return []
    return [
        Figures(
            step, values, tuple(there), _round(params, step), _settings(params, step), data(step)
        )
    ]


def _data(step: str) -> str | None:
    return state.data_md5(layout.synthetic(step), layout.store_folder())


def _round(params: Params, step: str) -> int | None:
    """Place on the x axis of the family's series: `step0` and the rounds in their order."""
    line = [one for one in params.steps if one != BASE_STEP]
    return line.index(step) if step in line else None


def _settings(params: Params, step: str) -> dict[str, str]:
    """How the step was trained, as far as steps differ in it."""
    found: dict[str, Any] = {"random_seed": params.random_seed}
    if (round_ := _round(params, step)) is not None:
        found["round"] = round_
    if step in params.rounds:
        one = params.rounds[step]
        found |= {"parent": one.parent, "prompts": one.prompts, "epochs": one.epochs}
        found |= {"learning_rate": one.learning_rate}
        if one.beta is not None or params.has("dpo"):
            found["beta"] = params.dpo.beta if one.beta is None else one.beta
    elif step == FIRST_STEP and params.has("sft"):
        found |= {"learning_rate": params.sft.learning_rate, "epochs": params.sft.epochs}
    return {name: str(value) for name, value in found.items()}


def beside(params: Params, measured: Measured) -> list[Figures]:
    """What stands beside the steps: the coders trained on real reports; and, where the record over
    seeds is of this loop, its controls with this seed.
    """
    from synthfr.pipeline.page import record
    from synthfr.pipeline.page.results import REFERENCES, load

    trees = measured.of("reference")
    runs = {name: of_step("classify", flat_numbers(trees.get(name, {}))) for name in REFERENCES}
    found = record.read(layout.RECORD)
    if found is not None:
        place = record.place_of(found, load(measured, params.steps), params.random_seed)
        if place is not None:
            runs |= {name: _control(found, name, place) for name in found.controls}
    return [Figures(name, values) for name, values in runs.items() if values]


def _control(found: Record, name: str, place: int) -> dict[str, float]:
    """A control's figures with one seed, named as the steps' are."""
    from synthfr.pipeline.page import overlaps

    coders = {
        f"size_{size}/top_k_{top_k}/{metric}/mean": runs.get(name)
        for metric, cells in found.metrics.items()
        for (size, top_k), runs in cells.items()
    }
    faithful = {f"faithfulness/{key}": runs.get(name) for key, runs in found.faithfulness.items()}
    private = {
        "/".join(where): found.privacy.get(key, {}).get(name)
        for key, where in overlaps.MEASURES.items()
    }
    values: dict[str, float] = {}
    for stage, series in (("classify", coders), ("fidelity", faithful), ("privacy", private)):
        with_seed = {key: one[place] for key, one in series.items() if one is not None}
        values |= of_step(stage, {key: one for key, one in with_seed.items() if one is not None})
    return values
