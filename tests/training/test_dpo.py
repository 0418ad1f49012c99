"""DPO: the reference, the start, the diagnostics, the refusals."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthfr import seeding
from synthfr.errors import UserError
from synthfr.training.trl_seam import dpo_trainer
from tests import tiny
from tests.training import small

Saved = Callable[[Any], bytes]
Until = Callable[[Callable[[], Any]], Any]


def train(
    base: Path,
    scratch: Path,
    adapters: tuple[Path, ...] = (),
    rows: Any = None,
    round_: dict[str, Any] | None = None,
    **changes: Any,
) -> Any:
    from synthfr.models import load_policy
    from synthfr.training import dpo

    return dpo.train(
        small.pairs() if rows is None else rows,
        load_policy(base, list(adapters)),
        small.dpo_params(**changes),
        small.round_(**(round_ or {})),
        0,
        scratch,
    )


def test_learns_the_preference(base: Path, tmp_path: Path) -> None:
    result = train(base, tmp_path, round_={"epochs": 4})
    history, metrics = result.history, result.metrics
    assert [row["step"] for row in history] == list(range(1, 17))
    assert all(row["loss"] is not None for row in history)
    # the first step is logged before its update: the precomputed reference fits its rows
    assert abs(history[0]["margin"]) < 1e-5
    assert metrics["start"]["margin"] == 0.0
    assert metrics["margin"] > 0.1 and metrics["accuracy"] > 0.9
    assert metrics["start"]["loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert metrics["rows"] == {"train": 16, "validation": 4, "truncated": 0}
    assert metrics["chosen_logp_drop_per_token"] < metrics["rejected_logp_drop_per_token"]
    assert metrics["length_ratio"] == metrics["chosen_tokens"] / metrics["rejected_tokens"]


def test_the_best_checkpoint_is_kept(base: Path, tmp_path: Path, saved: Saved) -> None:
    """Chosen and rejected are told apart by letters drawn at random: others than those that were
    learnt are soon judged worse. A tenth of the pairs is held out.
    """
    rows = small.pairs()
    for side in ("chosen", "rejected"):
        draws = [seeding.rng(0, side, one).integers(97, 122, 12) for one in rows["prompt_id"]]
        rows[side] = ["".join(map(chr, one)) for one in draws]
    how = {"validation_share": 0.1, "checkpoint_every_steps": 2, "max_chosen_logp_drop": None}
    fast = {"learning_rate": 0.03, "epochs": 4}
    result = train(
        base, tmp_path, rows=rows, round_=fast, loss_type=["sigmoid"], loss_weights=[1.0], **how
    )
    metrics = result.metrics
    assert metrics["rows"] == {"train": 18, "validation": 2, "truncated": 0}
    losses = {row["step"]: row["eval_loss"] for row in result.history if row["eval_loss"]}
    assert metrics["eval_loss"] == losses[metrics["best_step"]] == min(losses.values())
    assert metrics["best_step"] < metrics["steps"]
    checkpoint = tmp_path / f"checkpoint-{metrics['best_step']}" / "adapter_model.safetensors"
    assert saved(result.model) == checkpoint.read_bytes()
    last = tmp_path / f"checkpoint-{metrics['steps']}" / "adapter_model.safetensors"
    assert saved(result.model) != last.read_bytes()  # the control


def test_reference_is_the_policy_before_the_round(
    base: Path, tmp_path: Path, before_training: Until
) -> None:
    """The reference log-probabilities are those of base + step0, not of the bare base."""
    import torch

    from synthfr.models import load_policy

    step0 = tiny.adapter(tmp_path / "step0", base, "step0")
    trainer = before_training(lambda: train(base, tmp_path / "scratch", (step0,)))
    row = trainer.train_dataset[0]

    def logp(policy: Any) -> float:
        ids = torch.tensor([row["prompt_ids"] + row["chosen_ids"]])
        with torch.no_grad():
            logps = policy.model(ids).logits.log_softmax(-1)[0, :-1]
        n_prompt = len(row["prompt_ids"])
        picked = logps[torch.arange(ids.shape[1] - 1), ids[0, 1:]]
        return float(picked[n_prompt - 1 :].sum())

    before = logp(load_policy(base, [step0]))
    assert row["ref_chosen_logps"] == pytest.approx(before, abs=1e-3)
    assert abs(logp(load_policy(base, [])) - before) > 0.1  # the control


def test_reference_is_computed_once(
    base: Path, tmp_path: Path, before_training: Until, monkeypatch: pytest.MonkeyPatch
) -> None:

    made: list[int] = []
    compute = dpo_trainer._reference_log_probs

    def counted(trainer: Any, pairs: Any, batch_size: int) -> Any:
        made.append(len(pairs))
        return compute(trainer, pairs, batch_size)

    monkeypatch.setattr(dpo_trainer, "_reference_log_probs", counted)
    first = before_training(lambda: train(base, tmp_path))
    again = before_training(lambda: train(base, tmp_path))
    assert made == [16, 4]
    for side in dpo_trainer.SIDES:
        assert first.train_dataset[side] == again.train_dataset[side]
    before_training(lambda: train(base, tmp_path, rows=small.pairs()[:10]))
    assert made == [16, 4, 8, 2]  # other pairs, other figures


def test_start_is_refused_unless_the_adapter_is_fresh(
    base: Path, tmp_path: Path, before_training: Until
) -> None:
    import torch

    trainer = before_training(lambda: train(base, tmp_path))
    assert dpo_trainer.measure_start(trainer, 0.1, 4, "float32")["margin"] == 0.0
    with torch.no_grad():
        for name, weight in trainer.model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.1)
    with pytest.raises(RuntimeError, match="instead of ln 2"):
        dpo_trainer.measure_start(trainer, 0.1, 4, "float32")


def test_a_round_may_have_its_own_beta(base: Path, tmp_path: Path, before_training: Until) -> None:
    own = before_training(lambda: train(base, tmp_path / "own", round_={"beta": 0.5}))
    common = before_training(lambda: train(base, tmp_path / "common"))
    assert (own.beta, common.beta) == (0.5, 0.1)


def test_the_sft_term_alone_is_the_likelihood_of_the_chosen(
    base: Path, tmp_path: Path, before_training: Until
) -> None:
    import torch

    from synthfr.models import load_policy

    policy = load_policy(base, [])

    def losses(scratch: str, **changes: Any) -> tuple[float, float]:
        """The trainer's, and the mean negative log-likelihood of the chosen tokens, of a batch."""
        trainer = before_training(lambda: train(base, tmp_path / scratch, **changes))
        batch = dpo_trainer._batch(trainer, trainer.train_dataset, 0, 4)
        nats = []
        with torch.no_grad():
            found = float(trainer.compute_loss(trainer.model, batch))
            for row in (trainer.train_dataset[number] for number in range(4)):
                prompt, chosen = row["prompt_ids"], row["chosen_ids"]
                logps = policy.model(torch.tensor([prompt + chosen])).logits[0].log_softmax(-1)
                nats += [-float(logps[len(prompt) - 1 + at, one]) for at, one in enumerate(chosen)]
        return found, sum(nats) / len(nats)

    alone = {"loss_type": ["sft"], "loss_weights": [1.0]}
    other = small.pairs().assign(rejected="Autre texte, bien plus long que le premier.")
    for name, rows in (("one", small.pairs()), ("other rejected", other)):
        found, expected = losses(name, rows=rows, **alone)
        assert found == pytest.approx(expected, rel=1e-4)
    preference = {"loss_type": ["sigmoid"], "loss_weights": [1.0]}
    found, expected = losses("sigmoid", **preference)  # the control
    assert found == pytest.approx(math.log(2), abs=1e-4) and abs(found - expected) > 0.1


