"""What only a GPU runs: bfloat16, torch's variable-length attention, sampling on the device.

`make gpu-check` runs these; everywhere else they are skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import tiny
from tests.training import small

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def gpu() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # heads of 16 dimensions: flash attention wants a multiple of 8
    return tiny.base(tmp_path_factory.mktemp("base") / "base", hidden=64)


def test_a_text_comes_from_its_seed(base: Path) -> None:
    from synthfr.engines import Request
    from synthfr.engines.transformers.transformers_engine import TransformersEngine
    from synthfr.models import load_policy

    engine = TransformersEngine(load_policy(base, []), batch_size=8)

    def texts(first_seed: int) -> list[str]:
        requests = [
            Request(str(n), "Mots-clés : asthme", first_seed + n, 1.0, max_new_tokens=24)
            for n in range(8)
        ]
        return [one.text for one in sorted(engine.generate(requests), key=lambda one: one.id)]

    assert engine._model.device.type == "cuda"
    assert texts(0) == texts(0)
    assert texts(0) != texts(8)  # the control
    assert len(set(texts(0))) > 1


@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_without_padding_the_curves_are_those_with_it(
    kind: str, base: Path, tmp_path: Path
) -> None:
    def history(batching: str) -> Any:
        scratch = tmp_path / batching
        made = small.train(kind, base, scratch, batching=batching, precision="bfloat16")
        return made.history

    padded, free = history("padded"), history("padding_free")
    first = 0 if kind == "sft" else 1
    assert padded[first]["loss"] == pytest.approx(free[first]["loss"], rel=0.02)
    losses = [row["loss"] for row in free if row["loss"] is not None]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("window", [None, 3])
def test_variable_length_attention_is_attention_of_each(window: int | None) -> None:
    import torch

    from synthfr.training.trl_seam import attention

    torch.manual_seed(0)
    shapes = ((1, 4, 12, 64), (1, 2, 12, 64), (1, 2, 12, 64))
    query, key, value = (torch.randn(s, device="cuda", dtype=torch.bfloat16) for s in shapes)
    starts = torch.tensor([0, 7, 12], dtype=torch.int32, device="cuda")
    flash = attention._flash_varlen(query, key, value, starts, 7, 0.125, window)
    each = attention._sdpa_of_each(query, key, value, starts, 0.125, window)
    assert torch.allclose(flash.float(), each.float(), atol=0.02)
    together = starts[[0, 2]]  # the control: one sequence of both
    other = attention._flash_varlen(query, key, value, together, 12, 0.125, window)
    assert not torch.allclose(flash.float(), other.float(), atol=0.02)


def test_similarities_are_those_of_the_cpu(tmp_path: Path) -> None:
    from benchmarks import random_models, scoring
    from synthfr.scoring.sentence_transformers import (
        SentenceTransformersEvaluator,
        SentenceTransformersSettings,
    )

    encoder = scoring.make_encoder(tmp_path, random_models.XLMR_TINY)
    texts = scoring._round(2)

    def found(device: str) -> list[float]:
        settings = SentenceTransformersSettings(model=str(encoder), max_tokens=512)
        evaluator = SentenceTransformersEvaluator(settings, scoring.WINDOW_TOKENS)
        assert evaluator._model.device.type == "cuda"
        evaluator._model.to(device)
        return scoring._one_pass(evaluator, texts)

    assert found("cuda") == pytest.approx(found("cpu"), abs=1e-3)
    assert len(set(found("cuda"))) == len(texts[0])  # the control: they tell candidates apart


def test_the_encoder_coder_learns_in_bfloat16(tmp_path: Path) -> None:
    from synthfr.coding.encoder import EncoderCoder
    from tests.coding import test_encoder, toy

    folder = test_encoder.encoder(tmp_path / "encoder")
    texts = toy.reports(120, seed=1)["text"].tolist()
    words = sorted({word for text in texts for word in text.split()})
    counts = {word: sum(word in text.split() for text in texts) for word in words}
    word = min(words, key=lambda one: abs(counts[one] - 60))  # in about half of them
    truth = np.array([[word in text.split()] for text in texts])
    how = test_encoder.params(folder, precision="bfloat16", **test_encoder.LEARNING)
    rows = np.arange(120)

    def separated(labels: Any) -> float:
        """Probability that a held-out report with the word scores above one without."""
        scores = EncoderCoder(texts, how, 0, tmp_path / "scratch").scores(
            rows[:90], labels[:90], rows[90:]
        )
        has = truth[90:, 0]
        return float((scores[has, 0][:, None] > scores[~has, 0]).mean())

    assert separated(truth) > 0.8
    shuffled = np.random.default_rng(0).permutation(truth)
    assert separated(shuffled) < 0.8  # the control


def test_a_model_that_the_gpu_cannot_hold_is_refused() -> None:
    from synthfr.errors import UserError
    from synthfr.hardware import check_gpu_memory, gpu_memory

    (memory, *_) = gpu_memory()
    refused: Callable[[int], None] = lambda size: check_gpu_memory(size, "It", "take less")  # noqa: E731
    refused(memory)
    with pytest.raises(UserError, match="the GPU has"):
        refused(memory + 1)
