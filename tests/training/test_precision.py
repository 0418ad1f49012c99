"""bfloat16, gradient checkpointing, 4 bits, Liger: what changes, what must not, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthfr.errors import UserError
from synthfr.training import requirements
from tests import tiny
from tests.training import small

Plain = Callable[[str], Any]


@pytest.mark.parametrize("batching", ["padded", "padding_free"])
@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_bfloat16(kind: str, batching: str, base: Path, tmp_path: Path, plain: Plain) -> None:
    import torch

    exact = plain(kind)
    half = small.train(kind, base, tmp_path, precision="bfloat16", batching=batching)
    dtypes = {name: weight.dtype for name, weight in half.model.named_parameters()}
    adapter = {dtype for name, dtype in dtypes.items() if "lora_" in name}
    assert adapter == {torch.float32}
    assert {dtype for name, dtype in dtypes.items() if "lora_" not in name} == {torch.bfloat16}
    last = (exact.history[-1]["loss"], half.history[-1]["loss"])
    assert last[0] == pytest.approx(last[1], abs=0.3) and last[0] != last[1]
    if kind == "dpo":
        assert half.metrics["start"]["loss"] == pytest.approx(0.6931, abs=1e-2)


@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_gradient_checkpointing_changes_no_loss(
    kind: str, base: Path, tmp_path: Path, plain: Plain
) -> None:
    again = small.train(kind, base, tmp_path, gradient_checkpointing=True, batching="padding_free")
    losses = [[row["loss"] for row in one.history[1:]] for one in (plain(kind), again)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    assert losses[0][0] == pytest.approx(losses[1][0], abs=1e-5)


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let torch show so many GPUs."""
    import torch

    def show(n: int) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: n > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: n)

    show(0)
    return show


MANY = {"batch_size": 8, "device_batch_size": 2}


@pytest.mark.parametrize(
    ("changes", "without_gpu", "package"),
    [
        ({"liger": True}, "sft.liger needs a GPU", "liger_kernel"),
        ({"quantisation": "nf4"}, "sft.quantisation needs a GPU", "bitsandbytes"),
        (
            {"distributed": {"processes": 2, "strategy": "deepspeed"}, **MANY},
            "strategy deepspeed needs a GPU",
            "deepspeed",
        ),
        ({"distributed": {"processes": 2, "strategy": "fsdp"}, **MANY}, "fsdp needs a GPU", None),
    ],
)
def test_what_is_not_there_is_said_at_once(
    changes: dict[str, Any],
    without_gpu: str,
    package: str | None,
    gpus: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    params = small.sft_params(**changes)
    with pytest.raises(UserError, match=without_gpu):
        requirements.check(params)
    gpus(2)
    if package is None:
        requirements.check(params)
        return
    monkeypatch.setattr(requirements, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=rf"needs the package {package}: `pip install 'synthfr\["):
        requirements.check(params)
    monkeypatch.setattr(requirements, "find_spec", lambda name: object())
    requirements.check(params)


def test_fewer_gpus_than_processes(gpus: Any) -> None:
    params = small.dpo_params(distributed={"processes": 4, "strategy": "ddp"}, device_batch_size=1)
    requirements.check(params)  # on the CPU any number
    gpus(2)
    with pytest.raises(UserError, match=r"dpo\.distributed\.processes: 4 processes .* shows 2"):
        requirements.check(params)
    with pytest.raises(UserError, match="4 bits are not split"):
        requirements.check(
            small.sft_params(
                distributed={"processes": 2, "strategy": "fsdp"}, quantisation="nf4", **MANY
            )
        )


def test_the_plain_training_wants_nothing(gpus: Any) -> None:
    requirements.check(small.sft_params())


def test_liger_reaches_the_trainer(base: Path, tmp_path: Path, monkeypatch: Any) -> None:
    from synthfr.training import common

    plan = common.Schedule.plan(16, 2, small.sft_params())
    how: dict[str, Any] = {"epochs": 2, "learning_rate": 0.1, "seed": 0, "validates": False}
    for wanted in (True, False):
        arguments = common.trainer_arguments(
            small.sft_params(liger=wanted), plan, scratch=tmp_path, **how
        )
        assert arguments["use_liger_kernel"] is wanted


def test_quantisation_is_nf4_twice_over() -> None:
    import torch

    from synthfr.training import quantised

    config = quantised.config()
    assert config.load_in_4bit and config.bnb_4bit_quant_type == "nf4"
    assert config.bnb_4bit_use_double_quant
    assert config.bnb_4bit_compute_dtype == torch.bfloat16
    assert json.loads(json.dumps(config.to_diff_dict()))["load_in_4bit"] is True


def test_quantised_policy_is_the_merged_one(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without bitsandbytes, unquantised: the weights that would be quantised are base + adapter."""
    import torch
    import transformers

    from synthfr import models
    from synthfr.training import quantised

    step0 = tiny.adapter(tmp_path / "step0", base, "step0")
    files = models.policy_files(base, [step0])
    load = transformers.AutoModelForCausalLM.from_pretrained
    asked: dict[str, Any] = {}

    def unquantised(folder: Path, **how: Any) -> Any:
        if quantisation := how.pop("quantization_config", None):
            asked["quantisation"] = quantisation
        return load(folder, **how | {"dtype": torch.float32})

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", unquantised)
    policy = quantised.load(files, tmp_path / "merged")
    assert asked["quantisation"].bnb_4bit_quant_type == "nf4"
    monkeypatch.undo()
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        merged, bare = (models.load_policy(base, chain) for chain in ([step0], []))
        theirs = policy.model(ids).logits
        assert torch.allclose(theirs, merged.model(ids).logits, atol=1e-4)
        assert not torch.allclose(theirs, bare.model(ids).logits, atol=1e-2)
    assert policy.step == "step0"


@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_qlora_for_real(kind: str, tmp_path: Path) -> None:
    """bitsandbytes has a CPU backend: slow, but the same code as on a GPU."""
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    from synthfr import models
    from synthfr.training import dpo, quantised, sft

    base = tiny.base(tmp_path / "base", hidden=128)  # narrower layers are left unquantised
    step0 = tiny.adapter(tmp_path / "step0", base, "step0")
    policy = quantised.load(models.policy_files(base, [step0]), tmp_path / "merged")
    how = {"precision": "bfloat16", "quantisation": "nf4", "batching": "padding_free"}
    scratch = tmp_path / "scratch"
    if kind == "sft":
        result = sft.train(small.reports(), policy, small.sft_params(**how), 0, scratch)
    else:
        params, round_ = small.dpo_params(**how), small.round_()
        result = dpo.train(small.pairs(), policy, params, round_, 0, scratch)
    assert "Params4bit" in {type(one).__name__ for one in result.model.parameters()}
    assert result.history[-1]["loss"] < result.history[1]["loss"]
    models.save_adapter(result.model, tmp_path / "dpo1", "dpo1", "step0", base, step0)
    assert models.load_policy(base, [step0, tmp_path / "dpo1"]).step == "dpo1"
