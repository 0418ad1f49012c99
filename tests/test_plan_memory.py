"""Memory: formulas against what autograd keeps, verdicts by hand, and the shipped profiles on the
machines that they name.
"""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from synthfr import hardware
from synthfr.coding.plm_icd import PlmIcdSettings
from synthfr.disk import read_yaml
from synthfr.models import architecture
from synthfr.models.architecture import Architecture
from synthfr.pipeline import prefetch, profiles
from synthfr.pipeline.cli import app
from synthfr.pipeline.findings import Weight
from synthfr.pipeline.parameters import Params, load_params, parse
from synthfr.pipeline.plan import costs, here, memory, training_memory, writing_memory
from synthfr.pipeline.plan.memory import GB, Need, Unknown
from synthfr.pipeline.plan.verdicts import SIZES_GB, Verdict, changed, verdict, verdicts
from synthfr.training.common import Lora

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "profiles"
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
COUNTED = {"four": 4, "a": 1, "one": 1}


def profile(name: str) -> Params:
    return parse(profiles.merged(ROOT / "params.yaml", FOLDER / f"{name}.yaml"), name)


def needed(stage: str, params: Params, gpu_bytes: float = 80 * GB) -> Need:
    made = memory.need(stage, params, gpu_bytes)
    assert isinstance(made, Need)
    return made


def told(stage: str, params: Params, gpu_bytes: float) -> Verdict:
    made = verdict(stage, params, gpu_bytes)
    assert isinstance(made, Verdict)
    return made


def kept(model: Any, precision: str, tokens: tuple[int, int], *, masked: bool = False) -> float:
    """Bytes a token that autograd keeps for the backward pass, weights and their copies aside.
    `masked`: the model wants to be told that no token is padding.
    """
    import torch

    found: dict[int, tuple[int, Any]] = {}

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        found.setdefault(storage.data_ptr(), (storage.nbytes(), tensor))
        return tensor

    shapes = {tuple(one.shape) for one in model.parameters()}
    shapes |= {shape[::-1] for shape in shapes}
    weights = {one.untyped_storage().data_ptr() for one in model.parameters()}
    ids = torch.randint(1, 100, tokens)
    cast = torch.autocast("cpu", torch.bfloat16) if precision == "bfloat16" else nullcontext()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), cast:
        model(input_ids=ids, **({"attention_mask": torch.ones_like(ids)} if masked else {}))
    kinds = [(n_bytes, one) for place, (n_bytes, one) in found.items() if place not in weights]
    counted = [n_bytes for n_bytes, one in kinds if tuple(one.shape) not in shapes]
    return sum(counted) / (tokens[0] * tokens[1])


def decoder(family: str, precision: str, targets: Any, layers: int, checkpointing: bool) -> Any:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    config = AutoConfig.for_model(
        family, vocab_size=128, hidden_size=64, intermediate_size=160, num_hidden_layers=layers,
        num_attention_heads=8, num_key_value_heads=4, head_dim=16, max_position_embeddings=256,
        tie_word_embeddings=True, pad_token_id=0, eos_token_id=0, bos_token_id=None,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config).to(getattr(torch, precision))
    lora = get_peft_model(model, LoraConfig(r=4, target_modules=targets, task_type="CAUSAL_LM"))
    if checkpointing:
        lora.enable_input_require_grads()
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return lora.train().base_model.model.model  # without the head, which has a formula of its own


@pytest.mark.parametrize("targets", [ATTENTION, "all-linear"], ids=["attention", "all"])
@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
@pytest.mark.parametrize("family", ["qwen3", "llama"])
def test_a_layer_keeps_what_the_formula_says(family: str, precision: str, targets: Any) -> None:
    """A layer's share: three layers less two. Measured: exact to a byte a token in these cases."""
    models = [decoder(family, precision, targets, n, False) for n in (2, 3)]
    size = Architecture.from_config(models[0].config.to_dict())
    assert size is not None
    two, three = (kept(model, precision, (2, 97)) for model in models)
    lora = Lora(r=4, target_modules=targets)
    b = 2 if precision == "bfloat16" else 4
    expected = training_memory.decoder_layer(size, lora, b)
    assert three - two == pytest.approx(expected, rel=0.001)
    # controls: other modules, another precision
    others = Lora(r=4, target_modules=["q_proj"])
    assert training_memory.decoder_layer(size, others, b) != pytest.approx(expected, rel=0.005)
    assert training_memory.decoder_layer(size, lora, 6 - b) != pytest.approx(expected, rel=0.2)


