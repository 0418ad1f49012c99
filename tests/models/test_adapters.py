"""Adapters: their order, their fitness, and merging against peft's own attached adapters."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from synthfr.disk import digest_tree, read_json, write_json
from synthfr.errors import UserError
from synthfr.models import adapter_chain, load_policy, read_lineage
from synthfr.models.adapters import compose, merge_adapters
from tests import tiny


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, and steps whose names sort otherwise than they descend."""
    models = tmp_path_factory.mktemp("models")
    base = tiny.base(models / "base")
    tiny.adapter(models / "step0", base, "step0", seed=1)
    tiny.adapter(models / "zeta", base, "zeta", models / "step0", seed=2)
    tiny.adapter(models / "alpha", base, "alpha", models / "zeta", seed=3)
    return models


@pytest.fixture
def models(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "models"))


def names(chain: list[Path]) -> list[str]:
    return [folder.name for folder in chain]


def edit(adapter: Path, **changed: Any) -> None:
    write_json(adapter / "lineage.json", asdict(replace(read_lineage(adapter), **changed)))


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        result: torch.Tensor = model(torch.arange(2, 40)[None]).logits
    return result


def test_the_chain_follows_parents_not_names(made: Path) -> None:
    assert names(adapter_chain(made, "alpha")) == ["step0", "zeta", "alpha"]
    assert names(adapter_chain(made, "step0")) == ["step0"]
    assert adapter_chain(made, "base") == []  # the bare base has none


def test_lineage_names_base_and_parent(made: Path) -> None:
    lineage = read_lineage(made / "zeta")
    assert (lineage.step, lineage.parent) == ("zeta", "step0")
    assert lineage.base_digest == read_json(made / "base/provenance.json")["digest"]
    assert lineage.parent_digest == digest_tree(made / "step0")
    policy = load_policy(made / "base", adapter_chain(made, "zeta"))
    assert (policy.step, len(policy.lineage)) == ("zeta", 2)
    assert load_policy(made / "base", []).step is None


def test_merging_is_adding_each_adapters_product(made: Path) -> None:
    from safetensors.torch import load_file

    chain = adapter_chain(made, "alpha")
    name = "model.layers.1.mlp.down_proj"
    weight = load_policy(made / "base", []).model.get_parameter(f"{name}.weight").detach().clone()
    for folder in chain:
        config = read_json(folder / "adapter_config.json")
        stored = load_file(folder / "adapter_model.safetensors")
        a, b = (stored[f"base_model.model.{name}.lora_{x}.weight"] for x in "AB")
        weight += config["lora_alpha"] / config["r"] * (b @ a)
    merged = load_policy(made / "base", chain).model
    torch.testing.assert_close(merged.get_parameter(f"{name}.weight").detach(), weight)
    assert merged.dtype == torch.float32
    assert not any("lora" in key for key in merged.state_dict())


