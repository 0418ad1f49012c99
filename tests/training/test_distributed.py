"""Trainings in two processes: the same curves, resumed, and mistakes in one line."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from synthfr import resume
from synthfr.errors import UserError
from synthfr.training import handover, processes
from synthfr.training.dpo import DpoJob
from synthfr.training.job import Job
from synthfr.training.launch import train
from synthfr.training.sft import SftJob
from tests.training import small

TWO = {"distributed": {"processes": 2, "strategy": "ddp"}, "device_batch_size": 2}


def _job(kind: str, base: Path, scratch: Path, **changes: Any) -> Job:
    scratch.mkdir(exist_ok=True)
    common: dict[str, Any] = {
        "step": "step0",
        "base": base,
        "adapters": [],
        "seed": 0,
        "scratch": scratch,
        "merged": scratch.parent / "merged",
    }
    if kind == "sft":
        return SftJob(rows=small.reports(), params=small.sft_params(**changes), **common)
    params = small.dpo_params(**changes)
    return DpoJob(rows=small.pairs(), params=params, round_=small.round_(), **common)


def test_a_job_goes_through_its_folder(base: Path, tmp_path: Path) -> None:
    jobs = {
        "sft": _job("sft", base, tmp_path / "sft", **TWO),
        "taught": replace(_job("sft", base, tmp_path / "taught"), teacher=small.teacher(3)),
        "dpo": replace(_job("dpo", base, tmp_path / "dpo", beta=1 / 3), adapters=[base]),
    }
    for job in jobs.values():
        handover.write_job(job)
        again = handover.read_job(job.scratch)
        assert type(again) is type(job)
        for field in fields(job):
            before, after = getattr(job, field.name), getattr(again, field.name)
            if before is not None and field.name in job.TABLES:
                before, after = (one.to_json(orient="records") for one in (before, after))
            assert before == after, field.name


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_two_processes_train_as_one(kind: str, base: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    alone = train(_job(kind, base, tmp_path / "one", device_batch_size=2), tmp_path / "alone")
    together = train(_job(kind, base, tmp_path / "two", **TWO), tmp_path / "together")
    for one, other in zip(alone.history, together.history, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-4)
    assert alone.metrics["rows"] == together.metrics["rows"]
    weights = [
        load_file(tmp_path / name / "adapter_model.safetensors") for name in ("alone", "together")
    ]
    for name, weight in weights[0].items():
        assert weight.sub(weights[1][name]).abs().max() < 1e-4
    assert (tmp_path / "together" / "lineage.json").is_file()


@pytest.mark.long
@pytest.mark.slow
def test_killed_and_resumed(base: Path, tmp_path: Path) -> None:
    straight = train(_job("sft", base, tmp_path / "straight", **TWO), tmp_path / "a")
    job = _job("sft", base, tmp_path / "killed", **TWO)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.training.test_distributed", str(base), str(job.scratch)],
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    ) as process:
        complete = job.scratch / "checkpoint-6" / resume.COMPLETE
        deadline = time.monotonic() + 120
        while not complete.exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.01)
        process.kill()  # its processes notice by themselves
    assert process.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 20
    while _workers(job.scratch) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not _workers(job.scratch)
    # in the middle of an epoch that is not the first; they may have got further before they noticed
    shutil.rmtree(job.scratch / "checkpoint-8", ignore_errors=True)
    last = resume.last_checkpoint(job.scratch)
    assert last is not None and last.name == "checkpoint-6"
    resumed = train(job, tmp_path / "b")
    assert resumed == straight
    files = [tmp_path / name / "adapter_model.safetensors" for name in ("a", "b")]
    assert files[0].read_bytes() == files[1].read_bytes()


def _workers(scratch: Path) -> list[str]:
    """Processes that still work on `scratch`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "synthfr.training.worker" in command and str(scratch) in command:
            found.append(process.name)
    return found


@pytest.mark.long
@pytest.mark.slow
def test_a_mistake_in_a_process_is_one_sentence(
    base: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    job = _job("sft", base, tmp_path / "scratch", **TWO, max_length=8)
    with pytest.raises(UserError, match=r"^sft\.max_length: 8 tokens .*'r00'.*max_keywords\.$"):
        train(job, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert "Traceback" not in capfd.readouterr().err


def test_the_shipped_configurations_are_what_the_libraries_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """FSDP's by transformers and accelerate, DeepSpeed's by transformers' own reader of it."""
    from accelerate.utils import FullyShardedDataParallelPlugin
    from accelerate.utils.deepspeed import HfDeepSpeedConfig
    from transformers import TrainingArguments

    monkeypatch.setenv("ACCELERATE_USE_FSDP", "false")  # reading sets it
    fsdp = processes.arguments(processes.Distributed(processes=2, strategy="fsdp"))
    read = TrainingArguments(str(tmp_path), use_cpu=True, **fsdp)
    plugin = FullyShardedDataParallelPlugin(**read._process_fsdp_args())
    assert plugin.fsdp_version == 2 and plugin.reshard_after_forward is True
    assert "FULL_STATE_DICT" in str(plugin.state_dict_type)
    with pytest.raises((TypeError, ValueError)):  # the control: not everything is taken
        FullyShardedDataParallelPlugin(auto_wrap_policy="SOMETHING", fsdp_version=2)

    deepspeed = processes.arguments(processes.Distributed(processes=2, strategy="deepspeed"))
    config = HfDeepSpeedConfig(deepspeed["deepspeed"])
    assert config.is_zero2() and not config.is_zero3()
    assert processes.arguments(processes.Distributed(processes=1, strategy="fsdp")) == {}


def test_a_split_adapter_is_saved_whole(base: Path, tmp_path: Path) -> None:
    """FSDP splits on GPUs only: here torch's own sharding over one process."""
    import torch
    from peft import LoraConfig, get_peft_model
    from safetensors.torch import load_file
    from torch.distributed.fsdp import fully_shard

    from synthfr.models import load_policy, save_adapter

    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1
    )
    try:
        config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear")
        model = get_peft_model(load_policy(base, []).model, config)
        before = {name: one.clone() for name, one in model.state_dict().items()}
        fully_shard(model, mesh=torch.distributed.device_mesh.init_device_mesh("cpu", (1,)))

        class Trainer:
            is_fsdp_enabled = True
            accelerator: Any

            def __init__(self) -> None:
                self.model = self.accelerator = model
                self.accelerator = self

            def unwrap_model(self, one: Any) -> Any:
                return one

        save_adapter(processes.whole_model(Trainer()), tmp_path / "out", "step0", None, base, None)
    finally:
        torch.distributed.destroy_process_group()
    written = load_file(tmp_path / "out" / "adapter_model.safetensors")
    assert written and all("lora_" in name for name in written)
    for name, weight in written.items():
        assert torch.equal(weight, before[name.replace(".weight", ".default.weight")])


if __name__ == "__main__":
    small.slowed()
    train(_job("sft", Path(sys.argv[1]), Path(sys.argv[2]), **TWO), Path(sys.argv[2]) / "out")
    os._exit(0)
