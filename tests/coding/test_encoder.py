"""The encoder coder: it learns what the texts tell, on small encoders with random weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthfr.coding import evaluate_grid, summarise
from synthfr.coding.coder import Validation
from synthfr.coding.encoder import EncoderCoder, EncoderSettings, positive_weights
from synthfr.errors import UserError
from tests.coding import toy

LEARNING = {"epochs": 10, "learning_rate": 3e-3, "patience": 10}


def encoder(folder: Path, kind: str = "modernbert") -> Path:
    """A small encoder with random weights and a word-level tokenizer over the toy reports."""
    import torch
    import transformers as t
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = sorted({word for text in toy.reports(120, seed=1)["text"] for word in text.split()})
    special = ["<pad>", "<s>", "</s>", "<unk>"]
    vocabulary = {word: index for index, word in enumerate([*special, *words])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    tokenizer = t.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", bos_token="<s>", eos_token="</s>",
        unk_token="<unk>", cls_token="<s>", sep_token="</s>",
    )  # fmt: skip
    sizes: dict[str, Any] = {
        "vocab_size": len(vocabulary),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "pad_token_id": 0,
    }
    torch.manual_seed(0)
    if kind == "modernbert":
        config = t.ModernBertConfig(
            **sizes, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2,
            max_position_embeddings=128, classifier_pooling="mean",
        )  # fmt: skip
        model = t.ModernBertModel(config)
    else:
        model = t.CamembertModel(t.CamembertConfig(**sizes, max_position_embeddings=130))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def modernbert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encoder(tmp_path_factory.mktemp("encoder") / "modernbert")


def params(folder: Path, **changes: Any) -> EncoderSettings:
    return toy.coder("encoder", model=str(folder), **changes).encoder


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "least_map"), [("modernbert", 0.9), ("camembert", 0.6)])
def test_useful_data_teach_and_shuffled_labels_do_not(
    kind: str, least_map: float, tmp_path: Path
) -> None:
    folder = encoder(tmp_path / kind, kind)
    training, holdout = toy.reports(160, seed=1), toy.reports(80, seed=2, prefix="h")
    how = toy.params(
        coder=toy.coder("encoder", model=str(folder), **LEARNING),
        sizes=[160], top_k=[3, 6], seeds=[0], evaluations=["unbiased"],
    )  # fmt: skip

    def judged(reports: Any) -> dict[str, Any]:
        cells = evaluate_grid(reports, holdout, how, toy.SPACE, 0, tmp_path / "scratch")
        return summarise(cells, "global_threshold")["size=160"]

    useful = judged(training)
    codes = np.random.default_rng(0).permutation(training["codes"])
    useless = judged(training.assign(codes=codes))["top_k=6"]
    assert useful["top_k=6"]["map"]["mean"] > least_map
    assert useful["top_k=3"]["map"]["mean"] > least_map
    assert useless["map"]["mean"] < 0.5


@pytest.mark.slow
def test_a_smaller_label_space_comes_from_the_same_training(
    modernbert: Path, tmp_path: Path
) -> None:
    texts = toy.reports(30, seed=1)["text"].tolist()
    truth = np.random.default_rng(0).random((20, 4)) < 0.4
    coder = EncoderCoder(texts, params(modernbert), 0, tmp_path)
    train, rows = np.arange(20), np.arange(20, 30)
    whole = coder.scores(train, truth, rows)
    assert len(list(tmp_path.glob("*.npy"))) == 1
    assert np.array_equal(coder.scores(train, truth[:, :2], rows), whole[:, :2])
    assert len(list(tmp_path.glob("*.npy"))) == 1
    coder.scores(train, ~truth, rows)  # the control: other labels are learnt
    assert len(list(tmp_path.glob("*.npy"))) == 2


def test_same_seed_same_scores_and_scratch_is_read(modernbert: Path, tmp_path: Path) -> None:
    texts = toy.reports(30, seed=1)["text"].tolist()
    truth = np.random.default_rng(0).random((20, 3)) < 0.4
    truth[:, 2] = False
    watched = Validation(np.arange(20, 24), np.random.default_rng(1).random((4, 3)) < 0.4)

    def scores(scratch: str, seed: int = 0) -> np.ndarray:
        coder = EncoderCoder(texts, params(modernbert), seed, tmp_path / scratch)
        return coder.scores(np.arange(20), truth, np.arange(20, 30), watched)

    one = scores("a")
    assert np.isneginf(one[:, 2]).all() and np.isfinite(one[:, :2]).all()
    assert np.array_equal(one, scores("b"))
    assert not np.array_equal(one, scores("b", seed=1))
    (kept,) = (tmp_path / "a").glob("*.npy")
    np.save(kept, np.zeros_like(one))
    assert not scores("a")[:, :2].any()  # read, not trained again
    assert [file.name for file in (tmp_path / "a").iterdir()] == [kept.name]  # no checkpoint left


def test_positive_weights() -> None:
    truth = np.array([[1, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]], dtype=bool)
    assert positive_weights(truth).tolist() == [3.0, 1.0, 0.0]


@pytest.mark.slow
def test_early_stopping_stops(modernbert: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """Validation labels that contradict the training: no epoch after the first is better."""
    from transformers import Trainer

    ran: list[float] = []
    original = Trainer.train

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        ran.append(self.state.epoch)
        return result

    monkeypatch.setattr(Trainer, "train", counting)
    texts = toy.reports(40, seed=1)["text"].tolist()
    truth = np.zeros((30, 2), dtype=bool)
    truth[::2, 0] = truth[1::2, 1] = True
    how = params(modernbert, epochs=10, patience=1, learning_rate=0.03)
    train, rows = np.arange(30), np.arange(30, 40)
    for scratch, watched in (("a", Validation(rows, ~truth[:10])), ("b", None)):
        coder = EncoderCoder([*texts[:30], *texts[:10]], how, 0, tmp_path / scratch)
        coder.scores(train, truth, rows, watched)
    assert ran[0] < ran[1] == 10  # the second, with nothing to stop by, is the control


def test_bad_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"encoder\.model: 'nowhere' is neither a folder nor"):
        EncoderCoder(["un"], params(Path("nowhere")), 0, tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="cannot be loaded as an encoder"):
        EncoderCoder(["un"], params(tmp_path / "empty"), 0, tmp_path)
