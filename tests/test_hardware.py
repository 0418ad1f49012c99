"""What a machine cannot do is said before the work, in one sentence."""

import os
from pathlib import Path

import pytest

from synthfr import hardware
from synthfr.errors import UserError


def test_memory() -> None:
    free = hardware.available_memory()
    assert 2**28 < free < 2**45
    hardware.check_memory(2**20, "this test", "nothing")
    with pytest.raises(UserError, match=r"^this test takes at least .* GiB are free: buy more\.$"):
        hardware.check_memory(2**50, "this test", "buy more")


def test_a_control_group_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path
    (folder / "memory.max").write_text("1000000\n")
    (folder / "memory.current").write_text("400000\n")
    monkeypatch.setattr(hardware, "_CGROUP", folder)
    assert hardware.available_memory() == 600_000
    (folder / "memory.max").write_text("max\n")
    assert hardware.available_memory() > 600_000


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "gpu_memory", list)
    hardware.require_device("auto")
    with pytest.raises(UserError, match=r"runtime\.device is 'cuda'.*set runtime\.device to auto"):
        hardware.require_device("cuda")
    monkeypatch.setattr(hardware, "gpu_memory", lambda: [80 * 2**30])
    hardware.require_device("cuda")
    with pytest.raises(UserError, match=r"GPU memory, and the GPU has 80\.0 GiB: use another"):
        hardware.check_gpu_memory(2**40, "the model", "use another")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    hardware.require_device("cpu")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
