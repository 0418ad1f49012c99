"""The sentence-transformers evaluator, with a real (random, two-layer) encoder from this disk."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthfr.errors import UserError
from synthfr.scoring.sentence_transformers import (
    SentenceTransformersEvaluator,
    SentenceTransformersSettings,
)
from tests.scoring import toy

pytestmark = pytest.mark.slow  # imports torch, transformers and sentence-transformers

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *"abcdefgh",
    "hta",
    "fievre",
    "omi",
    ":",
    ",",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(0)
    plain = tmp_path_factory.mktemp("bert")
    (plain / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizerFast(str(plain / "vocab.txt"), model_max_length=16).save_pretrained(plain)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=32, initializer_range=0.5,
    )  # fmt: skip
    BertModel(config).save_pretrained(plain)
    words = Transformer(str(plain))
    whole = SentenceTransformer(modules=[words, Pooling(words.get_embedding_dimension())])
    made = tmp_path_factory.mktemp("encoder")
    whole.save(str(made))
    return made


def load(model: str, max_tokens: int) -> SentenceTransformersEvaluator:
    settings = SentenceTransformersSettings(model=model, max_tokens=max_tokens)
    return SentenceTransformersEvaluator(settings)


@pytest.fixture(scope="module")
def evaluator(folder: Path) -> Any:
    return load(str(folder), max_tokens=8)


def test_unit_vectors_that_do_not_depend_on_their_batch(evaluator: Any) -> None:
    texts = ["a b c", "hta", "fievre , omi : a b c d e f"]
    together = evaluator.encode(texts)
    assert together.dtype == np.float32 and together.shape == (3, 32)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(3), abs=1e-6)
    for text, row in zip(texts, together, strict=True):
        assert evaluator.encode([text])[0] == pytest.approx(row, abs=1e-5)
    assert abs(together[0] @ together[1]) < 0.999  # negative control: different texts differ


def test_each_text_is_encoded_once_among_its_like(
    evaluator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches of at most 12 tokens, of which [CLS] and [SEP] are two a text, and 8 the most."""
    from synthfr.scoring import sentence_transformers

    texts = ["a b c d e f g h", "hta", "a b c d", "hta", "a", "b c d e f g", "", "omi"]
    expected = evaluator._model.encode(texts, normalize_embeddings=True)
    monkeypatch.setattr(sentence_transformers, "CPU_BATCH_TOKENS", 12)
    seen: list[list[str]] = []
    encode = evaluator._model.encode

    def spy(batch: list[str], **given: Any) -> Any:
        seen.append(batch)
        return encode(batch, **given)

    monkeypatch.setattr(evaluator._model, "encode", spy)
    found = evaluator.encode(texts)
    assert found == pytest.approx(expected, abs=1e-6)
    assert seen == [
        ["a b c d e f g h"], ["b c d e f g"], ["a b c d", "hta"], ["a", "omi", ""],
    ]  # fmt: skip
    assert evaluator.encode([]).shape == (0, 32)


def test_texts_are_cut_at_max_tokens(evaluator: Any) -> None:
    # 8 tokens with [CLS] and [SEP]: six words count
    long, same, other = evaluator.encode(["a b c d e f g h", "a b c d e f", "a b c d e"])
    assert long == pytest.approx(same, abs=1e-6)
    assert np.abs(long - other).max() > 1e-3


def test_a_tokenizer_without_a_limit_is_held_to_the_models_positions(
    folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "encoder")
    for path in (tmp_path / "encoder").rglob("tokenizer_config.json"):
        config = json.loads(path.read_text())
        config.pop("model_max_length")
        path.write_text(json.dumps(config))
    unlimited = load(str(tmp_path / "encoder"), max_tokens=512)
    assert np.isfinite(unlimited.encode(["a " * 100])).all()  # 32 positions


def test_windows_are_cut_from_the_text_by_its_own_tokens(evaluator: Any) -> None:
    text = "HTA  a,b\nc d"  # tokens: hta a , b c d
    assert evaluator.windows(text, 4, 2) == ["HTA  a,b", ",b\nc d"]
    assert evaluator.windows(text, 6, 2) == [text]


def test_scores_with_it(folder: Path) -> None:
    candidates = toy.candidates(("p0", 0, toy.PRIVATE[0]), ("p0", 1, "a b c d"), ("p1", 0, "hta"))
    params = toy.params("sentence_transformers", str(folder), window_tokens=100)
    judged = toy.judgements(candidates)
    scored = toy.score(candidates, toy.keyed(), toy.prompts(), judged, params)
    assert scored.scores["similarity"][0] == pytest.approx(1, abs=1e-5)
    assert scored.scores["similarity"][1] < 0.99
    assert scored.evaluator_weights is not None and scored.evaluator_weights.is_file()
    again = toy.score(candidates, toy.keyed(), toy.prompts(), judged, params)
    pd.testing.assert_frame_equal(scored.scores, again.scores, check_exact=True)


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not in the local cache.*synth-fr prefetch"):
        load("nobody/nothing@" + "0" * 40, max_tokens=8)
    with pytest.raises(UserError, match=r"no commit.*synth-fr prefetch --pin"):
        load("nobody/nothing", max_tokens=8)
    with pytest.raises(UserError, match="neither a folder nor owner/name@commit"):
        load(str(tmp_path / "missing" / "folder" / "deep"), max_tokens=8)
    with pytest.raises(UserError, match="cannot be loaded"):
        load(str(tmp_path), max_tokens=8)
