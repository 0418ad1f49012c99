"""The plan: sizes told by names, and amounts that follow from the parameters."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from synthfr.pipeline import profiles
from synthfr.pipeline.cli import app
from synthfr.pipeline.parameters import Params, load_params, parse
from synthfr.pipeline.plan.costs import plan
from synthfr.pipeline.plan.lines import Line, core_minutes, unmeasured
from synthfr.pipeline.plan.models import size_of
from synthfr.pipeline.plan.verdicts import changed

ROOT = Path(__file__).parents[1]


def planned(params: Params) -> dict[str, Line]:
    return {line.stage: line for line in plan(params)}


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("Qwen/Qwen3-4B-Instruct-2507", (4.022e9, 4.022e9)),  # of its configuration
        ("Qwen/Qwen3-30B-A3B-Instruct-2507@0d7c", (30.53e9, 3.35e9)),
        ("Qwen/Qwen3-8B", (8e9, 8e9)),  # of its name
        ("somewhere/Mixture-30B-A3B-Chat@0d7c", (30e9, 3e9)),
        ("somewhere/bert-large", (0.4e9, 0.4e9)),
        ("somewhere/unknown", (0.0, 0.0)),
    ],
)
def test_sizes_told_by_names(name: str, sizes: tuple[float, float]) -> None:
    assert size_of(name) == pytest.approx(sizes, rel=2e-3)


def test_amounts_of_the_publication() -> None:
    """By hand: 3 rounds x 2 800 prompts x 4; 4 steps and the bare base x 50 000 reports of 1 000
    tokens at 8 000 a second; 2 520 pairs (a tenth validates) x 30 epochs in batches of 32.
    """
    params = parse(profiles.merged(ROOT / "params.yaml", ROOT / "profiles/qwen3-4b.yaml"), "x")
    lines = planned(params)
    assert "33,600 candidates" in lines["generate"].what
    assert lines["synthesize"].tokens == pytest.approx(2.5e8)
    assert lines["synthesize"].gpu_hours == pytest.approx(2.5e8 / 8000 / 3600, rel=0.01)
    assert lines["dpo"].steps == 2363
    assert lines["base"].disk_bytes == pytest.approx(24e9, rel=0.01)
    assert lines["total"].gpu_hours == pytest.approx(
        sum(line.gpu_hours for name, line in lines.items() if name != "total")
    )


def test_more_reports_cost_more_and_nothing_else() -> None:
    params = load_params(ROOT / "params.yaml")
    doubled = params.model_copy(
        update={"synthesize": params.synthesize.model_copy(update={"reports": 2000})}
    )
    before, after = planned(params), planned(doubled)
    assert after["synthesize"].tokens == 2 * before["synthesize"].tokens
    assert {name for name in before if before[name] != after[name]} == {"synthesize", "total"}


def test_a_round_has_no_more_pairs_than_prompts_or_either_cap() -> None:
    """By hand: 250 prompts, 250 pairs x 2 epochs x 3 rounds in batches of 8."""
    params = load_params(ROOT / "params.yaml")

    def steps(**caps: int | None) -> int:
        pair = params.pair.model_copy(update=caps)
        return planned(params.model_copy(update={"pair": pair}))["dpo"].steps

    assert steps(max_pairs=None) == steps() == 188
    assert steps(max_pairs=100) == steps(max_pairs=None, best_candidates=100) == 75


def test_chunked_reports_are_planned_in_pieces() -> None:
    """By hand: 900 reports of 256 / 3 + 150 tokens are four pieces of 64 each, or one of 384."""
    params = load_params(ROOT / "params.yaml")

    def steps(**how: object) -> int:
        sft = params.sft.model_copy(update=how)
        return planned(params.model_copy(update={"sft": sft}))["sft"].steps

    assert steps(batching="chunked", max_length=64) == 900 * 4 * 2 // 16
    assert steps(batching="chunked") == steps() == steps(max_length=64) == 113


def test_a_discriminator_reads_each_candidate_once_and_no_windows() -> None:
    params = load_params(ROOT / "params.yaml")
    evaluator = params.score.evaluator.model_copy(update={"kind": "discriminator"})
    score = params.score.model_copy(update={"evaluator": evaluator})
    compared, judged = (
        planned(one)["score"] for one in (params, params.model_copy(update={"score": score}))
    )
    assert "windows" in compared.what and "windows" not in judged.what
    assert judged.tokens < compared.tokens


# --- coders that are kept -------------------------------------------------------------------------


def kept(changes: dict[str, Any] | None = None, public: int | None = None) -> dict[str, Line]:
    """Lines of the demo's parameters, some of them changed."""
    params = changed(load_params(ROOT / "params.yaml"), changes or {})
    lines = {line.stage: line for line in plan(params, public)}
    return {stage: lines[stage] for stage in KEPT if stage in lines}


KEPT = ("train_coder", "judge_coder", "reference_coder")


def test_kept_coders_by_hand() -> None:
    """3 seeds x 5 steps; 1 000 reports of 256 / 3 tokens, 800 of them trained on in batches of 8, 4
    epochs. The weights: 3 114 words x 192, one layer of 442 816, a norm of 192, and label attention
    for 30 codes (192 x 192 + 2 x 30 x 192 + 30), in float32, twice.
    """
    lines = kept()
    each = 256 / 3
    trained, judged, reference = (lines[stage] for stage in KEPT)
    assert trained.what == (
        "15 trainings of the shipped tiny base, 1 layer (3 seeds x 5 steps), at most"
    )
    assert trained.tokens == pytest.approx(15 * 1000 * 4 * each)
    assert trained.steps == 15 * 100 * 4
    weights = one_layer()
    assert trained.disk_bytes == 2 * 15 * 4 * weights
    flops = weights * 15 * 4 * each * (6 * 800 + 2 * 200)
    assert trained.gpu_hours == pytest.approx(flops / (0.3 * 989e12) / 3600)
    assert judged.what == "15 coders x 800 holdout reports, on the CPU"
    assert judged.tokens == pytest.approx(15 * 800 * each)
    assert (judged.gpu_hours, judged.steps, judged.disk_bytes) == (0, 0, 0)
    assert reference.tokens == pytest.approx(6 * (1000 * 4 + 800) * each)
    assert reference.steps == 6 * 100 * 4


