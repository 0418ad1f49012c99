"""Published adapters merged into the base: exact against peft, in order, refused where they do not
fit.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from synthfr.disk import read_json, write_json
from synthfr.errors import UserError
from synthfr.models import load_policy, published
from synthfr.models.adapters import compose
from synthfr.models.base import Base, provide, read_provenance
from tests import tiny


def published_adapter(folder: Path, model: Path, seed: int, **lora: Any) -> Path:
    """An adapter as anybody publishes one: peft's own files, no lineage."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    settings = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"]} | lora
    peft_model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32),
        LoraConfig(task_type="CAUSAL_LM", **settings),
    )
    with torch.no_grad():
        for name, weight in peft_model.named_parameters():
            if "lora_B" in name:  # starts at zero: an adapter that changes nothing
                weight.normal_(std=0.1)
    peft_model.save_pretrained(folder)
    edit(folder, base_model_name_or_path="Owner/Base")
    return folder


def edit(adapter: Path, **changed: Any) -> None:
    config = adapter / "adapter_config.json"
    write_json(config, read_json(config) | changed)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in several files, and two adapters of it with different modules, ranks and scales."""
    folder = tmp_path_factory.mktemp("published")
    model = tiny.save_model(folder / "model")
    whole = tiny.model(vocabulary=len(tiny.tokenizer()))
    (model / "model.safetensors").unlink()
    whole.save_pretrained(model, max_shard_size="60KB")
    published_adapter(folder / "a", model, seed=1)
    published_adapter(
        folder / "b", model, seed=2, r=2, lora_alpha=6, use_rslora=True, target_modules="all-linear"
    )
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "published"))


def params(here: Path, *adapters: str, model: str = "model", **more: Any) -> Base:
    folders = [str(here / name) for name in adapters]
    return Base(source="local", path=str(here / model), adapters=folders, **more)


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        result: torch.Tensor = model.eval()(torch.arange(2, 40)[None]).logits
    return result


def by_hand(model: Path, *adapters: Path) -> torch.Tensor:
    """What peft makes of the model when the adapters are merged one after the other."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    whole = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    for adapter in adapters:
        whole = PeftModel.from_pretrained(whole, str(adapter)).merge_and_unload()
    return logits(whole)


def test_the_base_is_what_peft_merges_by_hand(made: Path, tmp_path: Path) -> None:
    assert len(list((made / "model").glob("*.safetensors"))) > 1
    provide(params(made, "a", "b"), tmp_path / "ab")
    ours = logits(load_policy(tmp_path / "ab", []).model)
    torch.testing.assert_close(
        ours, by_hand(made / "model", made / "a", made / "b"), atol=1e-5, rtol=1e-5
    )
    for others in ([made / "a"], [made / "b"], []):  # the control: each of them matters
        assert not torch.allclose(ours, by_hand(made / "model", *others), atol=1e-2)


def test_another_order_is_the_same_model_and_another_base(made: Path, tmp_path: Path) -> None:
    first = provide(params(made, "a", "b"), tmp_path / "ab")
    second = provide(params(made, "b", "a"), tmp_path / "ba")
    torch.testing.assert_close(
        logits(load_policy(tmp_path / "ab", []).model),
        logits(load_policy(tmp_path / "ba", []).model),
        atol=1e-5,
        rtol=1e-5,
    )
    plain = provide(params(made), tmp_path / "plain")
    assert len({first["digest"], second["digest"], plain["digest"]}) == 3
    assert "adapters" not in plain
    assert [one["rank"] for one in first["adapters"]] == [4, 2]
    assert first["adapters"] == second["adapters"][::-1]
    tiny.adapter(tmp_path / "step0", tmp_path / "ab", "step0")
    assert load_policy(tmp_path / "ab", [tmp_path / "step0"]).step == "step0"
    with pytest.raises(UserError, match="step0 was made for another base model"):
        load_policy(tmp_path / "ba", [tmp_path / "step0"])


def test_what_was_merged_is_kept_and_composes(made: Path, tmp_path: Path) -> None:
    """From the bare model and one composed adapter comes the policy on the merged base."""
    provide(params(made), tmp_path / "plain")
    provide(params(made, "a", "b"), tmp_path / "ab")
    step = tiny.adapter(tmp_path / "step0", tmp_path / "ab", "step0")
    assert read_json(step / "adapter_config.json")["base_model_name_or_path"] is None
    assert "merged into it in this order" in (step / "README.md").read_text()
    kept = published.kept_adapters(tmp_path / "ab")
    assert [one.name for one in kept] == ["1", "2"]
    assert published.kept_adapters(tmp_path / "plain") == []
    compose([*kept, step], tmp_path / "whole")
    torch.testing.assert_close(
        by_hand(tmp_path / "plain", tmp_path / "whole"),
        logits(load_policy(tmp_path / "ab", [step]).model),
        atol=1e-4,
        rtol=1e-4,
    )
    (kept[1] / "adapter_config.json").unlink()
    with pytest.raises(UserError, match=r"incomplete: adapters/2/adapter_config\.json"):
        read_provenance(tmp_path / "ab")


