"""Splits, schedules and curves, on values worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from synthfr.training import common
from tests.training import small


def test_split_is_by_id() -> None:
    frame = pd.DataFrame({"report_id": [f"r{number}" for number in range(20)]})
    rows, validation = common.split(frame, "report_id", 0.2, 0)
    assert (len(rows), len(validation)) == (16, 4)
    assert not set(rows["report_id"]) & set(validation["report_id"])
    turned = common.split(frame[::-1], "report_id", 0.2, 0)[1]
    assert set(turned["report_id"]) == set(validation["report_id"])
    other = common.split(frame, "report_id", 0.2, 1)[1]
    assert set(other["report_id"]) != set(validation["report_id"])


def test_split_leaves_something_to_train_on() -> None:
    one = pd.DataFrame({"report_id": ["r0"]})
    assert len(common.split(one, "report_id", 0.9, 0)[0]) == 1
    assert len(common.split(one, "report_id", 0.0, 0)[1]) == 0


@pytest.mark.parametrize(
    ("n_rows", "epochs", "device_batch", "steps", "log_every", "checkpoint_every"),
    [
        (16, 2, 4, 8, 1, 2),
        (17, 2, 4, 10, 1, 2),
        (17, 1.5, 2, 8, 1, 2),  # 9 batches of 2 make 5 steps of 4
        (4000, 1, 4, 1000, 10, 10),  # a checkpoint falls on a logged step
    ],
)
def test_schedule(
    n_rows: int, epochs: float, device_batch: int, steps: int, log_every: int, checkpoint_every: int
) -> None:
    plan = common.Schedule.plan(n_rows, epochs, small.sft_params(device_batch_size=device_batch))
    assert (plan.steps, plan.log_every, plan.checkpoint_every) == (
        steps,
        log_every,
        checkpoint_every,
    )


def test_curves_are_one_row_a_step() -> None:
    logs = [
        {"step": 1, "epoch": 0.5, "loss": 2.0, "grad_norm": 1.0},
        {"step": 2, "epoch": 1.0, "loss": 1.0},
        {"step": 2, "epoch": 1.0, "eval_loss": 1.5, "eval_runtime": 0.1},
        {"step": 2, "epoch": 1.0, "train_runtime": 9.0, "train_loss": 1.5},
    ]
    trainer = SimpleNamespace(state=SimpleNamespace(log_history=logs))
    history = common.curves(trainer, {"loss": "loss", "eval_loss": "validation"})
    assert history == [
        {"step": 1, "loss": 2.0, "validation": None},
        {"step": 2, "loss": 1.0, "validation": 1.5},
    ]
    assert common.last_mean(history, "loss") == 1.5
    assert common.last_mean(history, "validation") == 1.5
    assert common.last_mean(history, "margin") is None
