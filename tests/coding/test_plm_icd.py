"""PLM-ICD: what it computes, that padding has no part in it, and that it learns, on small models
with random weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthfr.coding import trained
from synthfr.coding.coder import Validation
from synthfr.coding.coders import CoderSettings
from synthfr.coding.plm_icd import PlmIcdCoder, PlmIcdSettings
from synthfr.coding.saved import TrainCoder
from synthfr.errors import UserError
from tests import tiny
from tests.coding import test_encoder, triggers

QUICK = {
    "min_steps": 0,
    "learning_rate": 0.003,
    "batch_size": 8,
    "device_batch_size": 8,
    "max_length": 512,  # fewer than the words of the longest report
    "chunk_tokens": 64,
    "warmup_ratio": 0.1,
}


@pytest.fixture(scope="module")
def modernbert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return test_encoder.encoder(tmp_path_factory.mktemp("model") / "modernbert")


@pytest.fixture(scope="module")
def camembert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It has dropout, and counts positions from behind its padding token."""
    return test_encoder.encoder(tmp_path_factory.mktemp("model") / "camembert", "camembert")


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return causal(tmp_path_factory.mktemp("model") / "qwen3")


def causal(folder: Path) -> Path:
    """A causal model, as the shipped base is: its tokenizer pads on the left and adds nothing."""
    tiny.model().save_pretrained(folder)
    tiny.tokenizer().save_pretrained(folder)
    return folder


def params(folder: Path, **changes: Any) -> PlmIcdSettings:
    return PlmIcdSettings.model_validate({"model": str(folder), **QUICK, **changes})


def network(folder: Path, n_labels: int = 3, **changes: Any) -> Any:
    """The untrained network, in evaluation; its heads' weights are wide enough apart to tell."""
    import torch

    torch.manual_seed(0)
    made = PlmIcdCoder(["un"], params(folder, **changes), 0, folder)._model(n_labels).eval()
    with torch.no_grad():
        for weight in made.head.parameters():
            weight.mul_(10)
    return made


# --- what is computed -----------------------------------------------------------------------------


def test_label_attention_by_hand() -> None:
    """One hidden unit and label: Z = tanh(2 h), A = softmax(3 Z), logit = 5 A'h + 7."""
    import torch

    from synthfr.coding.label_attention import LabelAttention

    head = LabelAttention(1, 1)
    with torch.no_grad():
        for weight, value in ((head.projection, 2.0), (head.queries, 3.0), (head.output, 5.0)):
            weight.weight.fill_(value)
        head.output.bias.fill_(7.0)
    logits, attention = head(
        torch.tensor([[[0.0], [0.5], [9.0]]]), torch.tensor([[1, 1, 0]]).bool()
    )
    raw = np.exp([0.0, 3 * np.tanh(1.0)])
    expected = raw / raw.sum()
    assert attention[0, 0].tolist() == pytest.approx([*expected, 0.0])
    assert logits.item() == pytest.approx(5 * 0.5 * expected[1] + 7)
    everywhere, _ = head(torch.tensor([[[0.0], [0.5], [9.0]]]), None)  # the control
    assert everywhere.item() != pytest.approx(logits.item())


def test_cross_attention_by_hand() -> None:
    """Two hidden units: scores are q . k, and the normed values are +-1 whatever their size."""
    import torch

    from synthfr.coding.label_attention import CrossAttention

    head = CrossAttention(2, 1)
    with torch.no_grad():
        for layer in (head.keys, head.values):
            layer.weight.copy_(torch.eye(2))
        head.values.bias.zero_()
        head.queries.copy_(torch.tensor([[2.0, 0.0]]))
        head.output.weight.copy_(torch.tensor([[3.0, 1.0]]))
        head.output.bias.fill_(0.5)
    states = torch.tensor([[[1.0, 0.0], [0.0, 5.0]]])
    logits, attention = head(states, torch.ones(1, 2).bool())
    first = np.exp(2) / (np.exp(2) + 1)
    assert attention[0, 0].tolist() == pytest.approx([first, 1 - first])
    assert first > 5 * (1 - first)  # so the norm has + at the first unit and - at the second
    assert logits.item() == pytest.approx(3 - 1 + 0.5, abs=1e-3)


