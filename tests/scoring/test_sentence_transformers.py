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
from synthfr.scoring.similarity import similarities
from synthfr.scoring.token_limits import OwnLimit, TokenLimits, tokens_read
from tests.scoring import toy
from tests.scoring.encoders import sentence_encoder

pytestmark = pytest.mark.slow  # imports torch, transformers and sentence-transformers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sentence_encoder(tmp_path_factory.mktemp("encoder"))


def load(
    model: str, max_tokens: int, own_limit: OwnLimit = "refuse", window_tokens: int = 8
) -> SentenceTransformersEvaluator:
    settings = SentenceTransformersSettings(model=model, max_tokens=max_tokens, own_limit=own_limit)
    return SentenceTransformersEvaluator(settings, window_tokens)


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
    unlimited = load(str(tmp_path / "encoder"), max_tokens=512, own_limit="accept")
    assert np.isfinite(unlimited.encode(["a " * 100])).all()  # 32 positions
    assert unlimited.measures["encoder"]["tokens_read"] == 32
    with pytest.raises(UserError, match="has positions for 32 tokens and max_tokens is 512"):
        load(str(tmp_path / "encoder"), max_tokens=512, own_limit="raise")


TWENTY = "a b c d e f g h a b c d e f g h a b c d"  # 22 tokens with [CLS] and [SEP]
SAME_14 = TWENTY[: 2 * 14] + "h h h h h h"  # as many, alike in what 16 tokens hold
SAME_20 = TWENTY + " h h h h h h h h h h"


def test_a_limit_of_its_own_is_told_with_the_numbers(folder: Path) -> None:
    own = str(folder)
    with pytest.raises(
        UserError,
        match=r"reads the first 16 tokens of a text by its own limit; max_tokens asks for 22: set "
        r"own_limit to raise \(it reads 22, .*\), or to accept",
    ):
        load(own, max_tokens=22)
    with pytest.raises(UserError, match=r"22, and a window has 20 \(score.window_tokens\): set"):
        load(own, max_tokens=22, window_tokens=20)
    with pytest.raises(UserError, match=r"to raise, and max_tokens to 32 or less"):
        load(own, max_tokens=33)
    with pytest.raises(UserError, match=r"positions for 32 tokens and max_tokens is 33: lower"):
        load(own, max_tokens=33, own_limit="raise")
    assert load(own, max_tokens=16).measures["encoder"]["tokens_read"] == 16  # the control


def test_raised_and_accepted_limits_read_different_texts(folder: Path) -> None:
    """Of document and candidate alike: texts that differ only beyond what is read are one."""
    raised = load(str(folder), max_tokens=22, own_limit="raise")
    accepted = load(str(folder), max_tokens=22, own_limit="accept")

    def cosine(evaluator: Any, candidate: str, document: str) -> float:
        return float(similarities(evaluator, [candidate], [document], np.array([0]), 30, 30)[0])

    for candidate, document in ((SAME_14, TWENTY), (TWENTY, SAME_14)):
        assert cosine(accepted, candidate, document) == pytest.approx(1, abs=1e-6)
        assert cosine(raised, candidate, document) < 0.999
    for candidate, document in ((SAME_20, TWENTY), (TWENTY, SAME_20)):  # cut at max_tokens, too
        assert cosine(raised, candidate, document) == pytest.approx(1, abs=1e-6)
    assert raised.measures["encoder"]["tokens_read"] == 22
    assert accepted.measures["encoder"] == {
        "own_limit": 16, "max_tokens": 22, "tokens_read": 16, "window_tokens": 8,
    }  # fmt: skip


def published(folder: Path, to: Path, **files: dict[str, Any]) -> Path:
    """A copy of the encoder in `folder` whose JSON files have these values changed."""
    shutil.copytree(folder, to)
    for name, changes in files.items():
        path = to / f"{name}.json"
        values = json.loads(path.read_text()) | changes
        path.write_text(json.dumps({key: one for key, one in values.items() if one is not None}))
    return to


@pytest.mark.parametrize(
    ("files", "limits"),
    [
        ({}, TokenLimits(16, 32)),
        ({"sentence_bert_config": {"max_seq_length": 8}}, TokenLimits(8, 32)),  # as BioLORD's
        ({"sentence_bert_config": {"max_seq_length": 99}}, TokenLimits(32, 32)),
        ({"tokenizer_config": {"model_max_length": None}}, TokenLimits(32, 32)),
        ({"tokenizer_config": {"model_max_length": int(1e30)}}, TokenLimits(32, 32)),
    ],
)
def test_the_files_tell_what_the_loaded_model_does(
    folder: Path, tmp_path: Path, files: dict[str, Any], limits: TokenLimits
) -> None:
    made = published(folder, tmp_path / "encoder", **files)
    assert TokenLimits.published(made) == limits
    figures = load(str(made), max_tokens=32, own_limit="accept").measures["encoder"]
    assert (figures["own_limit"], figures["tokens_read"]) == (limits.own, limits.own)


def test_limits_of_known_kinds() -> None:
    biolord = {"model_type": "mpnet", "max_position_embeddings": 514, "pad_token_id": 1}
    assert TokenLimits.of(64, biolord) == TokenLimits(64, 512)
    assert tokens_read(TokenLimits(64, 512), "raise", 512, 128, "BioLORD") == 512
    assert tokens_read(TokenLimits(64, 512), "accept", 512, 128, "BioLORD") == 64
    with pytest.raises(UserError, match=r"first 64 .* asks for 512, and a window has 128"):
        tokens_read(TokenLimits(64, 512), "refuse", 512, 128, "BioLORD")
    with pytest.raises(UserError, match=r"positions for 512 tokens and max_tokens is 514"):
        tokens_read(TokenLimits(64, 512), "raise", 514, 128, "BioLORD")
    xlm = {"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1}
    assert TokenLimits.of(514, xlm) == TokenLimits(512, 512)
    bert = {"model_type": "bert", "max_position_embeddings": 512, "pad_token_id": 0}
    assert TokenLimits.of(256, bert) == TokenLimits(256, 512)
    assert TokenLimits.of(1e30, {"model_type": "t5"}) == TokenLimits(None, None)
    assert tokens_read(TokenLimits(None, None), "refuse", 4096, 128, "T5") == 4096
    assert tokens_read(TokenLimits(64, None), "raise", 4096, 128, "T5") == 4096


def test_windows_are_cut_from_the_text_by_its_own_tokens(evaluator: Any) -> None:
    text = "HTA  a,b\nc d"  # tokens: hta a , b c d
    assert evaluator.windows(text, 4, 2) == ["HTA  a,b", ",b\nc d"]
    assert evaluator.windows(text, 6, 2) == [text]
    assert evaluator.windows(text, 4, 2, 4) == ["HTA  a,b"]


def test_scores_with_it(folder: Path) -> None:
    candidates = toy.candidates(("p0", 0, toy.PRIVATE[0]), ("p0", 1, "a b c d"), ("p1", 0, "hta"))
    params = toy.params("sentence_transformers", str(folder), "accept", window_tokens=100)
    judged = toy.judgements(candidates)
    scored = toy.score(candidates, toy.keyed(), toy.prompts(), judged, params)
    assert scored.scores["similarity"][0] == pytest.approx(1, abs=1e-5)
    assert scored.scores["similarity"][1] < 0.99
    figures = {"own_limit": 16, "max_tokens": 32, "tokens_read": 16, "window_tokens": 100}
    assert scored.measures["encoder"] == figures
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