def test_checkpointing_keeps_a_layers_input() -> None:
    models = [decoder("qwen3", "bfloat16", ATTENTION, n, True) for n in (2, 3)]
    two, three = (kept(model, "bfloat16", (2, 97)) for model in models)
    assert three - two == pytest.approx(2 * 64, rel=0.001)


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_a_layer_of_modernbert_keeps_what_the_formula_says(precision: str) -> None:
    from transformers import AutoConfig, AutoModel

    sums, size = [], None
    for layers in (2, 3):
        config = AutoConfig.for_model(
            "modernbert", vocab_size=128, hidden_size=64, intermediate_size=160,
            num_hidden_layers=layers, num_attention_heads=8, max_position_embeddings=256,
            global_attn_every_n_layers=1, pad_token_id=0, eos_token_id=1, bos_token_id=1,
            cls_token_id=1, sep_token_id=1,
        )  # fmt: skip
        size = Architecture.from_config(config.to_dict())
        sums.append(kept(AutoModel.from_config(config).train(), precision, (2, 97)))
    assert size is not None
    expected = training_memory.encoder_layer(size, 2 if precision == "bfloat16" else 4)
    assert sums[1] - sums[0] == pytest.approx(expected, rel=0.001)


def test_training_by_hand() -> None:
    """4B on two texts of 100 tokens, checkpointed: 36 inputs of 2 560 numbers, one whole layer."""
    params = profile("qwen3-4b")
    params = changed(params, {"sft.max_length": 100, "sft.device_batch_size": 2})
    parts = needed("sft", params).parts
    assert parts["weights"] == 2 * 4_022_468_096
    assert parts["adapter"] == 23_592_960 * (16 + 2)
    layer = 2 * (4 * 2560 + 4) + 4 * (4096 + 1024) + 4 * 40 + 2 * 2 * (4096 + 1024) + 4 * 32
    layer += 6 * 9728 + 2 * (3 * 2560 + 4096) + 2 * 4 * 32
    going_back = 6 * 9728 + 12 * 2560 + 4 * 4096
    head = 200 * 2560 * 8 + 200 * 32768 * 2
    sum_ = 200 * (36 * 2 * 2560 + layer + going_back) + head
    assert parts["activations"] == pytest.approx(1.1 * sum_)
    # what costs more, costs more; what is split, less
    plain = changed(params, {"sft.gradient_checkpointing": False})
    assert needed("sft", plain).parts["activations"] > 10 * parts["activations"] / 2
    assert (
        needed("dpo", changed(params, {"dpo.max_length": 100})).total > needed("sft", params).total
    )
    four_bits = changed(params, {"sft.quantisation": "nf4"})
    assert needed("sft", four_bits).parts["weights"] < parts["weights"] / 2
    split = {"sft.distributed.processes": 4, "sft.distributed.strategy": "fsdp"}
    assert needed("sft", changed(params, split)).parts["weights"] < parts["weights"] / 2


def test_the_judge_of_the_publication_by_hand() -> None:
    """48 layers x 4 heads x 128 x 2 x 2 bytes = 98 304 a token; 262 144 of them are 24 GiB."""
    params = profile("qwen3-4b")
    whole = changed(params, {"engines.vllm.judge.max_model_len": 262_144})
    need = needed("judge", whole)
    assert need.parts["cache of one text"] == (262_144 + 16) * 98_304
    assert need.parts["weights"] == pytest.approx(61.06e9, rel=1e-3)
    made = told("judge", whole, 80 * GB)
    assert not made.fits and made.changes == {"engines.vllm.judge.max_model_len": 3840}
    assert made.sentence == "does not fit: set engines.vllm.judge.max_model_len to 3840"
    assert told("judge", changed(whole, made.changes), 80 * GB).fits
    assert told("judge", params, 80 * GB).fits
    # weights and cache over two GPUs; heads are not split further than there are
    two = needed("judge", changed(whole, {"engines.vllm.judge.tensor_parallel": 2}))
    assert two.parts["weights"] == need.parts["weights"] / 2
    eight = needed("judge", changed(whole, {"engines.vllm.judge.tensor_parallel": 8}))
    assert eight.parts["cache of one text"] == need.parts["cache of one text"] / 4


def test_a_context_that_holds_no_question_is_told() -> None:
    pairwise = changed(profile("qwen3-4b"), {"judge.kind": "pairwise"})
    made = told("judge", pairwise, 80 * GB)
    assert made.sentence == (
        "has a context of 4,096 tokens, too short for 6,640: "
        "set engines.vllm.judge.max_model_len to 6656"
    )
    assert told("judge", changed(pairwise, made.changes), 80 * GB).fits


