"""Training and generation read the same prompt, token by token, and end a report the same way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import tiny
from tests.training import small

Until = Callable[[Callable[[], Any]], Any]


def _policy(base: Path) -> Any:
    from synthfr.models import load_policy

    return load_policy(base, [])


def test_sft_of_a_chat_model(chat_base: Path, tmp_path: Path, before_training: Until) -> None:
    from synthfr.models import encode_prompts
    from synthfr.training import sft

    policy, rows = _policy(chat_base), small.reports()
    params = small.sft_params(max_length=96)
    trainer = before_training(lambda: sft.train(rows, policy, params, 0, tmp_path))
    asked = dict(
        zip(
            rows["report_id"],
            encode_prompts(policy.tokenizer, rows["prompt"].tolist(), True),
            strict=True,
        )
    )
    texts = dict(zip(rows["report_id"], rows["completion"], strict=True))
    for row in trainer.train_dataset:
        n_prompt = row["labels"].count(-100)
        assert row["input_ids"][:n_prompt] == asked[row["report_id"]]
        written = policy.tokenizer.decode(row["input_ids"][n_prompt:])
        assert written == texts[row["report_id"]] + "<|im_end|>"
    # the control: the template's own rendering of a finished turn does not begin with the prompt
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "Ok."}]
    finished = policy.tokenizer.apply_chat_template(turns, tokenize=True)["input_ids"]
    opened = encode_prompts(policy.tokenizer, ["?"], True)[0]
    assert finished[: len(opened)] == opened and "<think>" in policy.tokenizer.decode(finished)


def test_dpo_of_a_chat_model(chat_base: Path, tmp_path: Path, before_training: Until) -> None:
    from synthfr.models import encode_prompts
    from synthfr.training import dpo

    policy, rows = _policy(chat_base), small.pairs()
    params, round_ = small.dpo_params(max_length=96), small.round_()
    trainer = before_training(lambda: dpo.train(rows, policy, params, round_, 0, tmp_path))
    table = rows.set_index("prompt_id")
    for row in trainer.train_dataset:
        given = table.loc[row["prompt_id"]]
        assert row["prompt_ids"] == encode_prompts(policy.tokenizer, [given["prompt"]], True)[0]
        for side in ("chosen", "rejected"):
            written = policy.tokenizer.decode(row[f"{side}_ids"])
            assert written == given[side] + "<|im_end|>"


def test_a_template_without_end_of_turn_ends_with_the_text(chat_base: Path) -> None:
    from synthfr.training.encoding import end_of_turn

    policy = _policy(chat_base)
    name = policy.tokenizer.convert_ids_to_tokens
    assert name(end_of_turn(policy)) == "<|im_end|>"
    policy.tokenizer.chat_template = "{% for one in messages %}{{ one.content }}\n{% endfor %}"
    assert name(end_of_turn(policy)) == "<|endoftext|>"


def test_a_token_across_the_boundary_is_taken_apart(base: Path) -> None:
    """Tokenised together, "é" + "e" may become one token: generation gives the prompt alone."""
    from synthfr.models import encode_prompts
    from synthfr.training.encoding import encode

    policy = _policy(base)
    tokenizer = policy.tokenizer
    prompt, report = next(
        (text[:cut], text[cut:])
        for text in tiny.TEXTS
        for cut in range(1, len(text))
        if tokenizer(text)["input_ids"][: len(tokenizer(text[:cut])["input_ids"])]
        != tokenizer(text[:cut])["input_ids"]
    )
    asked, answered = encode(policy, [prompt], [report])
    assert [one.tolist() for one in asked] == encode_prompts(tokenizer, [prompt], False)
    assert tokenizer.decode(answered[0]) == report + tokenizer.eos_token


@pytest.mark.parametrize("report", ["Sortie.", "Sortie.<|endoftext|>"])
def test_the_end_stands_there_once(base: Path, report: str) -> None:
    from synthfr.training.encoding import encode

    policy = _policy(base)
    _, answered = encode(policy, ["Mots : a\n"], [report])
    assert policy.tokenizer.decode(answered[0]) == "Sortie.<|endoftext|>"
