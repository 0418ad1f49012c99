"""The transformers engine against transformers' own generate, and what a report may depend on."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from synthfr.engines import Completion, Request, stream
from synthfr.engines.transformers.transformers_engine import TransformersEngine
from synthfr.errors import UserError
from synthfr.models import Policy
from tests import tiny

PROMPTS = [
    "Patient de 67 ans",
    "fièvre",
    "Mots-clés : hypertension artérielle, diabète de type 2",
    "fièvre",
    "é",
]


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy(tiny.model(), tiny.tokenizer(), ())


def requests(n: int = 12, **sampling: Any) -> list[Request]:
    given = {"temperature": 0.9, "max_new_tokens": 20} | sampling
    return [Request(f"r{i}", PROMPTS[i % len(PROMPTS)], seed=i, **given) for i in range(n)]


def write(policy: Policy, asked: list[Request], batch_size: int = 8) -> dict[str, Completion]:
    return {done.id: done for done in TransformersEngine(policy, batch_size).generate(asked)}


def architectures() -> dict[str, Any]:
    import transformers as t

    common: dict[str, Any] = {
        "vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128,
        "initializer_range": 0.3, "eos_token_id": 0, "pad_token_id": 1, "bos_token_id": None,
    }  # fmt: skip
    ends = {"vocab_size": 300, "eos_token_id": 0, "bos_token_id": None, "initializer_range": 0.3}
    return {
        "grouped queries": t.Qwen3Config(**common, head_dim=8),
        "sliding window": t.MistralConfig(**common, sliding_window=8),
        "learnt positions": t.GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=128, **ends),
        "ALiBi, no registry": t.BloomConfig(hidden_size=32, n_layer=2, n_head=4, **ends),
    }


@pytest.mark.parametrize(
    "name", ["grouped queries", "sliding window", "learnt positions", "ALiBi, no registry"]
)
def test_greedy_text_is_that_of_generate(name: str) -> None:
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    tokenizer, model = tiny.tokenizer(), AutoModelForCausalLM.from_config(architectures()[name])
    model.generation_config.eos_token_id, model.generation_config.pad_token_id = 0, 1
    written = write(Policy(model.eval(), tokenizer, ()), requests(5, temperature=0))
    for number, prompt in enumerate(PROMPTS):
        ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
        full = model.generate(ids, do_sample=False, max_new_tokens=20)[0]
        expected = tokenizer.decode(full[ids.shape[1] :], skip_special_tokens=True)
        assert written[f"r{number}"].text == expected


def test_a_report_depends_on_its_request_alone(policy: Policy) -> None:
    asked = requests()
    together = write(policy, asked)
    assert write(policy, asked[::-1]) == together
    assert write(policy, asked, batch_size=3) == together
    assert write(policy, [asked[4]]) == {"r4": together["r4"]}


def test_another_seed_or_temperature_is_another_report(policy: Policy) -> None:
    asked = requests()
    texts = [done.text for _, done in sorted(write(policy, asked).items())]
    assert texts[1] != texts[6]  # the same prompt, another seed
    reseeded = write(policy, [replace(one, seed=one.seed + 99) for one in asked])
    warmer = write(policy, [replace(one, temperature=1.3) for one in asked])
    for other in (reseeded, warmer):
        assert [done.text for _, done in sorted(other.items())] != texts


def test_one_batch_holds_any_mix_of_sampling(policy: Policy) -> None:
    mixed = [
        replace(one, temperature=(0.0, 0.7, 1.1)[i % 3], top_p=(1.0, 0.8)[i % 2], top_k=5 * (i % 4))
        for i, one in enumerate(requests())
    ]
    together = write(policy, mixed)
    for one in mixed:
        done = together[one.id]
        assert (done.seed, done.temperature, done.top_p) == (one.seed, one.temperature, one.top_p)
        assert write(policy, [one])[one.id] == done


def test_ends_and_limits(policy: Policy) -> None:
    done = write(policy, requests(40, max_new_tokens=60)).values()
    stopped = [one for one in done if one.finish_reason == "stop"]
    cut = [one for one in done if one.finish_reason == "length"]
    assert stopped and cut
    assert all(one.n_tokens < 60 for one in stopped)
    assert all(one.n_tokens == 60 for one in cut)
    assert not any("<|endoftext|>" in one.text for one in done)
    mixed = [replace(one, max_new_tokens=i + 1) for i, one in enumerate(requests(6, temperature=0))]
    assert all(write(policy, mixed)[f"r{i}"].n_tokens <= i + 1 for i in range(6))


def test_the_context_limits_a_report() -> None:
    policy = Policy(tiny.model(context=24), tiny.tokenizer(), ())
    prompt = PROMPTS[0]
    taken = len(policy.tokenizer(prompt)["input_ids"])
    one = Request("r", prompt, 0, 0.0, max_new_tokens=99)
    assert write(policy, [one])["r"].n_tokens <= 24 - taken
    with pytest.raises(
        UserError, match=r"of private-id has .* tokens, the model's context"
    ) as told:
        write(policy, [replace(one, id="private-id", prompt="amoxicilline " * 30)])
    assert "amoxicilline" not in str(told.value)


def test_an_empty_prompt_is_refused(policy: Policy) -> None:
    with pytest.raises(UserError, match="prompt of r7 is empty"):
        write(policy, [Request("r7", "", 0, 1.0)])
    assert write(policy, []) == {}


def test_streamed_pieces_are_the_report(policy: Policy) -> None:
    most = 0
    for one in requests(6, max_new_tokens=40):
        pieces = list(stream(policy, one.prompt, seed=one.seed, temperature=0.9, max_new_tokens=40))
        assert "".join(pieces) == write(policy, [one])[one.id].text
        most = max(most, len(pieces))
    assert most > 1


def test_what_cannot_be_run_is_refused(policy: Policy) -> None:
    class Recurrent(torch.nn.Linear):
        generation_config, device, config = (
            policy.model.generation_config,
            "cpu",
            tiny.model().config,
        )

        def forward(self, input_ids: Any, cache_params: Any = None) -> Any:
            return None

    with pytest.raises(UserError, match="Recurrent keeps no keys and values"):
        write(Policy(Recurrent(2, 2), policy.tokenizer, ()), requests(1))