def test_every_change_that_is_proposed_makes_it_fit() -> None:
    proposed = 0
    for name in profiles.names(FOLDER):
        params = profile(name)
        for size in (*SIZES_GB, 16, 8):
            for one in verdicts(params, size * GB):
                assert isinstance(one, Verdict)
                if one.changes:
                    proposed += 1
                    assert not one.fits
                    mended = changed(params, one.changes)
                    assert told(one.need.stage, mended, size * GB).fits
                    for name_, value in one.changes.items():
                        assert f"{name_} to {value}".lower() in one.sentence.lower()
    assert proposed > 10


def test_what_nothing_helps_is_told() -> None:
    made = told("judge", profile("qwen3-4b"), 6 * GB)
    assert not made.changes
    assert "whatever is changed: choose a smaller model (judge.model)" in made.sentence


def test_an_unknown_model_is_not_guessed() -> None:
    params = changed(profile("qwen3-4b"), {"judge.model": "nobody/nothing@0"})
    assert verdict("judge", params, 80 * GB) == Unknown("judge", "nobody/nothing@0")
    served = changed(params, {"judge.engine": "openai"})
    assert verdict("judge", served, 80 * GB) is None


def machine(name: str) -> tuple[int, float]:
    """GPUs, and GB of each, as the profile's header has them."""
    header = " ".join(profiles.header(FOLDER / f"{name}.yaml"))
    found = re.search(r"Assumes +(a|one|four) GPUs? with (\d+) GB", header)
    assert found, f"{name} names no machine"
    return COUNTED[found[1]], float(found[2])


@pytest.mark.parametrize("name", [one for one in profiles.names(FOLDER) if one != "smoke"])
def test_every_profile_fits_the_machine_that_it_names(name: str) -> None:
    gpus, size = machine(name)
    made = verdicts(profile(name), size * GB)
    assert {one.need.stage for one in made if isinstance(one, Verdict)} >= {"sft", "dpo"}
    for one in made:
        assert isinstance(one, Verdict) and one.fits, one
        assert one.need.gpus in (1, gpus)
    assert max(one.need.gpus for one in made if isinstance(one, Verdict)) == gpus


@pytest.mark.parametrize("name", ["qwen3-4b", "qwen3-4b-x4"])
def test_slurm_is_asked_for_the_gpus_that_a_stage_takes(name: str) -> None:
    stages = read_yaml(ROOT / f"slurm/resources.{name}.yaml")["stages"]
    for one in verdicts(profile(name), 80 * GB):
        assert isinstance(one, Verdict)
        assert stages[one.need.stage]["gpus"] == one.need.gpus


def test_profiles_do_not_fit_every_machine() -> None:
    for name, size in (("qwen3-4b", 24), ("qwen3-4b", 48), ("llama-3.1-8b", 24)):
        assert any(
            isinstance(one, Verdict) and not one.fits for one in verdicts(profile(name), size * GB)
        )
    for name in ("qwen3-0.6b", "smoke"):
        assert all(isinstance(one, Verdict) and one.fits for one in verdicts(profile(name), 8 * GB))


def test_a_judge_of_4b_fits_beside_the_smallest_base() -> None:
    judge = "Qwen/Qwen3-4B-Instruct-2507@cdbee75f17c01a7cc42f958dc650907174af0554"
    wanted = {"judge.kind": "score", "judge.model": judge, "judge.engine": "vllm"}
    params = changed(profile("qwen3-0.6b"), wanted)
    mended = told("judge", params, 24 * GB)
    assert mended.changes == {"engines.vllm.judge.max_model_len": 2304}
    assert told("judge", changed(params, mended.changes), 24 * GB).fits
    assert not told("judge", changed(params, mended.changes), 8 * GB).fits


def test_four_gpus_change_nothing_but_how_the_work_is_spread() -> None:
    spread = re.compile(
        r"engines\.vllm(\.judge)?\.(data|tensor)_parallel"
        r"|(sft|dpo)\.(device_batch_size|distributed\.processes)"
    )
    one, four = (flat(profile(name).model_dump()) for name in ("qwen3-4b", "qwen3-4b-x4"))
    differing = {name for name in one if one[name] != four[name]}
    assert differing and all(spread.fullmatch(name) for name in differing), differing


def flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in values.items():
        inner = isinstance(value, dict)
        made |= flat(value, f"{before}{name}.") if inner else {f"{before}{name}": value}
    return made