def test_the_sft_term_alone_trains_a_round(base: Path, tmp_path: Path) -> None:
    alone = {"loss_type": ["sft"], "loss_weights": [1.0]}
    learnt = train(base, tmp_path, round_={"epochs": 4}, **alone)
    assert learnt.metrics["chosen_logp_drop_per_token"] < -0.1  # likelier
    assert learnt.metrics["loss"] < learnt.history[1]["loss"]


@pytest.mark.slow
def test_collapse_is_stopped(base: Path, tmp_path: Path) -> None:
    pull = {"learning_rate": 0.5, "epochs": 4}
    alone = {"loss_type": ["sigmoid"], "loss_weights": [1.0]}
    with pytest.raises(UserError, match=r"collapsed at step \d+.*nats a token"):
        train(base, tmp_path / "low", round_=pull, max_chosen_logp_drop=0.2, **alone)
    calm = train(base, tmp_path / "calm", max_chosen_logp_drop=0.2)
    assert calm.metrics["chosen_logp_drop_per_token"] < 0.2


def test_a_loss_that_is_no_number_stops_the_round() -> None:
    from types import SimpleNamespace

    from synthfr.training.dpo import _collapse_guard

    state = SimpleNamespace(global_step=7, log_history=[], max_steps=54, logging_steps=1)
    guard = _collapse_guard(0.1, 50.0, 0.5)
    guard.on_log(None, state, None, {"loss": 0.6})
    with pytest.raises(UserError, match="no longer a number at step 7"):
        guard.on_log(None, state, None, {"loss": float("nan")})
    with pytest.raises(UserError, match="no longer a number at step 7"):
        guard.on_log(None, state, None, {"eval_loss": float("inf")})
    with pytest.raises(UserError, match=r"lost 0\.60 nats a token"):
        guard.on_log(None, state, None, {"eval_loss": 0.6, "eval_rewards/chosen": -3.0})
    state.log_history = [{"rewards/chosen": -300.0}] * 10
    with pytest.raises(UserError, match=r"lost 60\.00 nats a token"):
        guard.on_log(None, state, None, {"loss": 0.6})
    unguarded = _collapse_guard(0.1, 50.0, None)
    unguarded.on_log(None, state, None, {"loss": 0.6})
    with pytest.raises(UserError, match="no longer a number"):
        unguarded.on_log(None, state, None, {"loss": float("inf")})


