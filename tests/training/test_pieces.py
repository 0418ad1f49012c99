"""Chunked rows and the loss on all tokens: what is trained on, counted by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthfr.errors import UserError
from synthfr.training import pieces
from tests.training import small

Until = Callable[[Callable[[], Any]], Any]
OUT = pieces.IGNORED


def _rows(*rows: tuple[list[int], list[int]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "report_id": [f"r{number}" for number in range(len(rows))],
            "input_ids": [np.array(ids, dtype=np.int32) for ids, _ in rows],
            "labels": [np.array(labels, dtype=np.int32) for _, labels in rows],
        }
    )


def test_pieces_by_hand() -> None:
    """Pieces of three: a whole one, one that begins in the prompt, and what is left."""
    cut = pieces.cut(
        _rows(
            ([1, 2, 3, 4, 5, 6, 7, 8], [OUT, OUT, OUT, OUT, 5, 6, 7, 8]),
            ([9, 10], [OUT, 10]),
            ([1, 2, 3, 4], [OUT, 2, 3, 4]),
        ),
        3,
    )
    shown = [
        (row.report_id, row.n_tokens, row.input_ids.tolist(), row.labels.tolist())
        for row in cut.itertuples()
    ]
    assert shown == [
        # r0/0 is prompt alone
        ("r0/1", 3, [4, 5, 6], [OUT, 5, 6]),
        ("r0/2", 2, [7, 8], [OUT, 8]),
        ("r1/0", 2, [9, 10], [OUT, 10]),
        ("r2/0", 3, [1, 2, 3], [OUT, 2, 3]),
        # r2/1 is a single token, which nothing foretells
    ]


def _train(base: Path, scratch: Path, **changes: Any) -> Any:
    from synthfr.models import load_policy
    from synthfr.training import sft

    chunked = {"batching": "chunked", "max_length": 16}
    params = small.sft_params(**(chunked | changes))
    return sft.train(small.reports(), load_policy(base, []), params, 0, scratch)


def _whole(base: Path) -> dict[str, tuple[list[int], list[int]]]:
    """Ids of each report's prompt, and of the report."""
    from synthfr.models import load_policy
    from synthfr.training.encoding import encode

    rows = small.reports()
    both = encode(load_policy(base, []), rows["prompt"].tolist(), rows["completion"].tolist())
    given = zip(rows["report_id"], *both, strict=True)
    return {name: (prompt.tolist(), report.tolist()) for name, prompt, report in given}


@pytest.mark.parametrize("loss", ["all", "report"])
def test_each_token_is_trained_on_once_an_epoch(
    loss: str, base: Path, tmp_path: Path, before_training: Until
) -> None:
    """What the order hands out in an epoch, put together again, is every report to the end."""
    from synthfr.training import common

    trainer = before_training(lambda: _train(base, tmp_path, loss=loss))
    rows, held_out = trainer.train_dataset, trainer.eval_dataset
    order = common.LengthGroupedOrder(rows["report_id"], rows["n_tokens"], 4, 0)
    seen = Counter(rows[row]["report_id"] for row in order)
    assert set(seen.values()) == {1} and len(seen) == len(rows)
    parts = {row["report_id"]: row for row in [*rows, *held_out]}
    assert len(parts) == len(rows) + len(held_out)
    for report_id, (prompt, report) in _whole(base).items():
        ids = [*prompt, *report]
        n_given = 0 if loss == "all" else len(prompt)
        for number, start in enumerate(range(0, len(ids), 16)):
            span = range(start, min(start + 16, len(ids)))
            counted = [at for at in span if at >= n_given and at != start]
            part = parts.pop(f"{report_id}/{number}", None)
            if part is None:
                assert not counted
                continue
            assert part["input_ids"] == [ids[at] for at in span]
            assert part["labels"] == [ids[at] if at in counted else OUT for at in span]
    assert not parts


def test_pieces_of_a_report_stay_on_one_side(
    base: Path, tmp_path: Path, before_training: Until
) -> None:
    trainer = before_training(lambda: _train(base, tmp_path))
    sides = [
        {name.partition("/")[0] for name in rows["report_id"]}
        for rows in (trainer.train_dataset, trainer.eval_dataset)
    ]
    assert (len(sides[0]), len(sides[1])) == (16, 4) and not sides[0] & sides[1]
    # the control: reports do have several pieces, which a split of pieces would spread
    assert len(trainer.eval_dataset) > 4


def test_chunked_training_counts_pieces_and_cuts_nothing(
    base: Path, tmp_path: Path, before_training: Until, capsys: pytest.CaptureFixture[str]
) -> None:
    """Prompts alone fill `max_length`, which is an error in every other way of batching."""
    result = _train(base, tmp_path, max_length=8, epochs=1)
    trainer = before_training(lambda: _train(base, tmp_path / "before", max_length=8))
    n_pieces = len(trainer.train_dataset)
    assert result.metrics["rows"] == {
        "train": 16,
        "validation": 4,
        "truncated": 0,
        "pieces": n_pieces,
        "validation_pieces": len(trainer.eval_dataset),
    }
    assert result.metrics["steps"] == -(-n_pieces // 4)
    assert f"in {n_pieces} pieces of 8; " in capsys.readouterr().err
    with pytest.raises(UserError, match="8 tokens leave no room"):
        _train(base, tmp_path / "padded", max_length=8, batching="padded")


def test_no_validation(base: Path, tmp_path: Path) -> None:
    result = _train(base, tmp_path, validation_share=0.0, epochs=0.1)
    assert result.metrics["rows"]["validation_pieces"] == 0
    assert "eval_loss" not in result.metrics


@pytest.mark.parametrize("batching", ["padded", "packed", "padding_free", "chunked"])
def test_the_loss_is_the_mean_over_all_that_counts(
    batching: str, base: Path, tmp_path: Path
) -> None:
    """The first step's loss is that of the base, worked out row by row without the trainer."""
    import torch

    from synthfr.models import load_policy

    everything = {"batch_size": 100, "device_batch_size": 100, "validation_share": 0.0}
    model = load_policy(base, []).model
    expected = {}
    for loss in ("all", "report"):
        nats = []
        for prompt, report in _whole(base).values():
            ids = [*prompt, *report]
            length = 16 if batching == "chunked" else len(ids)
            for start in range(0, len(ids), length):
                part = ids[start : start + length]
                with torch.no_grad():
                    scores = model(torch.tensor([part])).logits[0].log_softmax(-1)
                first = max(1, (0 if loss == "all" else len(prompt)) - start)
                nats += [-float(scores[at - 1, part[at]]) for at in range(first, len(part))]
        expected[loss] = sum(nats) / len(nats)
    # the control: the two are told apart
    assert abs(expected["all"] - expected["report"]) > 0.01
    for loss in ("all", "report"):
        changes = everything | {"loss": loss, "batching": batching}
        changes["max_length"] = 16 if batching == "chunked" else 80
        result = _train(base, tmp_path / loss, epochs=1, **changes)
        assert len(result.history) == 1
        assert result.history[0]["loss"] == pytest.approx(expected[loss], abs=1e-4)