def test_the_command_tells_and_refuses() -> None:
    run = CliRunner().invoke
    fits = run(app, ["plan", "--profile", "qwen3-4b", "--gpu-gb", "80"])
    assert fits.exit_code == 0, fits.output
    small = run(app, ["plan", "--profile", "qwen3-4b", "--gpu-gb", "24"])
    assert small.exit_code == 1
    assert "set classify.coder.encoder.device_batch_size to 4" in small.output
    every = run(app, ["plan", "--profile", "qwen3-4b"])
    assert every.exit_code == 0
    for size in SIZES_GB:
        assert re.search(rf"\b{size}( GB|,)", every.output)
    assert run(app, ["profile", "plan"]).exit_code != 0  # its former name is no second way


def test_doctor_refuses_what_does_not_fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    params = tmp_path / "params.yaml"
    params.write_bytes((ROOT / "params.yaml").read_bytes())
    profiles.apply(params, FOLDER / "qwen3-4b-x4.yaml")

    def stops(*cards: int) -> list[str]:
        monkeypatch.setattr(hardware, "gpu_memory", lambda: list(cards))
        return [one.text for one in here.findings() if one.weight == Weight.STOP]

    assert stops(*[80 * 2**30] * 4) == []
    assert stops() == []  # no GPU here: this may be a login node
    assert any(
        text.startswith("sft asks for 4 GPUs, this machine has 1") for text in stops(80 * GB)
    )
    small = stops(*[24 * GB] * 4)
    assert len(small) == 2 and all(
        "24 GB of GPU memory are here: it does not fit: set" in text for text in small
    )
    params.write_text(params.read_text().replace("device: cuda", "device: cpu"))
    assert stops(24 * GB) == []


def test_the_embedded_default_loads_nothing_large() -> None:
    params = load_params(ROOT / "params.yaml")
    assert [one.need.stage for one in verdicts(params, 8 * GB) if isinstance(one, Verdict)] == [
        "sft", "generate", "dpo", "synthesize", "train_coder", "reference_coder",
    ]  # fmt: skip
    assert all(isinstance(one, Verdict) and one.fits for one in verdicts(params, 4 * GB))
    size = architecture.shipped("Qwen/Qwen3-0.6B")
    assert size is not None and writing_memory.vllm_cache(size, 17, 2) == size.kv_cache(48, 2)


def test_a_coder_in_chunks_is_planned_as_the_encoder_is() -> None:
    """Its reports may be longer than the model's context; smaller batches are its remedy too."""
    encoder = profile("qwen3-4b")
    data = encoder.model_dump()
    coder = data["classify"]["coder"]
    coder["kind"] = "plm_icd"
    coder["plm_icd"] |= {"model": coder["encoder"]["model"], "max_length": 10_000}
    chunked = parse(data, "params.yaml")
    named = {one.where: one.reference for one in prefetch.wanted(chunked)}
    assert named["classify.coder.plm_icd.model"] == coder["encoder"]["model"]
    assert "classify.coder.encoder.model" not in named
    assert [line.stage for line in costs.plan(chunked)].count("classify") == 1

    def remedy(params: Params, gpu_gb: int) -> list[str]:
        found = verdict("classify", params, gpu_gb * GB)
        assert isinstance(found, Verdict)
        return list(found.changes)

    assert "classify.coder.plm_icd.device_batch_size" in remedy(chunked, 48)
    assert "classify.coder.encoder.device_batch_size" in remedy(encoder, 24)
    longer = changed(chunked, {"classify.coder.plm_icd.max_length": 20_000})
    kept = [needed("classify", one).parts["activations"] for one in (chunked, longer)]
    assert kept[1] == pytest.approx(2 * kept[0])
    linear = changed(chunked, {"classify.coder.kind": "tfidf"})  # the control
    assert memory.need("classify", linear, 24 * GB) is None


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
@pytest.mark.parametrize("family", ["qwen3", "llama"])
def test_a_decoder_trained_as_a_whole_keeps_what_the_formula_says(
    family: str, precision: str
) -> None:
    models = [decoder_as_a_whole(family, layers) for layers in (2, 3)]
    size = Architecture.from_config(models[0].config.to_dict())
    assert size is not None
    two, three = (kept(model, precision, (2, 97)) for model in models)
    b = 2 if precision == "bfloat16" else 4
    expected = training_memory.whole_decoder_layer(size, b)
    assert three - two == pytest.approx(expected, rel=0.001)
    # the controls: another precision; the formula of an encoder
    assert training_memory.whole_decoder_layer(size, 6 - b) != pytest.approx(expected, rel=0.2)
    assert training_memory.encoder_layer(size, b) != pytest.approx(expected, rel=0.02)


