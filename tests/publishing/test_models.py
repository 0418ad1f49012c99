"""A published policy: what others load writes what the step's policy writes."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from synthfr.disk import read_json, write_json
from synthfr.models import adapter_chain, load_policy
from synthfr.models.adapters import compose
from synthfr.models.base import Base, provide
from synthfr.pipeline.cli import app
from tests import tiny
from tests.models.test_published import published_adapter
from tests.publishing.conftest import Publish


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        result: torch.Tensor = model(torch.arange(2, 40)[None]).logits
    return result


@pytest.fixture
def expected(checkout: Path) -> torch.Tensor:
    """Of the step's policy."""
    chain = adapter_chain(checkout / "models", "dpo1")
    return logits(load_policy(checkout / "models/base", chain).model)


@pytest.fixture
def merged(checkout: Path, publish: Publish, tmp_path: Path) -> Path:
    done = publish("--merged", "--dtype", "float32")
    assert done.exit_code == 0, done.output
    return tmp_path / "out"


@pytest.fixture
def adapter(checkout: Path, publish: Publish, tmp_path: Path) -> Path:
    done = publish("--adapter", "--base", str(checkout / "models/base"))
    assert done.exit_code == 0, done.output
    return tmp_path / "out"


def quickstart(folder: Path) -> str:
    """Runs the card's own code in a process of its own, without a network; what it prints."""
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text("utf-8"), re.S)
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:transformers", "-c", code],
        cwd=folder, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "not supported" not in done.stderr
    return done.stdout


def test_merged_weights_are_the_policy(merged: Path, expected: torch.Tensor) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32)
    assert torch.equal(logits(model), expected)


def test_the_published_quickstart_runs_unchanged(merged: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

    tokenizer = AutoTokenizer.from_pretrained(merged)
    model = AutoModelForCausalLM.from_pretrained(merged)
    prompt = (merged / "prompt_template.txt").read_text("utf-8").replace("{keywords}", "HTA")
    generator = pipeline("text-generation", model=model, tokenizer=tokenizer)
    made = generator(prompt, max_new_tokens=8, do_sample=True, top_p=0.9)[0]["generated_text"]
    assert made.startswith(prompt)
    # what is not said is as the step's data set was written, not transformers' top-k of 50
    assert (model.generation_config.top_k, model.generation_config.temperature) == (0, 0.9)


@pytest.mark.parametrize("kind", [pytest.param("merged", marks=pytest.mark.long), "adapter"])
def test_the_cards_own_code_runs_offline(kind: str, request: pytest.FixtureRequest) -> None:
    printed = quickstart(request.getfixturevalue(kind))
    assert printed.startswith("Mots-clés : HTA, pneumonie\n")


def test_the_adapter_is_the_policy_and_the_steps_own_is_not(
    adapter: Path, checkout: Path, expected: torch.Tensor
) -> None:
    from peft import AutoPeftModelForCausalLM, PeftModel

    composed = AutoPeftModelForCausalLM.from_pretrained(adapter, dtype=torch.float32)
    assert torch.allclose(logits(composed), expected, atol=1e-4)
    # negative control: what models/dpo1 alone does to the base, and loads without a word
    alone = PeftModel.from_pretrained(
        load_policy(checkout / "models/base", []).model, str(checkout / "models/dpo1")
    )
    assert (logits(alone) - expected).abs().max() > 0.1


def test_adapters_merged_into_the_base_are_part_of_what_is_published(
    checkout: Path, publish: Publish, tmp_path: Path
) -> None:
    """Others have the base without them (`base.adapters`)."""
    from peft import AutoPeftModelForCausalLM

    plain = tiny.save_model(tmp_path / "plain", seed=7)
    before = published_adapter(tmp_path / "before", plain, seed=8)
    shutil.rmtree(checkout / "models")
    base = checkout / "models/base"
    provide(Base(source="local", path=str(plain), adapters=[str(before)]), base)
    step0 = tiny.adapter(checkout / "models/step0", base, "step0", seed=1)
    tiny.adapter(checkout / "models/dpo1", base, "dpo1", step0, seed=2)
    expected = logits(load_policy(base, adapter_chain(checkout / "models", "dpo1")).model)

    done = publish("--adapter", "--base", str(plain))
    assert done.exit_code == 0, done.output
    composed = AutoPeftModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32)
    assert torch.allclose(logits(composed), expected, atol=1e-4)
    card = (tmp_path / "out/README.md").read_text("utf-8")
    assert "merged into the base: an adapter, not of the hub" in card
    # models/base has them already: an adapter on it has our own steps' alone
    options = ["export", "--step", "dpo1", "--out", str(tmp_path / "served"), "--lora"]
    assert CliRunner().invoke(app, options).exit_code == 0
    served = AutoPeftModelForCausalLM.from_pretrained(tmp_path / "served", dtype=torch.float32)
    assert torch.allclose(logits(served), expected, atol=1e-4)
    # negative control: our own steps' adapters alone, on the base that others have
    compose([step0, checkout / "models/dpo1"], tmp_path / "ours")
    config = read_json(tmp_path / "ours/adapter_config.json")
    write_json(
        tmp_path / "ours/adapter_config.json", config | {"base_model_name_or_path": str(plain)}
    )
    alone = AutoPeftModelForCausalLM.from_pretrained(tmp_path / "ours", dtype=torch.float32)
    assert (logits(alone) - expected).abs().max() > 0.1


