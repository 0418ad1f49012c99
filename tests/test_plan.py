"""The plan: sizes told by names, and amounts that follow from the parameters."""

from pathlib import Path

import pytest

from synthfr.pipeline import profiles
from synthfr.pipeline.parameters import Params, load_params, parse
from synthfr.pipeline.plan.costs import Line, plan, size_of

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