def decoder_as_a_whole(family: str, layers: int) -> Any:
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.for_model(
        family, vocab_size=128, hidden_size=64, intermediate_size=160, num_hidden_layers=layers,
        num_attention_heads=8, num_key_value_heads=4, head_dim=16, max_position_embeddings=256,
        pad_token_id=0, eos_token_id=0, bos_token_id=None, use_cache=False,
    )  # fmt: skip
    return AutoModel.from_config(config).train()


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
@pytest.mark.parametrize("head", ["label_attention", "cross_attention"])
def test_plm_icd_keeps_and_weighs_what_the_formula_says(head: Any, precision: str) -> None:
    """The whole network, of a decoder, over two reports of four chunks."""
    from synthfr.coding.label_attention import PlmIcd

    n_labels, b = 300, 2 if precision == "bfloat16" else 4
    encoder = decoder_as_a_whole("qwen3", 2)
    size = Architecture.from_config(encoder.config.to_dict() | {"tie_word_embeddings": True})
    assert size is not None
    network = PlmIcd(encoder, head, n_labels, 64, published=False).train()
    how = PlmIcdSettings(head=head)
    weights = size.parameters + training_memory.head_weights(how, size.hidden, n_labels)
    assert weights == sum(one.numel() for one in network.parameters())
    found = kept(network, precision, (2, 256), masked=True)
    expected = 2 * training_memory.whole_decoder_layer(size, b)
    expected += training_memory.label_head(head, size.hidden, n_labels, b)
    assert found == pytest.approx(expected, rel=0.04)
    fewer = training_memory.label_head(head, size.hidden, 30, b)  # the control
    layers = 2 * training_memory.whole_decoder_layer(size, b)
    assert found != pytest.approx(layers + fewer, rel=0.05)


def test_the_kept_coder_by_hand() -> None:
    """The shipped base's first layer, 8 reports of 6 000 tokens, 30 codes, float32."""
    params = load_params(ROOT / "params.yaml")
    need = needed("train_coder", params)
    weights = 3114 * 192 + 442_816 + 192 + 192 * 192 + 2 * 30 * 192 + 30
    assert need.parts["weights"] == 4 * weights
    assert need.parts["gradients and Adam"] == 12 * weights
    layer = 2 * (8 * 192 + 4) + 8 * (192 + 96) + 4 * (6 + 3) + 4 * 192 * 2
    layer += 4 * (2 * 192 + 2 * 96) + 4 * 6 + 16 * 576
    head = 2 * 4 * 192 + 4 * 30 + 12 * 192
    going_back = 12 * 576 + 12 * 192
    assert need.parts["activations"] == pytest.approx(48_000 * (layer + head + going_back) * 1.1)
    assert needed("reference_coder", params).parts == need.parts
    # more layers, more; smaller batches, less; whole chunks, a little more where padding is read
    deeper = needed("train_coder", changed(params, {"train_coder.layers": None}))
    assert deeper.parts["weights"] == 4 * (weights + 3 * 442_816)
    half = needed("train_coder", changed(params, {"train_coder.device_batch_size": 4}))
    assert half.parts["activations"] == pytest.approx(need.parts["activations"] / 2)
    published = needed("train_coder", changed(params, {"train_coder.published": True}))
    assert published.parts["activations"] == pytest.approx(
        need.parts["activations"] * 47 * 128 / 6000
    )
    longer = needed("train_coder", changed(params, {"train_coder.chunk_tokens": 256}))
    assert longer.parts == need.parts
    for stage in ("train_coder", "reference_coder"):  # the control
        assert memory.need(stage, changed(params, {"train_coder.seeds": []}), 80 * GB) is None


def test_a_kept_coder_that_does_not_fit_is_told_its_own_parameters() -> None:
    """A base of 4B made a coder as a whole: half precision and small batches are not enough."""
    made = changed(profile("qwen3-4b"), {"train_coder.seeds": [0], "train_coder.layers": 4})
    verdict_ = told("train_coder", made, 24 * GB)
    assert verdict_.need.model.startswith("Qwen/Qwen3-4B")
    assert set(verdict_.changes) == {"train_coder.precision", "train_coder.device_batch_size"}
    assert told("train_coder", changed(made, verdict_.changes), 24 * GB).fits
    whole = told("reference_coder", changed(made, {"train_coder.layers": None}), 24 * GB)
    assert whole.sentence.endswith(
        "choose a smaller model (train_coder.model, or fewer train_coder.layers)"
    )
    other = changed(made, {"train_coder.model": "nobody/nothing"})
    assert verdict("train_coder", other, 80 * GB) == Unknown("train_coder", "nobody/nothing")
