"""Answers by a schema: always valid, chosen as the model would among what is allowed, and nothing
changed for reports without one.
"""

import json
import sys
from dataclasses import replace
from typing import Any

import pytest
import torch

from synthfr.engines import Completion, Request
from synthfr.engines.structured import Schemas
from synthfr.engines.transformers.transformers_engine import TransformersEngine
from synthfr.errors import UserError
from synthfr.models import Policy
from tests import tiny

PROMPTS = ["Patient de 67 ans", "fièvre", "Mots-clés : hypertension artérielle", "é"]
VERDICT = json.dumps(
    {
        "type": "object",
        "properties": {"better": {"type": "string", "enum": ["A", "B", "equal"]}},
        "required": ["better"],
        "additionalProperties": False,
    }
)
GRADES = json.dumps(
    {
        "type": "object",
        "properties": {
            name: {"type": "integer", "minimum": 0, "maximum": 10} for name in ("x", "y")
        },
        "required": ["x", "y"],
        "additionalProperties": False,
    }
)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy(tiny.model(), tiny.tokenizer(), ())


def requests(n: int = 16, **given: Any) -> list[Request]:
    plain = {"temperature": 1.0, "max_new_tokens": 40} | given
    return [Request(f"r{i}", PROMPTS[i % len(PROMPTS)], seed=i, **plain) for i in range(n)]


def write(policy: Policy, asked: list[Request], batch_size: int = 8) -> dict[str, Completion]:
    return {done.id: done for done in TransformersEngine(policy, batch_size).generate(asked)}


def parses(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("temperature", [0.0, 0.7, 2.0])
def test_every_answer_follows_the_schema(policy: Policy, temperature: float) -> None:
    asked = requests(temperature=temperature, json_schema=GRADES)
    for done in write(policy, asked).values():
        answer = json.loads(done.text)
        assert list(answer) == ["x", "y"]
        assert all(type(value) is int and 0 <= value <= 10 for value in answer.values())
        assert done.finish_reason == "stop"
    # the control: what the same model says of its own accord
    free = write(policy, [replace(one, json_schema=None) for one in asked])
    assert not any(parses(done.text) for done in free.values())


def test_sampling_chooses_among_all_that_is_allowed(policy: Policy) -> None:
    asked = requests(120, temperature=2.0, json_schema=VERDICT)
    texts = {done.text for done in write(policy, asked, 60).values()}
    assert texts == {f'{{"better": "{one}"}}' for one in ("A", "B", "equal")}


def test_a_greedy_answer_is_that_of_generate(policy: Policy) -> None:
    """Oracle: transformers' own generate, told at every token what is allowed."""
    from llguidance import LLMatcher
    from llguidance.hf import from_tokenizer

    tokenizer, model = policy.tokenizer, policy.model
    grammar = LLMatcher.grammar_from_json_schema(
        GRADES,
        overrides={"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "},
    )
    words = from_tokenizer(tokenizer, n_vocab=model.config.vocab_size)
    for number, prompt in enumerate(PROMPTS):
        ids = tokenizer(prompt, return_tensors="pt")["input_ids"]

        def allowed(_: int, so_far: torch.Tensor, start: int = ids.shape[1]) -> list[int]:
            matcher = LLMatcher(words, grammar)
            assert matcher.consume_tokens(so_far[start:].tolist())
            return [t for t, bias in enumerate(matcher.compute_logit_bias()) if bias]

        full = model.generate(
            ids, do_sample=False, max_new_tokens=40, prefix_allowed_tokens_fn=allowed
        )
        expected = tokenizer.decode(full[0, ids.shape[1] :], skip_special_tokens=True)
        asked = requests(temperature=0, json_schema=GRADES)
        assert write(policy, asked)[f"r{number}"].text == expected


def test_a_batch_mixes_free_rows_and_schemas(policy: Policy) -> None:
    free = requests(12)
    mixed = [replace(one, json_schema=(None, VERDICT, GRADES)[i % 3]) for i, one in enumerate(free)]
    together = write(policy, mixed, batch_size=12)
    alone = write(policy, free, batch_size=12)
    for one in mixed:
        done = together[one.id]
        if one.json_schema is None:
            assert done == alone[one.id]
        else:
            assert next(iter(json.loads(done.text))) in ("better", "x")
            assert ("better" in done.text) is (one.json_schema == VERDICT)
        assert write(policy, [one])[one.id] == done  # whoever leaves the batch before or after
    assert together["r1"] != alone["r1"]


def test_an_answer_that_is_cut_does_not_parse(policy: Policy) -> None:
    (done,) = write(policy, requests(1, max_new_tokens=5, json_schema=GRADES)).values()
    assert (done.finish_reason, done.n_tokens) == ("length", 5)
    assert done.text.startswith('{"x') and not parses(done.text)


def test_logits_wider_than_the_tokenizer() -> None:
    policy = Policy(tiny.model(vocabulary=517), tiny.tokenizer(), ())
    assert len(policy.tokenizer) < 517
    for done in write(policy, requests(temperature=2.0, json_schema=GRADES)).values():
        assert parses(done.text)


def test_masks_by_hand() -> None:
    words = tiny.tokenizer()
    width = len(words) + 3
    state = Schemas(words, width).grammars([None, json.dumps({"enum": ["A", "B"]})])
    logits = torch.randn(2, width, generator=torch.Generator().manual_seed(0))

    def allowed() -> list[str]:
        masked = state.mask(logits)
        assert masked[0].equal(logits[0])  # a free row stays as it is
        kept = masked[1].isfinite()
        assert masked[1][kept].equal(logits[1][kept])
        return [words.decode([token]) for token in kept.nonzero()[:, 0].tolist()]

    def says(text: str) -> None:
        (token,) = words(text)["input_ids"]
        state.accept(torch.tensor([0, token]))

    assert allowed() == ['"']
    says('"')
    assert allowed() == ["A", "B"]
    says("B")
    assert allowed() == ['"']
    says('"')
    assert allowed() == ["<|endoftext|>"]
    with pytest.raises(RuntimeError, match="outside the grammar"):
        says("A")
    state.keep(torch.tensor([0]))
    assert state.mask(logits[:1]).equal(logits[:1])


def test_without_a_schema_no_grammar_is_loaded(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "synthfr.engines.structured", None)
    assert len(write(policy, requests(4))) == 4
    with pytest.raises(ImportError):  # the control
        write(policy, requests(4, json_schema=GRADES))


def test_what_no_grammar_can_be_made_of(policy: Policy) -> None:
    with pytest.raises(ValueError, match="no JSON schema"):
        write(policy, requests(1, json_schema='{"type": "nonsense"}'))
    with pytest.raises(UserError, match=r"no fast form \(tokenizer.json\)"):
        Schemas(object(), 300)