def test_kept_coders_take_about_what_was_measured() -> None:
    """The demo's timings with 6 epochs, seconds of the clock: 542 for five steps, 70, 186."""
    timed = kept({"train_coder.epochs": 6})
    for line, measured in zip(timed.values(), (542, 70, 186), strict=True):
        assert measured / 1.5 < line.core_s < 1.5 * measured
    whole = kept({"train_coder.layers": None})
    assert whole["train_coder"].core_s == pytest.approx(4 * kept()["train_coder"].core_s)
    # of another model nothing was measured
    other = kept({"train_coder.model": "somewhere/bert-large", "train_coder.layers": None})
    assert [line.core_s for line in other.values()] == [0, 0, 0]
    assert other["train_coder"].disk_bytes == pytest.approx(2 * 15 * 4 * 0.4e9)
    unknown = kept({"train_coder.model": "somewhere/unknown"})["train_coder"]
    assert unknown.tokens and not unknown.disk_bytes and not unknown.gpu_hours


def test_minutes_of_a_core_leave_out_coders_that_nobody_has_timed() -> None:
    shipped, other = (
        list(planned(changed(load_params(ROOT / "params.yaml"), changes)).values())[:-1]
        for changes in ({}, {"train_coder.model": "somewhere/bert-large"})
    )
    assert unmeasured(shipped) == []
    assert unmeasured(other) == list(KEPT)
    known = sum(line.core_s for line in shipped if line.stage in KEPT) / 60
    assert core_minutes(other) == pytest.approx(core_minutes(shipped) - known)


def test_no_seeds_no_kept_coders() -> None:
    """The control: nothing else changes."""
    assert kept({"train_coder.seeds": []}) == {}
    params = load_params(ROOT / "params.yaml")
    with_, without = planned(params), planned(changed(params, {"train_coder.seeds": []}))
    own = {name: with_[name] for name in KEPT}
    assert {name for name in with_ if with_[name] != without.get(name)} == {*own, "total"}
    told = with_["total"].tokens - without["total"].tokens
    assert told == pytest.approx(sum(line.tokens for line in own.values()))
    fewer = kept({"train_coder.seeds": [4]})
    assert fewer["reference_coder"].what == (
        "2 trainings of the shipped tiny base, 1 layer (1 seed x 2 sets of real reports), at most"
    )
    for name, line in fewer.items():
        assert line.tokens == pytest.approx(own[name].tokens / 3)


def test_real_reports_that_are_known_to_be_too_few_train_nothing() -> None:
    def sets(changes: dict[str, Any], public: int | None = None) -> int:
        line = kept(changes, public).get("reference_coder")
        return line.steps // (3 * 100 * 4) if line else 0

    assert sets({}) == 2
    assert sets({"seed.demo.public": 999}) == 1
    assert sets({"seed.demo.public": 999, "seed.demo.private_train": 999}) == 0
    own = {"seed.source": "files"}  # nobody has counted the private ones
    assert [sets(own), sets(own, 1000), sets(own, 999)] == [2, 2, 1]
    assert kept(own)["judge_coder"].what == (
        "15 coders on the CPU, for every 1 000 holdout reports"
    )


def test_a_grid_of_plm_icd_is_planned_by_the_layers_that_it_reads() -> None:
    """By hand: (1 + 3) trainings x 3 seeds x 7, for each of 3 sizes: 20 epochs of 1 000 reports,
    and of fewer as many as hold 1 000 steps.
    """
    coder = {"classify.coder.kind": "plm_icd", "classify.coder.plm_icd.model": "models/base"}
    params = changed(load_params(ROOT / "params.yaml"), coder)
    whole = planned(params)["classify"]
    assert whole.what.startswith("252 trainings of models/base")
    assert whole.steps == 84 * (63 * 16 + 32 * 32 + 20 * 63)
    without = planned(changed(params, {"classify.coder.plm_icd.min_steps": 0}))["classify"]
    assert without.steps == 84 * 20 * (16 + 32 + 63)
    assert whole.tokens / without.tokens == (63 * 250 + 32 * 500 + 20 * 1000) / (20 * 1750)
    one = planned(changed(params, {"classify.coder.plm_icd.layers": 1}))["classify"]
    assert whole.gpu_hours / one.gpu_hours == pytest.approx(
        (one_layer() + 3 * 442_816) / one_layer()
    )
    assert "classify" not in planned(load_params(ROOT / "params.yaml"))  # the control


def one_layer() -> int:
    """Weights of the shipped base cut to one layer, and of label attention for 30 codes."""
    return 3114 * 192 + 442_816 + 192 + 192 * 192 + 2 * 30 * 192 + 30


def test_the_command_tells_minutes_where_they_were_measured() -> None:
    told = CliRunner().invoke(app, ["plan"])
    assert told.exit_code == 0, told.output
    (line,) = [one for one in told.output.splitlines() if "15 trainings" in one]
    assert "6,000 optimiser steps, some 6.1 minutes of a CPU core, 0.13 GB of disk" in line
    (total,) = [one for one in told.output.splitlines() if one.startswith("  total")]
    assert "CPU core" not in total
