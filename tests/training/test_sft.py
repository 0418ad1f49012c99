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
Until = Callable[[Callable[[], Any]], Any]


def train(
    base: Path,
    scratch: Path,
    rows: Any = None,
    teacher: Any = None,
    share: float = 0.0,
    **changes: Any,
) -> Any:
    from synthfr.models import load_policy
    from synthfr.training import sft

    rows = small.reports() if rows is None else rows
    params = small.sft_params(**changes, share=share)
    return sft.train(rows, load_policy(base, []), params, 0, scratch, teacher)


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


def test_only_the_report_counts(base: Path, tmp_path: Path, before_training: Until) -> None:
    trainer = before_training(lambda: train(base, tmp_path))
    tokenizer = trainer.processing_class
    rows = {row["report_id"]: row for row in small.reports().to_dict("records")}
    assert len(trainer.train_dataset) == 16
    for row in trainer.train_dataset:
        learnt = [token for token in row["labels"] if token != -100]
        given = rows[row["report_id"]]
        assert tokenizer.decode(learnt) == given["completion"] + tokenizer.eos_token
        assert row["labels"].count(-100) == len(tokenizer(given["prompt"])["input_ids"])
        assert tokenizer.decode(row["input_ids"]).startswith(given["prompt"])


def test_teacher_is_mixed_in(base: Path, tmp_path: Path, before_training: Until) -> None:
    """Two thirds of the training rows are the teacher's; validation is the public seed's alone."""

    def ids(teacher: Any) -> tuple[set[str], set[str]]:
        trainer = before_training(lambda: train(base, tmp_path, teacher=teacher, share=2 / 3))
        return set(trainer.train_dataset["report_id"]), set(trainer.eval_dataset["report_id"])

    taught = small.teacher(40)
    rows, validation = ids(taught)
    public = set(small.reports()["report_id"])
    drawn = rows - public
    assert (len(rows & public), len(drawn)) == (16, 32)
    assert validation < public and len(validation) == 4
    assert ids(taught[::-1])[0] == rows  # drawn by id
    fewer, _ = ids(taught[taught["report_id"].isin(drawn)][:30])
    assert len(fewer) == 16 + 30


def test_teacher_counts_and_a_short_teacher(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = train(base, tmp_path, teacher=small.teacher(10), share=0.5, epochs=0.2)
    assert result.metrics["rows"] == {
        "train": 26,
        "validation": 4,
        "truncated": 0,
        "teacher": 10,
    }
    assert "asks for 16 reports of the teacher, there are 10" in capsys.readouterr().err


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
