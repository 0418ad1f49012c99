"""SFT: what it trains on, that it learns, that it repeats itself to the byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthfr import seeding
from synthfr.errors import UserError
from tests.training import small

Saved = Callable[[Any], bytes]


def train(base: Path, scratch: Path, rows: Any = None, **changes: Any) -> Any:
    from synthfr.models import load_policy
    from synthfr.training import sft

    rows = small.reports() if rows is None else rows
    return sft.train(rows, load_policy(base, []), small.sft_params(**changes), 0, scratch)


def test_learns_and_says_so(base: Path, tmp_path: Path) -> None:
    result = train(base, tmp_path, epochs=6)
    assert [row["step"] for row in result.history] == list(range(1, 25))
    first, last = result.history[0]["loss"], result.metrics["loss"]
    assert last < first
    assert result.metrics["rows"] == {"train": 16, "validation": 4, "truncated": 0}
    assert result.metrics["steps"] == 24
    by_step = {row["step"]: row["eval_loss"] for row in result.history}
    assert by_step[1] is None
    kept = result.metrics["best_step"]
    assert result.metrics["eval_loss"] == by_step[kept]
    assert by_step[kept] == min(loss for loss in by_step.values() if loss is not None)


def test_the_best_checkpoint_is_kept(base: Path, tmp_path: Path, saved: Saved) -> None:
    """Reports of random letters can be learnt by heart only: validation loss soon rises."""
    rows = small.reports()
    letters = [seeding.rng(0, one).integers(ord("a"), ord("z"), 12) for one in rows["report_id"]]
    rows["completion"] = ["".join(map(chr, one)) for one in letters]
    result = train(base, tmp_path, rows, learning_rate=0.03, epochs=6, checkpoint_every_steps=4)
    kept = result.metrics["best_step"]
    assert kept < result.metrics["steps"]
    checkpoint = tmp_path / f"checkpoint-{kept}" / "adapter_model.safetensors"
    assert saved(result.model) == checkpoint.read_bytes()


def test_same_parameters_same_bytes(base: Path, tmp_path: Path, saved: Saved) -> None:
    first = small.train("sft", base, tmp_path / "first")
    again = small.train("sft", base, tmp_path / "again")
    other = small.train("sft", base, tmp_path / "other", seed=1)
    assert saved(first.model) == saved(again.model)
    assert first.history == again.history
    assert saved(first.model) != saved(other.model)


def test_row_order_does_not_matter(base: Path, tmp_path: Path, saved: Saved) -> None:
    straight = train(base, tmp_path / "straight")
    turned = train(base, tmp_path / "turned", small.reports()[::-1])
    assert saved(straight.model) == saved(turned.model)


def test_only_the_report_counts(
    base: Path, tmp_path: Path, before_training: Callable[[Callable[[], Any]], Any]
) -> None:
    trainer = before_training(lambda: train(base, tmp_path))
    tokenizer = trainer.processing_class
    rows = {row["prompt"]: row for row in small.reports().to_dict("records")}
    for row in trainer.train_dataset:
        learnt = [token for token in row["labels"] if token != -100]
        report = rows[row["prompt"]]["completion"]
        assert tokenizer.decode(learnt) == report + tokenizer.eos_token
        assert row["labels"].count(-100) == len(tokenizer(row["prompt"])["input_ids"])


def test_cut_reports_are_counted(base: Path, tmp_path: Path) -> None:
    assert train(base, tmp_path, max_length=20, epochs=0.1).metrics["rows"]["truncated"] > 0


def test_writes_nothing_but_checkpoints(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(base, tmp_path, validation_share=0.0)
    assert {entry.name for entry in tmp_path.iterdir()} == {"checkpoint-8", "checkpoint-10"}
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("SFT: 20 reports") and streams.err.count("\n") == 1


def test_user_errors(base: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no rows"):
        train(base, tmp_path, small.reports()[:0])
    with pytest.raises(UserError, match=r"sft\.max_length: 8 tokens .*'r00'"):
        train(base, tmp_path, max_length=8)
