"""The one run per step that MLflow's Compare is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from synthfr.pipeline.tracking import Tracker
from synthfr.pipeline.tracking.summary_figures import Figures, flat_numbers, of_run, of_step, writer
from tests.tracking.conftest import STATE

Shown = Callable[..., list[Any]]


def grid(macro_f1: float, *sizes: int) -> dict[str, float]:
    """Metrics as `classify` logs them."""
    cells = {}
    for size in sizes or (250, 500):
        cell = f"size={size}/top_k=10"
        cells |= {f"{cell}/macro_f1/mean": macro_f1, f"{cell}/macro_f1/low": macro_f1 - 0.1}
        cells |= {f"{cell}/original/macro_f1/mean": 0.9, f"{cell}/labels/mean": 10.0}
    return cells


def execute(tracker: Tracker, stage: str, step: str, metrics: dict[str, float]) -> None:
    tags = {"stage": stage, "step": step, "params_digest": "abc"}
    with tracker.run(f"{stage}@{step}", tags, {}, STATE) as run:
        run.log_headlines(stage, metrics)
        figures = Figures(step, of_step(stage, flat_numbers(metrics)), (stage,))
        run.log_summaries(lambda: [figures] if figures.values else [])


def test_names_put_the_metric_first_and_leave_side_figures_out() -> None:
    metrics = {
        "size_250/top_k_10/macro_f1/mean": 0.5,
        "size_250/top_k_10/macro_f1/high": 0.6,
        "size_250/top_k_10/original/macro_f1/mean": 0.9,
        "size_250/top_k_10/threshold/mean": 0.1,
    }
    assert of_step("classify", metrics) == {
        "f1_macro": 0.5,
        "f1_macro/size_250/top_10": 0.5,
        "limits/f1_macro_high/size_250/top_10": 0.6,
    }
    assert of_step("privacy", {"train/copied": 0.1, "run/seconds": 3.0}) == {
        "privacy/train/copied": 0.1
    }
    fidelity = {"words/real": 75.0, "words/synthetic": 80.0, "words/difference": -5.0}
    assert of_step("fidelity", fidelity) == {
        "fidelity/words": 80.0,
        "fidelity_difference/words": -5.0,
    }
    faithfulness = {"faithfulness/code_recall": 0.9}
    assert of_step("fidelity", faithfulness) == faithfulness
    assert of_step("classify", faithfulness) == {}
    assert of_step("dpo", metrics) == {}
    few = {"macro_f1": 0.6, "gain_macro_f1": 0.5, "gain_map": 0.25, "wrong_codes": 0.1}
    assert of_step("headline", few) == {"gain/f1_macro": 0.5, "gain/map": 0.25}
    assert [writer(name) for name in ("gain/map", "f1_macro", "privacy/x", "limits/x")] == [
        *("headline", "classify", "privacy", "classify"),
    ]


def test_a_stage_that_measures_much_shows_what_it_is_for() -> None:
    compared = {"differences": {"dpo1 - step0": {"macro_f1": {"difference": {"mean": 0.1}}}}}
    assert of_run("compare", flat_numbers(compared)) == {
        "differences/dpo1 - step0/macro_f1/difference/mean": 0.1
    }
    cells = {"size=60": {"top_k=6": {"macro_f1": {"mean": 0.5}}}}
    larger = {"public_share=0.8": {"size=250": {"top_k=6": {"macro_f1": {"mean": 0.7}}}}}
    reference = {"public_seed": cells, "mixed_public": larger}
    assert of_run("reference", flat_numbers(reference)) == {"public_seed/f1_macro": 0.5}
    linked = {"verdict": 2, "tests": {"prompt_linking": {"train": 0.6, "risk": 1}}}
    assert of_run("linkage", flat_numbers(linked)) == {
        "verdict": 2.0,
        "tests/prompt_linking/train": 0.6,
    }


def test_every_step_has_one_summary_with_the_same_names(tracker: Tracker, shown: Shown) -> None:
    for number, step in enumerate(("step0", "dpo1")):
        execute(tracker, "classify", step, grid(0.5 + number / 10))
        execute(tracker, "privacy", step, {"copied": 0.0})
        execute(tracker, "fidelity", step, {"tokens/synthetic": 80.0 + number, "tokens/real": 70.0})
        execute(tracker, "dpo", step, {"loss": 0.1})
    [first], [second] = (shown(step, "tags.kind = 'summary'") for step in ("step0", "dpo1"))
    assert first.data.metrics.keys() == second.data.metrics.keys()
    assert first.data.metrics["f1_macro/size_250/top_10"] == 0.5
    assert second.data.metrics["f1_macro/size_250/top_10"] == 0.6
    assert second.data.metrics["fidelity/tokens"] == 81.0
    assert (second.info.status, second.data.params) == ("FINISHED", {"step": "dpo1"})
    assert not any("loss" in name or "seconds" in name for name in first.data.metrics)


def test_macro_f1_is_the_metric_that_mlflow_plots_first(tracker: Tracker, shown: Shown) -> None:
    execute(tracker, "privacy", "dpo1", {"copied": 0.25})
    shown("dpo1")
    execute(tracker, "classify", "dpo1", grid(0.5))
    [run] = shown("dpo1")
    assert next(iter(run.data.metrics)) == "f1_macro"
    assert run.data.metrics["privacy/copied"] == 0.25


def test_it_is_updated_in_place(tracker: Tracker, shown: Shown) -> None:
    execute(tracker, "classify", "dpo1", grid(0.5))
    [before] = shown("dpo1")
    execute(tracker, "classify", "dpo1", grid(0.4))
    [after] = shown("dpo1")
    assert after.info.run_id == before.info.run_id
    assert after.data.metrics["f1_macro/size_250/top_10"] == 0.4


def test_figures_of_a_former_grid_do_not_linger(tracker: Tracker, shown: Shown) -> None:
    execute(tracker, "privacy", "dpo1", {"copied": 0.25})
    execute(tracker, "fidelity", "dpo1", {"words/difference": 5.0})
    execute(tracker, "classify", "dpo1", grid(0.5, 250, 500))
    shown("dpo1")
    execute(tracker, "classify", "dpo1", grid(0.6, 500, 1000))
    [run] = shown("dpo1")
    names = {name.split("/")[1] for name in run.data.metrics if name.startswith("f1_macro/")}
    assert names == {"size_500", "size_1000"}
    assert run.data.metrics["privacy/copied"] == 0.25  # what other stages measured stays
    assert run.data.metrics["fidelity_difference/words"] == 5.0


def test_faithfulness_belongs_to_fidelity(tracker: Tracker, shown: Shown) -> None:
    """Another evaluation by the coder leaves it; another fidelity without it takes it away."""
    found = {"faithfulness/code_recall": 0.9, "words/synthetic": 40.0}
    execute(tracker, "fidelity", "dpo1", found)
    execute(tracker, "classify", "dpo1", grid(0.5))
    execute(tracker, "classify", "dpo1", grid(0.6))
    [run] = shown("dpo1")
    assert run.data.metrics["faithfulness/code_recall"] == 0.9
    assert next(iter(run.data.metrics)) == "f1_macro"
    execute(tracker, "fidelity", "dpo1", {"words/synthetic": 41.0})
    [run] = shown("dpo1")
    assert "faithfulness/code_recall" not in run.data.metrics
    assert run.data.metrics["f1_macro/size_250/top_10"] == 0.6


def test_a_stage_that_failed_has_no_part_in_it(tracker: Tracker, shown: Shown) -> None:
    try:
        with tracker.run("classify@dpo1", {"stage": "classify", "step": "dpo1"}, {}) as run:
            run.log_metrics(grid(0.5))
            raise RuntimeError
    except RuntimeError:
        pass
    assert shown("dpo1") == []