def test_a_merged_adapter_is_the_attached_one(made: Path) -> None:
    from peft import PeftModel

    chain = adapter_chain(made, "zeta")
    merged = logits(load_policy(made / "base", chain).model)
    attached = PeftModel.from_pretrained(load_policy(made / "base", chain[:1]).model, chain[1])
    torch.testing.assert_close(merged, logits(attached), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(
        merged, logits(load_policy(made / "base", chain[:1]).model), atol=1e-2
    )


def test_the_same_adapter_is_the_same_bytes(models: Path) -> None:
    again = tiny.adapter(models / "again", models / "base", "step0", seed=1)
    assert digest_tree(again) == digest_tree(models / "step0")
    assert sorted(file.name for file in again.iterdir()) == [
        "README.md", "adapter_config.json", "adapter_model.safetensors", "lineage.json",
    ]  # fmt: skip
    config = (again / "adapter_config.json").read_text()
    assert str(models) not in config  # no path of the machine it was made on
    assert '"base_model_name_or_path": null' in config


def test_another_base_is_told(models: Path) -> None:
    other = tiny.base(models / "other", seed=9)
    with pytest.raises(UserError, match="step0 was made for another base model"):
        load_policy(other, adapter_chain(models, "step0"))


def test_another_parent_is_told(models: Path) -> None:
    tiny.adapter(models / "step0", models / "base", "step0", seed=7)
    with pytest.raises(UserError, match=r"zeta was trained on another adapter than .*step0"):
        load_policy(models / "base", adapter_chain(models, "alpha"))
    with pytest.raises(UserError, match="zeta was trained on an adapter, not on the bare base"):
        load_policy(models / "base", [models / "zeta"])


def test_a_missing_adapter_is_told(models: Path) -> None:
    with pytest.raises(UserError, match=r"nothing is no complete adapter .*dvc repro"):
        adapter_chain(models, "nothing")
    (models / "zeta/adapter_model.safetensors").unlink()
    with pytest.raises(UserError, match=r"zeta is no .* \(adapter_model\.safetensors is missing\)"):
        adapter_chain(models, "alpha")


def test_a_loop_or_a_moved_adapter_is_told(models: Path) -> None:
    edit(models / "step0", parent="alpha")
    with pytest.raises(UserError, match="descend from one another in a loop"):
        adapter_chain(models, "zeta")
    edit(models / "step0", parent=None, step="step9")
    with pytest.raises(UserError, match="step0 holds the adapter of step 'step9'"):
        adapter_chain(models, "zeta")
    write_json(models / "step0/lineage.json", {"step": "step0"})
    with pytest.raises(UserError, match="other fields than a lineage"):
        adapter_chain(models, "zeta")


def test_an_adapter_of_another_shape_is_told(models: Path) -> None:
    from safetensors.torch import load_file, save_file

    file = models / "step0/adapter_model.safetensors"
    save_file({name: weight[:, :-1].clone() for name, weight in load_file(file).items()}, file)
    with pytest.raises(UserError, match="step0 does not fit the model"):
        load_policy(models / "base", [models / "step0"])


def test_a_base_without_a_model_is_told(models: Path) -> None:
    with pytest.raises(UserError, match="nowhere is missing or is no base model"):
        load_policy(models / "nowhere", [])
    config = models / "base/config.json"
    text = config.read_text().replace("qwen3", "wxyz3").replace("Qwen3", "Wxyz3")
    config.write_text(text)
    with pytest.raises(UserError, match="holds no causal language model"):
        load_policy(models / "base", [])


def attached(base: Path, adapter: Path) -> Any:
    from peft import PeftModel

    return PeftModel.from_pretrained(load_policy(base, []).model, str(adapter)).eval()


def test_a_composed_adapter_is_the_chain(made: Path, tmp_path: Path) -> None:
    chain = adapter_chain(made, "alpha")
    compose(chain, tmp_path / "whole")
    config = read_json(tmp_path / "whole/adapter_config.json")
    assert config["r"] == config["lora_alpha"] == 12  # three of rank 4
    merged = logits(load_policy(made / "base", chain).model)
    composed = logits(attached(made / "base", tmp_path / "whole"))
    torch.testing.assert_close(composed, merged, atol=1e-4, rtol=1e-4)
    compose(chain[:2], tmp_path / "part")
    assert not torch.allclose(logits(attached(made / "base", tmp_path / "part")), merged, atol=1e-2)


def test_a_composed_product_is_the_scaled_sum(made: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    chain = adapter_chain(made, "zeta")
    compose(chain, tmp_path / "whole")
    name = "base_model.model.model.layers.0.self_attn.v_proj"
    a, b = (f"{name}.lora_{x}.weight" for x in "AB")
    parts = [load_file(folder / "adapter_model.safetensors") for folder in chain]
    whole = load_file(tmp_path / "whole/adapter_model.safetensors")
    assert (whole[a].shape, whole[b].shape) == ((8, 32), (16, 8))
    torch.testing.assert_close(whole[b] @ whole[a], sum(2 * part[b] @ part[a] for part in parts))
    torch.testing.assert_close(whole[a][:4], parts[0][a])


def test_a_module_that_one_adapter_leaves_alone(models: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    chain = [models / "step0", models / "zeta"]
    file = chain[1] / "adapter_model.safetensors"
    kept = {name: w for name, w in load_file(file).items() if ".layers.1." not in name}
    save_file(kept, file)
    write_json(
        chain[1] / "adapter_config.json",
        read_json(chain[1] / "adapter_config.json") | {"r": 4, "lora_alpha": 4, "use_rslora": True},
    )
    compose(chain, tmp_path / "whole")
    stored = load_file(tmp_path / "whole/adapter_model.safetensors")
    name = "base_model.model.model.layers.1.mlp.up_proj.lora_{}.weight"
    assert stored[name.format("A")].shape == (8, 32)
    assert not stored[name.format("A")][4:].any() and not stored[name.format("B")][:, 4:].any()
    merged = merge_adapters(load_policy(models / "base", []).model, chain)
    composed = logits(attached(models / "base", tmp_path / "whole"))
    torch.testing.assert_close(composed, logits(merged), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"use_dora": True}, "it has use_dora"),
        ({"rank_pattern": {"q_proj": 2}}, "it has rank_pattern"),
        ({"bias": "all"}, "it has bias"),
    ],
)
def test_an_adapter_that_is_no_plain_product_is_told(
    models: Path, tmp_path: Path, changed: dict[str, Any], told: str
) -> None:
    config = models / "step0/adapter_config.json"
    write_json(config, read_json(config) | changed)
    with pytest.raises(UserError, match=f"step0 cannot be joined .*{told}.* to merged"):
        compose([models / "step0"], tmp_path / "whole")
    assert not (tmp_path / "whole").exists()


def test_end_tokens_may_be_one_or_many() -> None:
    from types import SimpleNamespace

    from synthfr.models import end_tokens

    tokenizer = SimpleNamespace(eos_token_id=2)
    configured = (None, 3, [4, 3], 2)
    found = [end_tokens(SimpleNamespace(eos_token_id=one), tokenizer) for one in configured]
    assert found == [[2], [2, 3], [2, 3, 4], [2]]