def test_an_adapter_names_a_hub_base_and_its_commit(
    checkout: Path, publish: Publish, tmp_path: Path
) -> None:
    card = checkout / "models/base/README.md"
    card.write_text("---\nlicense: other\nlicense_name: llama3.1\nlicense_link: LICENSE\n---\n")
    made = read_json("models/base/provenance.json")
    made |= {"source": "hub", "repo_id": "owner/base", "revision": "c" * 40}
    write_json("models/base/provenance.json", made)
    assert publish("--adapter").exit_code == 0
    config = read_json(tmp_path / "out/adapter_config.json")
    assert (config["base_model_name_or_path"], config["revision"]) == ("owner/base", "c" * 40)
    assert config["target_modules"] == sorted(config["target_modules"])
    from huggingface_hub import ModelCard

    head = ModelCard.load(tmp_path / "out/README.md").data
    assert (head.base_model, head.library_name) == ("owner/base", "peft")
    assert (head.license, head.license_name) == ("other", "llama3.1")


def test_an_adapter_on_a_base_without_a_name_is_refused(
    checkout: Path, publish: Publish, tmp_path: Path
) -> None:
    done = publish("--adapter")
    assert done.exit_code == 1 and "name the base with --base" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_bare_base_has_no_adapter(checkout: Path, publish: Publish) -> None:
    done = publish("--adapter", "--base", "models/base", step="base")
    assert done.exit_code == 1 and "base has no adapter" in done.stderr


@pytest.mark.parametrize("lora", [False, True])
def test_export_writes_the_same_for_a_server(lora: bool, checkout: Path, tmp_path: Path) -> None:
    out = tmp_path / "policy"
    options = ["--lora"] if lora else ["--dtype", "float16"]
    done = CliRunner().invoke(app, ["export", "--step", "dpo1", "--out", str(out), *options])
    assert done.exit_code == 0, done.output
    names = {file.name for file in out.iterdir()}
    weights = "adapter_model.safetensors" if lora else "model.safetensors"
    assert {"README.md", "prompt_template.txt", "tokenizer.json", weights} <= names
    assert {stat.S_IMODE(file.stat().st_mode) for file in out.iterdir()} == {0o644}
    assert ("--max-lora-rank 8" in done.stdout) == lora and "vllm serve" in done.stdout
    if lora:
        base = read_json(out / "adapter_config.json")["base_model_name_or_path"]
        assert Path(base).samefile("models/base")


def test_a_chat_base_is_asked_in_its_chat_form(
    checkout: Path, publish: Publish, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("models/base")
    tokenizer.chat_template = "{% for m in messages %}[{{ m.content }}]{% endfor %}>"
    tokenizer.save_pretrained("models/base")
    made = read_json("models/base/provenance.json")
    for name in made["files"]:
        made["files"][name]["bytes"] = Path("models/base", name).stat().st_size
    write_json("models/base/provenance.json", made | {"chat_template": True})
    assert publish("--merged").exit_code == 0
    printed = quickstart(tmp_path / "out")
    assert '"role": "user"' in (tmp_path / "out/README.md").read_text("utf-8")
    assert "HTA, pneumonie" in printed and "assistant" in printed
