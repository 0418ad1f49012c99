"""Prompts and reports as the token ids that a training sees.

The prompt is exactly what generation gives the model (`models.encode_prompts`), the report ends
with a token that generation stops at. The trainers get these ids, never texts: their own way of
reading chat messages renders a finished turn, which some templates write otherwise than an opened
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synthfr.models import encode_prompts, end_tokens

if TYPE_CHECKING:
    import numpy as np

    from synthfr.models import Policy

    Ids = np.ndarray[Any, np.dtype[np.int32]]

_CHUNK = 1000  # texts whose ids are lists at one time: lists take ten times an array's memory
_REPORT = "compte rendu"  # stands for a report where a template is asked what follows one


def encode(
    policy: Policy, prompts: Sequence[str], reports: Sequence[str]
) -> tuple[list[Ids], list[Ids]]:
    """Token ids of each prompt, and of the report that follows it with the token that ends it."""
    import numpy as np

    prompt_ids: list[Ids] = []
    report_ids: list[Ids] = []
    for start in range(0, len(prompts), _CHUNK):
        part = slice(start, start + _CHUNK)
        both = _encode(policy, prompts[part], reports[part])
        for arrays, lists in zip((prompt_ids, report_ids), both, strict=True):
            arrays += [np.array(ids, dtype=np.int32) for ids in lists]
    return prompt_ids, report_ids


def _encode(
    policy: Policy, prompts: Sequence[str], reports: Sequence[str]
) -> tuple[list[list[int]], list[list[int]]]:
    tokenizer = policy.tokenizer
    prompt_ids = encode_prompts(tokenizer, prompts, policy.chat_template)
    if policy.chat_template:
        end = end_of_turn(policy)
        alone = tokenizer(list(reports), add_special_tokens=False)["input_ids"]
        return prompt_ids, [[*ids, end] for ids in alone]
    end_text = tokenizer.eos_token
    reports = [text if text.endswith(end_text) else text + end_text for text in reports]
    whole = tokenizer([prompt + report for prompt, report in zip(prompts, reports, strict=True)])
    report_ids = []
    for prompt, ids, report in zip(prompt_ids, whole["input_ids"], reports, strict=True):
        if ids[: len(prompt)] == prompt:
            report_ids.append(ids[len(prompt) :])
        else:  # a token would span both, which generation, given the prompt alone, never sees
            report_ids.append(tokenizer(report, add_special_tokens=False)["input_ids"])
    return prompt_ids, report_ids


def end_of_turn(policy: Policy) -> int:
    """The token that ends a report: the first after an assistant's turn in the chat template that
    generation stops at, or else the tokenizer's end of text.
    """
    tokenizer = policy.tokenizer
    ends = end_tokens(policy.model.generation_config, tokenizer)
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _REPORT}]
    rendered = tokenizer.apply_chat_template(turns, tokenize=False)
    after = tokenizer(rendered.rpartition(_REPORT)[2], add_special_tokens=False)["input_ids"]
    return int(next((token for token in after if token in ends), tokenizer.eos_token_id))