def test_heads_begin_narrow() -> None:
    import torch

    from synthfr.coding.label_attention import HEADS

    torch.manual_seed(0)
    for head in HEADS.values():
        made = dict(head(64, 50).named_parameters())
        for name in ("queries.weight", "queries", "output.weight", "keys.weight"):
            if name in made and made[name].numel() > 1000:
                assert made[name].std().item() == pytest.approx(0.03, rel=0.1)


@pytest.mark.parametrize("model", ["modernbert", "camembert", "decoder"])
def test_chunks_are_read_one_by_one(model: str, request: pytest.FixtureRequest) -> None:
    """The states are those of the encoder over each chunk alone, without padding."""
    import torch

    from synthfr.coding.label_attention import collate

    made = network(request.getfixturevalue(model))
    ids = np.random.default_rng(0).integers(4, 20, 150).tolist()
    with torch.no_grad():
        alone = [
            made.encoder(input_ids=torch.tensor([ids[at : at + 64]])).last_hidden_state[0]
            for at in (0, 64, 128)
        ]
        expected, _ = made.head(torch.cat(alone)[None], None)
        found = made(**collate([ids], 64, 0))["logits"]
        whole = made.encoder(input_ids=torch.tensor([ids[:100]])).last_hidden_state[0]
    assert torch.allclose(found, expected, atol=2e-5)
    assert not torch.allclose(whole[64:], alone[1][:36], atol=1e-4)  # the control


@pytest.mark.parametrize("head", ["label_attention", "cross_attention"])
@pytest.mark.parametrize("model", ["modernbert", "camembert", "decoder"])
def test_neither_batch_nor_padding_changes_logits(
    model: str, head: str, request: pytest.FixtureRequest
) -> None:
    import torch

    from synthfr.coding.label_attention import collate

    made = network(request.getfixturevalue(model), head=head)
    draw = np.random.default_rng(0).integers
    reports = [draw(4, 20, int(n)).tolist() for n in (1, 30, 64, 65, 200)]
    padding = made.encoder.config.pad_token_id
    with torch.no_grad():
        together = made(**collate(reports, 64, padding))["logits"]
        for row, ids in enumerate(reports):
            alone, attention = made.read(**collate([ids], 64, padding))
            longer = made(**collate([ids], 64, padding, least_tokens=400))["logits"]
            other = made(**collate([ids], 64, 7, least_tokens=400))["logits"]
            for found in (alone, longer, other):
                assert torch.allclose(found[0], together[row], atol=2e-5)
            assert attention[0, :, : len(ids)].sum(dim=1).tolist() == pytest.approx([1.0] * 3)
    assert together.std(dim=0).min() > 1e-2  # the control: reports differ


def test_published_padding_takes_part(camembert: Path) -> None:
    import torch

    from synthfr.coding.label_attention import collate

    ids = np.random.default_rng(0).integers(4, 20, 30).tolist()
    made, published = network(camembert), network(camembert, published=True)
    with torch.no_grad():
        short, long = (collate([ids], 64, 0, least_tokens=n) for n in (0, 200))
        assert torch.allclose(made(**short)["logits"], made(**long)["logits"], atol=1e-5)
        differing = published(**short)["logits"] - published(**long)["logits"]
        assert differing.abs().min() > 1e-3
        _, attention = published.read(**long)
        assert attention[0, :, 30:].sum() > 0.1
        # without padding the two are one
        whole = collate([ids + ids + ids[:4]], 64, 0)
        assert torch.allclose(made(**whole)["logits"], published(**whole)["logits"], atol=1e-5)


def test_a_softmax_in_half_precision_is_in_float32(modernbert: Path) -> None:
    import torch

    from synthfr.coding.label_attention import LabelAttention

    head, states = LabelAttention(8, 2).bfloat16(), torch.randn(1, 600, 8).bfloat16()
    logits, attention = head(states, torch.ones(1, 600).bool())
    assert logits.dtype == attention.dtype == torch.float32
    assert attention.sum(dim=2).flatten().tolist() == pytest.approx([1.0, 1.0], abs=1e-5)


