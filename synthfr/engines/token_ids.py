"""What engines that read and write token ids agree on: how long a report may get, and its text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synthfr.engines.protocol import Request
from synthfr.errors import UserError


def limit(
    request: Request, prompt: Sequence[int], context: int | None, setting: str | None = None
) -> int:
    """Tokens that this report may have: what was asked for, less where the context (tokens of
    prompt and report; None: no limit) ends sooner. `setting` is the parameter that shortens it.
    """
    if not prompt:
        raise UserError(f"The prompt of {request.id} is empty: give it some text.")
    if context is None:
        return request.max_new_tokens
    room = context - len(prompt)
    if room < 1:
        raise UserError(
            f"The prompt of {request.id} has {len(prompt)} tokens, the model's context only "
            f"{context}: lower keywords.max_keywords (before a judge: generate.max_new_tokens) or "
            + (f"raise {setting}." if setting else "choose a model with a longer one.")
        )
    return min(request.max_new_tokens, room)


def text(tokenizer: Any, tokens: Sequence[int]) -> str:
    """What was written, without end-of-text and other special tokens."""
    written: str = tokenizer.decode(
        tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    return written