def sixteen_bits(model: Path, out: Path) -> Path:
    from transformers import AutoModelForCausalLM

    shutil.copytree(model, out)
    for file in out.glob("*.safetensors*"):
        file.unlink()
    AutoModelForCausalLM.from_pretrained(model, dtype=torch.bfloat16).save_pretrained(out)
    return out


def test_float32_keeps_what_sixteen_bits_would_lose(here: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    sixteen_bits(here / "model", here / "half")
    file = here / "a/adapter_model.safetensors"
    small = {name: weight * 1e-2 for name, weight in load_file(file).items()}
    save_file(small, file)  # an update far below what bfloat16 tells apart
    provide(params(here, model="half"), tmp_path / "bare")
    provide(params(here, "a", model="half"), tmp_path / "exact")
    provide(params(here, "a", model="half", merged_dtype="base"), tmp_path / "rounded")
    name = "model.layers.0.self_attn.q_proj.weight"
    bare, exact, rounded = (
        load_file(tmp_path / kind / "model.safetensors") for kind in ("bare", "exact", "rounded")
    )
    wanted = bare[name].float() + (
        2
        * small[f"base_model.model.{name[:-7]}.lora_B.weight"]
        @ small[f"base_model.model.{name[:-7]}.lora_A.weight"]
    )
    torch.testing.assert_close(exact[name], wanted, atol=0, rtol=1e-7)
    assert rounded[name].dtype == torch.bfloat16
    assert (rounded[name] == bare[name]).float().mean() > 0.5  # lost
    untouched = "model.layers.0.mlp.up_proj.weight"
    assert exact[untouched].dtype == torch.bfloat16  # needs no more room
    torch.testing.assert_close(
        logits(load_policy(tmp_path / "exact", []).model),
        by_hand(here / "half", here / "a"),
        atol=1e-5,
        rtol=1e-5,
    )


def told(here: Path, tmp_path: Path, *adapters: str) -> str:
    """The sentence of a refusal that leaves the base as it was."""
    out = tmp_path / "base"
    provide(params(here), out)
    before = (out / "provenance.json").read_bytes()
    with pytest.raises(UserError) as refused:
        provide(params(here, *adapters), out)
    assert (out / "provenance.json").read_bytes() == before
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_an_adapter_of_another_base_is_told(here: Path, tmp_path: Path) -> None:
    wide = tiny.save_model(here / "wide", hidden=64)
    published_adapter(here / "of_wide", wide, seed=3)
    said = told(here, tmp_path, "a", "of_wide")
    assert (
        "base.adapters[1]: " in said and "of_wide changes model.layers.0.self_attn.q_proj" in said
    )
    assert "one of 64 x 64, and the base's has 32 x 32" in said
    deep = tiny.save_model(here / "deep", layers=3)
    published_adapter(here / "of_deep", deep, seed=3)
    said = told(here, tmp_path, "of_deep")
    assert "changes model.layers.2." in said and "the base has no weight of that name" in said


def test_another_rank_than_said_is_told(here: Path, tmp_path: Path) -> None:
    edit(here / "a", r=8)
    assert "says that its rank is 8, and its weights of model.layers.0" in told(here, tmp_path, "a")


@pytest.mark.parametrize(
    ("changed", "more"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"modules_to_save": ["embed_tokens"]}, "modules_to_save"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights pissa"),
        ({"peft_type": "IA3"}, "peft_type IA3"),
        ({"r": None}, "a configuration without r and lora_alpha"),
    ],
)
def test_what_is_no_plain_lora_is_told(
    here: Path, tmp_path: Path, changed: dict[str, Any], more: str
) -> None:
    edit(here / "a", **changed)
    assert f"is no plain LoRA (it has {more}): merge it" in told(here, tmp_path, "a")


def test_pickled_cut_and_missing_files_are_told(here: Path, tmp_path: Path) -> None:
    assert "it is a whole model, name it as the base" in told(here, tmp_path, "model")
    weights = here / "a/adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    assert "is no complete safetensors file" in told(here, tmp_path, "a")
    weights.rename(here / "a/adapter_model.bin")
    assert "its weights are pickled, which are never read: convert" in told(here, tmp_path, "a")
    (here / "a/adapter_model.bin").unlink()
    assert "has no adapter_model.safetensors: copy" in told(here, tmp_path, "a")
    assert "is neither a folder nor owner/name@commit" in told(here, tmp_path, "nowhere")
    with pytest.raises(
        UserError, match=r"adapters\[0\]: .* as a model of the hub it has no commit"
    ):
        published.find(["owner/name"], allow_download=False)
    with pytest.raises(ValueError, match="is named twice"):
        params(here, "b", "b")


def test_another_base_by_name_is_a_note(made: Path, tmp_path: Path) -> None:
    provenance = provide(params(made, "a"), tmp_path / "base")
    assert published.notes(provenance) == []  # a folder has no name to compare
    assert published.notes(provenance | {"repo_id": "owner/base"}) == []
    (note,) = published.notes(provenance | {"repo_id": "owner/other"})
    assert (
        "base.adapters[0] says that it was trained on Owner/Base, the base is owner/other" in note
    )