# --- what is learnt -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "model", "how", "least"),
    [
        ("tfidf", None, {"char_ngrams": [3, 5], "calibration": "platt"}, 0.9),
        pytest.param(
            *("encoder", "modernbert", {"epochs": 10}, 0.6), marks=pytest.mark.long
        ),  # its own tests have the like of it
        ("plm_icd", "modernbert", {"epochs": 8, "chunk_tokens": 64}, 0.65),
        pytest.param(
            *("plm_icd", "camembert", {"epochs": 16, "head": "cross_attention"}, 0.65),
            marks=pytest.mark.long,
        ),
    ],
)
def test_every_coder_beats_the_prior_and_loses_that_with_permuted_labels(
    kind: str,
    model: str | None,
    how: dict[str, Any],
    least: float,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    if model is not None:
        quick = {name: QUICK[name] for name in QUICK if name != "chunk_tokens"}
        how = quick | {"model": str(request.getfixturevalue(model))} | how
    settings = CoderSettings.model_validate({"kind": kind, kind: how})
    found, prior = triggers.judged(settings, tmp_path / "useful")
    useless, _ = triggers.judged(settings, tmp_path / "useless", permuted=True)
    assert found > least > prior + 0.2
    assert useless < prior + 0.15


TEXTS, TRUTH = triggers.reports(40, seed=3)
TEXTS = [" ".join(text.split()[:70]) for text in TEXTS]


def scored(folder: Path, scratch: Path, keep: Path | None = None, **changes: Any) -> np.ndarray:
    made = PlmIcdCoder(TEXTS, params(folder, epochs=2, **changes), 0, scratch, keep)
    watched = Validation(np.arange(24, 32), TRUTH[24:32])
    return made.scores(np.arange(24), TRUTH[:24], np.arange(32, 40), watched)


def test_the_same_twice_and_read_from_scratch(camembert: Path, tmp_path: Path) -> None:
    one = scored(camembert, tmp_path / "a")
    assert one.shape == (8, 3) and np.isfinite(one).all()
    assert np.array_equal(one, scored(camembert, tmp_path / "b"))
    (kept,) = (tmp_path / "a").glob("*.npy")
    np.save(kept, np.zeros_like(one))
    assert not scored(camembert, tmp_path / "a").any()
    other = scored(camembert, tmp_path / "a", selection="loss", learning_rate=0.001)  # the control
    assert not np.array_equal(one, other)


class Killed(Exception):
    """What a run that is killed ends with, here."""


def run(folder: Path, scratch: Path, kill_at: int | None = None, **how: Any) -> Any:
    """Scores, the evaluations' steps and figures, and the norms of the gradients as they are taken;
    killed before the step `kill_at`.
    """
    from transformers import TrainerCallback

    from synthfr import resume

    class Kill(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == kill_at:
                raise Killed

        def on_pre_optimizer_step(self, *args: Any, model: Any, **kwargs: Any) -> None:
            squares = [(one.grad**2).sum() for one in model.parameters() if one.grad is not None]
            gradients.append(float(sum(squares)) ** 0.5)

    gradients: list[float] = []
    seen: dict[str, Any] = {}
    train = resume.train

    def watched(trainer: Any, place: Path) -> None:
        trainer.add_callback(Kill())
        train(trainer, place)
        name = trainer.args.metric_for_best_model
        rows = [entry for entry in trainer.state.log_history if name in entry]
        seen["evaluated"] = [(entry["step"], entry[name]) for entry in rows]
        seen["best"] = trainer.state.best_global_step
        seen["norm"] = trainer.args.max_grad_norm

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resume, "train", watched)
        made = PlmIcdCoder(TEXTS, params(folder, **how), 0, scratch)
        contrary = Validation(np.arange(24, 32), ~TRUTH[24:32])  # no later evaluation is better
        scores = made.scores(np.arange(24), TRUTH[:24], np.arange(32, 40), contrary)
    return scores, seen, gradients


@pytest.mark.slow
def test_killed_and_resumed_is_the_same(camembert: Path, tmp_path: Path) -> None:
    how = {"epochs": 6, "patience": 3, "selection": "micro_f1", "learning_rate": 0.01}
    whole, seen, norms = run(camembert, tmp_path / "whole", **how)
    assert seen["norm"] == 1.0 and max(norms) <= 1 + 1e-5  # they were cut
    for kill_at in (4, 8):
        scratch = tmp_path / str(kill_at)
        with pytest.raises(Killed):
            run(camembert, scratch, kill_at, **how)
        again, resumed, _ = run(camembert, scratch, **how)
        assert resumed == seen and np.array_equal(again, whole)
    other, _, _ = run(camembert, tmp_path / "other", **how | {"epochs": 2})  # the control
    assert not np.array_equal(other, whole)


@pytest.mark.slow
@pytest.mark.parametrize("selection", ["loss", "map", "micro_f1", "precision_at_8"])
def test_the_selection_is_what_the_parameter_says(
    modernbert: Path, tmp_path: Path, selection: str
) -> None:
    _, seen, _ = run(modernbert, tmp_path, selection=selection, epochs=4, patience=2)
    figures = [figure for _, figure in seen["evaluated"]]
    best = min(figures) if selection == "loss" else max(figures)
    at = figures.index(best)
    assert seen["best"] == seen["evaluated"][at][0]
    assert len(figures) == min(4, at + 1 + 2)


def test_accumulated_batches_are_one_batch(modernbert: Path, tmp_path: Path) -> None:
    def first_gradient(name: str, **how: Any) -> float:
        """Its norm, before the first step."""
        _, _, norms = run(modernbert, tmp_path / name, epochs=1, max_gradient_norm=100.0, **how)
        return norms[0]

    whole = first_gradient("a")
    assert first_gradient("b", device_batch_size=2) == pytest.approx(whole, rel=0.02)
    other = first_gradient("c", batch_size=2, device_batch_size=2)  # the control
    assert other != pytest.approx(whole, rel=0.02)


# --- the words behind a code ----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("head", ["label_attention", "cross_attention"])
def test_evidence_points_to_the_trigger(modernbert: Path, tmp_path: Path, head: str) -> None:
    texts, truth = triggers.reports(160, seed=5)
    texts = [" ".join(text.split()[:60]) for text in texts]
    truth = np.array([[phrase in text for phrase in triggers.PHRASES.values()] for text in texts])
    how = params(modernbert, head=head, epochs=25, learning_rate=0.005, selection="loss")
    made = PlmIcdCoder(texts, how, 0, tmp_path / "scratch", tmp_path / "kept")
    rows = np.arange(120, 160)
    scores = made.scores(np.arange(120), truth[:120], rows, Validation(rows, truth[rows]))
    assert made.kept is not None
    coder = trained.load(made.kept, triggers.LABELS)
    assert np.allclose(coder.scores([texts[row] for row in rows]), scores, atol=1e-4)

    def share(label: int, row: int) -> float:
        """Attention that lies on the label's two words, as a multiple of what chance puts there."""
        found = coder.evidence(texts[row], triggers.LABELS[label])
        assert [texts[row][one.start : one.end] for one in found] == texts[row].split()
        assert sum(one.weight for one in found) <= 1 + 1e-5
        words = triggers.PHRASES[triggers.LABELS[label]].split()
        on = sum(one.weight for one in found if texts[row][one.start : one.end] in words)
        return on / (2 / len(found))

    marked = [share(label, row) for label in range(3) for row in rows if truth[row, label]]
    assert np.median(marked) > 3
    # the control: words of other codes
    crossed = [
        share((label + 1) % 3, row)
        for label in range(3)
        for row in rows
        if truth[row, label] and not truth[row, (label + 1) % 3]
    ]
    assert np.allclose(crossed, 0)


def test_what_is_kept_is_whole(camembert: Path, tmp_path: Path) -> None:
    first = scored(camembert, tmp_path / "scratch")
    again = scored(camembert, tmp_path / "scratch", tmp_path / "kept")  # trained for its weights
    assert np.array_equal(first, again)
    (folder,) = (tmp_path / "kept").iterdir()
    assert not [file for file in folder.rglob("*") if file.suffix in (".bin", ".pt", ".pkl")]
    coder = trained.load(folder, triggers.LABELS)
    assert np.allclose(coder.scores(TEXTS[32:40]), first, atol=1e-4)
    with pytest.raises(UserError, match="holds a coder of 3 labels, and 2 are named"):
        trained.load(folder, triggers.LABELS[:2])
    with pytest.raises(UserError, match="has no label Z99"):
        coder.evidence("patient", "Z99")
    with pytest.raises(UserError, match=r"coder\.json is missing"):
        trained.load(tmp_path, triggers.LABELS)


# --- bad input ------------------------------------------------------------------------------------


def test_labels_with_one_report_with_none_and_with_all(modernbert: Path, tmp_path: Path) -> None:
    truth = np.zeros((24, 4), dtype=bool)
    truth[0, 0], truth[:, 2] = True, True
    truth[:, 3] = TRUTH[:24, 0]
    made = PlmIcdCoder(TEXTS, params(modernbert, epochs=1), 0, tmp_path)
    unlabelled = Validation(np.arange(24, 32), np.zeros((8, 4), dtype=bool))  # nothing to select by
    scores = made.scores(np.arange(24), truth, np.arange(32, 40), unlabelled)
    assert np.isfinite(scores[:, [0, 3]]).all()
    assert np.isneginf(scores[:, 1]).all() and np.isposinf(scores[:, 2]).all()


def test_a_text_of_white_space_is_coded(decoder: Path, tmp_path: Path) -> None:
    texts = [*TEXTS[:8], ""]
    made = PlmIcdCoder(texts, params(decoder, epochs=1), 0, tmp_path, tmp_path / "kept")
    assert np.isfinite(made.scores(np.arange(8), TRUTH[:8], np.arange(7, 9))).all()
    assert made.kept is not None
    assert trained.load(made.kept, triggers.LABELS).evidence("", "I10") == []


def test_models_that_do_not_fit_are_refused(
    modernbert: Path, camembert: Path, tmp_path: Path
) -> None:
    import shutil

    from transformers import AutoTokenizer, T5Config, T5EncoderModel

    def refused(folder: Path, sentence: str, **changes: Any) -> None:
        with pytest.raises(UserError, match=sentence):
            made = PlmIcdCoder(TEXTS, params(folder, **changes), 0, tmp_path / "scratch")
            made.scores(np.arange(8), TRUTH[:8], np.arange(8, 10))

    bare = tmp_path / "bare"
    shutil.copytree(modernbert, bare)
    for file in bare.glob("tokenizer*"):
        file.unlink()
    refused(bare, r"plm_icd\.model: .* has no tokenizer that can be loaded")
    unpadded = tmp_path / "unpadded"
    shutil.copytree(modernbert, unpadded)
    tokenizer = AutoTokenizer.from_pretrained(unpadded)
    tokenizer.pad_token = None
    tokenizer.save_pretrained(unpadded)
    refused(unpadded, "has no padding token")
    weightless = tmp_path / "weightless"
    shutil.copytree(modernbert, weightless)
    (weightless / "model.safetensors").unlink()
    refused(weightless, "cannot be loaded as an encoder")
    refused(camembert, "chunk_tokens is 130, and .* reads 129 tokens at most", chunk_tokens=130)
    both = tmp_path / "both"
    shutil.copytree(modernbert, both)
    sizes = {"vocab_size": 40, "d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2}
    T5EncoderModel(T5Config(**sizes, is_encoder_decoder=True)).save_pretrained(both)
    refused(both, "encoder with a decoder behind it")


@pytest.mark.parametrize("where", ["synthfr.resume.train", "transformers.Trainer.__init__"])
@pytest.mark.parametrize(
    ("settings", "section"),
    [(PlmIcdSettings, "classify.coder.plm_icd"), (TrainCoder, "train_coder")],
)
def test_too_little_memory_is_told_by_the_section_that_asked(
    settings: type[PlmIcdSettings],
    section: str,
    where: str,
    modernbert: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("of 80 GiB none is free")

    how = settings.model_validate({"model": str(modernbert), **QUICK, "layers": None})
    monkeypatch.setattr(where, full)
    made = PlmIcdCoder(TEXTS, how, 0, tmp_path)
    with pytest.raises(UserError) as error:
        made.scores(np.arange(8), TRUTH[:8], np.arange(8, 10))
    first, _, _ = section.partition(".")
    assert str(error.value) == (
        f"{first}: the GPU's memory does not hold the model and 8 reports at once: lower "
        f"{section}.device_batch_size, or name a smaller model."
    )


def test_settings_that_contradict_are_refused() -> None:
    with pytest.raises(ValueError, match="published: true is how label_attention's"):
        PlmIcdSettings(published=True, head="cross_attention")
    with pytest.raises(ValueError, match="batch_size 16 must be a multiple of device_batch_size 5"):
        PlmIcdSettings(device_batch_size=5)
    with pytest.raises(ValueError, match=r"kind 'plm_icd' wants plm_icd\.model"):
        CoderSettings(kind="plm_icd")
    assert CoderSettings(kind="plm_icd", plm_icd=PlmIcdSettings(model="x")).fine_tuned is not None
