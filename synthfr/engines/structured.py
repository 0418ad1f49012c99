"""Answers that follow a JSON schema: at every token, those that would break it are ruled out.

The schema becomes a grammar over the tokenizer's bytes (llguidance), so that what is written parses
whatever the model would rather say. Imports llguidance and torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from llguidance import LLMatcher
from llguidance.hf import from_tokenizer
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

from synthfr.errors import UserError

# one way to write every object: a model that likes blanks cannot spend its tokens on them
LAYOUT: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_WORD_BITS = 32


class Schemas:
    """Grammars of one tokenizer, each schema compiled once.

    `vocabulary` is the width of the model's logits, which may exceed the tokenizer's.
    """

    def __init__(self, tokenizer: Any, vocabulary: int) -> None:
        try:
            self._tokenizer = from_tokenizer(tokenizer, n_vocab=vocabulary)
        except ValueError:
            raise UserError(
                "The model's tokenizer has no fast form (tokenizer.json), which answers by a "
                "schema need: choose another model."
            ) from None
        self._compiled: dict[str, LLMatcher] = {}
        self._vocabulary = vocabulary

    def grammars(self, schemas: Sequence[str | None]) -> Grammars:
        """The state of a batch whose row r must follow ``schemas[r]``; None: it is free."""
        matchers = [
            None if schema is None else self._compile(schema).deep_copy() for schema in schemas
        ]
        return Grammars(matchers, self._vocabulary)

    def _compile(self, schema: str) -> LLMatcher:
        if schema not in self._compiled:
            grammar = LLMatcher.grammar_from_json_schema(schema, overrides=LAYOUT)
            compiled = LLMatcher(self._tokenizer, grammar)
            if compiled.is_error():
                raise ValueError(f"no JSON schema to write by: {compiled.get_error()}")
            self._compiled[schema] = compiled
        return self._compiled[schema]


class Grammars:
    """Where each row that is still being written stands in its grammar."""

    def __init__(self, matchers: Sequence[Any], vocabulary: int) -> None:
        self._matchers = list(matchers)  # LLMatcher, or None
        self._vocabulary = vocabulary
        # bit i of a word is token 32 x word + i; the highest one is the sign
        self._bit_of_word = 1 << torch.arange(_WORD_BITS, dtype=torch.int32)

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with these rows, in this order."""
        self._matchers = [self._matchers[row] for row in rows.tolist()]

    def mask(self, logits: torch.Tensor) -> torch.Tensor:
        """`logits`, shape (rows, vocabulary), with -inf for what a row may not write next; free
        rows as they are. Once its grammar is complete a row may only end.
        """
        if not any(self._matchers):
            return logits
        words = allocate_token_bitmask(len(self._matchers), self._vocabulary)
        for row, matcher in enumerate(self._matchers):
            if matcher is not None:
                fill_next_token_bitmask(matcher, words, row)
        bits = torch.from_numpy(words).to(logits.device)[:, :, None]
        ruled_out = (bits & self._bit_of_word.to(logits.device)) == 0
        return logits.masked_fill(ruled_out.flatten(1)[:, : self._vocabulary], -torch.inf)

    def accept(self, tokens: torch.Tensor) -> torch.Tensor:
        """`tokens`, shape (rows,), once every grammar has moved on by its own."""
        for matcher, token in zip(self._matchers, tokens.tolist(), strict=True):
            if matcher is not None and not matcher.consume_token(token):
                raise RuntimeError(f"a token outside the grammar: {matcher.get_error()}")
        return tokens