def test_a_single_batch_is_no_collapse() -> None:
    """With `random_seed: 1` the demo's first round lost .39 and .47 nats a token in a batch of
    eight, and next to nothing in those before and behind.
    """
    from types import SimpleNamespace

    from synthfr.training.dpo import _collapse_guard

    guard = _collapse_guard(0.1, 50.0, 0.3)
    state = SimpleNamespace(global_step=0, log_history=[], max_steps=54, logging_steps=1)

    def logged(nats_a_token: float) -> None:
        state.global_step += 1
        state.log_history.append({"loss": 0.7, "rewards/chosen": -5.0 * nats_a_token})
        guard.on_log(None, state, None, state.log_history[-1])

    for lost in (0.0, 0.47, 0.0, 0.01, 0.39, 0.02, -0.1):
        logged(lost)
    state.log_history.append({"eval_loss": 0.7, "eval_rewards/chosen": -0.1})  # a lasting loss:
    with pytest.raises(UserError, match=r"collapsed at step 16: .* 0\.31 "):
        for _ in range(20):
            logged(0.36)


def test_a_short_round_is_guarded_too() -> None:
    from types import SimpleNamespace

    from synthfr.training.dpo import _collapse_guard

    guard = _collapse_guard(0.1, 50.0, 0.3)
    state = SimpleNamespace(global_step=2, log_history=[], max_steps=6, logging_steps=2)
    for lost in (0.0, 0.4):  # the mean of three rows, of which one is to come
        state.log_history.append({"rewards/chosen": -5.0 * lost})
        guard.on_log(None, state, None, state.log_history[-1])
    state.log_history.append({"rewards/chosen": -5.0 * 0.6})
    with pytest.raises(UserError, match=r" 0\.33 nats a token"):
        guard.on_log(None, state, None, state.log_history[-1])


def test_cut_pairs_are_counted_or_refused(base: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"of 20 pairs \(\d+\.\d%\) are longer than 30 tokens"):
        train(base, tmp_path, max_length=30, max_truncated_share=0.1)
    some = train(base, tmp_path, max_length=30, max_truncated_share=0.9, round_={"epochs": 0.1})
    assert 0 < some.metrics["rows"]["truncated"] < 20
    with pytest.raises(UserError, match="longer than 8 tokens"):  # no room after the prompt
        train(base, tmp_path, max_length=8, max_truncated_share=1.0)


def test_no_pairs(base: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no pairs"):
        train(base, tmp_path, rows=small.pairs()[:0])


def test_parameters_that_would_do_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match=r"lora\.dropout must be 0"):
        small.dpo_params(lora=small.COMMON["lora"] | {"dropout": 0.1})
    with pytest.raises(ValueError, match="equally long"):
        small.dpo_params(loss_weights=[1.0])
