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


def test_a_model_that_is_kept_is_the_one_the_scores_are_from(
    modernbert: Path, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    texts = toy.reports(30, seed=1)["text"].tolist()
    truth = np.random.default_rng(0).random((20, 4)) < 0.4
    train, rows = np.arange(20), np.arange(20, 30)
    coder = EncoderCoder(texts, params(modernbert, epochs=1), 0, tmp_path, tmp_path / "kept")
    scores = coder.scores(train, truth, rows)
    first = coder.kept
    assert first is not None and first.parent == tmp_path / "kept"
    model = AutoModelForSequenceClassification.from_pretrained(first)
    tokens = AutoTokenizer.from_pretrained(first)(texts[20], return_tensors="pt")
    with torch.no_grad():
        found = model(tokens["input_ids"], attention_mask=tokens["attention_mask"]).logits
    assert np.allclose(found[0].numpy(), scores[0], atol=1e-4)
    coder.scores(train, ~truth, rows)
    assert coder.kept not in (None, first)
    coder.scores(train, truth[:, :2], rows)
    assert coder.kept == first  # from the larger space's model
    coder.scores(train, np.hstack([truth, ~truth]), rows)
    assert coder.kept is None


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


class Killed(Exception):
    """What a run that is killed ends with, here."""


TEXTS = toy.reports(40, seed=1)["text"].tolist()
HALVES = np.zeros((30, 2), dtype=bool)
HALVES[::2, 0] = HALVES[1::2, 1] = True
CONTRARY = Validation(np.arange(30, 40), ~HALVES[:10])  # no later evaluation is better


def trained(
    folder: Path, scratch: Path, kill_at: int | str | None = None, **changes: Any
) -> tuple[np.ndarray, dict[str, Any]]:
    """Scores after a training of four steps an epoch, and what the trainer's state says of it; it
    is killed after the step `kill_at`, or when it ends.
    """
    from transformers import TrainerCallback

    from synthfr import resume

    class Kill(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == kill_at:
                raise Killed

        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if kill_at == "end":
                raise Killed

    seen: dict[str, Any] = {}
    train = resume.train

    def watched(trainer: Any, place: Path) -> None:
        trainer.add_callback(Kill())
        train(trainer, place)
        evaluated = [entry for entry in trainer.state.log_history if "eval_loss" in entry]
        seen["evaluated"] = [entry["step"] for entry in evaluated]
        seen["losses"] = [entry["eval_loss"] for entry in evaluated]
        seen["best"] = trainer.state.best_global_step
        seen["max_grad_norm"] = trainer.args.max_grad_norm

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resume, "train", watched)
        coder = EncoderCoder(TEXTS, params(folder, **changes), 0, scratch)
        scores = coder.scores(np.arange(30), HALVES, np.arange(30, 40), CONTRARY)
    return scores, seen


@pytest.fixture(scope="module")
def camembert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It has dropout: what a resumed run draws counts."""
    return encoder(tmp_path_factory.mktemp("encoder") / "camembert", "camembert")


@pytest.mark.slow
def test_evaluations_by_steps_and_patience_counted_in_them(camembert: Path, tmp_path: Path) -> None:
    how = {"epochs": 5, "patience": 2, "learning_rate": 0.03}
    _, by_steps = trained(camembert, tmp_path / "steps", evaluate_every_steps=3, **how)
    losses, best = by_steps["losses"], by_steps["evaluated"].index(by_steps["best"])
    assert by_steps["evaluated"] == [3, 6, 9, 12, 15, 18, 20][: len(losses)]
    assert losses[best] == min(losses) and len(losses) == best + 1 + 2 < 7
    _, by_epochs = trained(camembert, tmp_path / "epochs", **how)  # the control
    assert by_epochs["evaluated"] == [4, 8, 12, 16, 20][: len(by_epochs["evaluated"])]
    _, patient = trained(
        camembert, tmp_path / "patient", evaluate_every_steps=3, **how | {"patience": 7}
    )
    assert patient["evaluated"] == [3, 6, 9, 12, 15, 18, 20]


@pytest.mark.slow
def test_few_reports_are_passed_over_until_min_steps(camembert: Path, tmp_path: Path) -> None:
    how = {"epochs": 1, "patience": 1, "learning_rate": 0.03}
    _, once = trained(camembert, tmp_path / "once", **how)  # the control
    assert once["evaluated"] == [4]
    _, more = trained(camembert, tmp_path / "more", min_steps=9, **how)
    assert more["evaluated"] == [4, 8, 12]
    assert more["best"] < 8  # patience was at its end before
    stopped, enough = (
        trained(camembert, tmp_path / f"{least}", min_steps=least, **how | {"epochs": 3})[1]
        for least in (0, 12)
    )
    assert stopped["evaluated"] == [4, 8] and enough["evaluated"] == [4, 8, 12]


@pytest.mark.parametrize(
    ("reports", "epochs", "min_steps", "wanted"),
    [
        (30, 5, 0, (5, 20)),
        (30, 5, 20, (5, 20)),
        (30, 5, 21, (6, 24)),
        (3, 5, 21, (21, 21)),
        (30, 0.5, 2, (0.5, 2)),
        (30, 0.5, 3, (1, 4)),
        (30, 0.6, 0, (0.6, 3)),
    ],
)
def test_epochs_and_steps(
    reports: int, epochs: float, min_steps: int, wanted: tuple[float, int], tmp_path: Path
) -> None:
    how = params(tmp_path, epochs=epochs, min_steps=min_steps)
    assert (how.epochs_of(reports), how.steps_of(reports)) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("every", [3, pytest.param(None, marks=pytest.mark.long)])
def test_killed_and_resumed_is_the_same(camembert: Path, tmp_path: Path, every: int | None) -> None:
    """In mid-epoch, with patience half used up, and after the last evaluation."""
    how = {"epochs": 8, "patience": 3, "learning_rate": 0.03, "evaluate_every_steps": every}
    whole, seen = trained(camembert, tmp_path / "whole", **how)
    last = seen["evaluated"][-1]
    assert seen["best"] < last < 32  # it stopped early
    for kill_at in (5, last - 1, "end"):
        scratch = tmp_path / str(kill_at)
        with pytest.raises(Killed):
            trained(camembert, scratch, kill_at, **how)
        again, resumed = trained(camembert, scratch, **how)
        assert resumed == seen and np.array_equal(again, whole)
    other, _ = trained(camembert, tmp_path / "other", **how | {"epochs": 5})  # the control
    assert not np.array_equal(other, whole)


@pytest.mark.slow
def test_gradients_are_cut_at_their_norm(camembert: Path, tmp_path: Path) -> None:
    one, seen = trained(camembert, tmp_path / "a", epochs=1)
    assert seen["max_grad_norm"] == 1.0
    wide, seen = trained(camembert, tmp_path / "b", epochs=1, max_gradient_norm=10.0)
    assert seen["max_grad_norm"] == 10.0
    # Adam does not see the scale of its gradients, but for a limit that is always reached
    tight, _ = trained(camembert, tmp_path / "c", epochs=1, max_gradient_norm=1e-9)
    assert np.abs(tight - wide).max() > np.abs(one - wide).max()


def test_bad_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"encoder\.model: 'nowhere' is neither a folder nor"):
        EncoderCoder(["un"], params(Path("nowhere")), 0, tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="has no tokenizer that can be loaded"):
        EncoderCoder(["un"], params(tmp_path / "empty"), 0, tmp_path)
