"""Scores that look at words alone, keyword recall and BLEU; and what a word is to an evaluator."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from synthfr.text import language as resources

# without the marks that end a phrase, which `text.tokens.words` keeps: a word at the end of a line
# is to weigh as in its middle; "+++", "14/9" and "<50" stay whole: hospital notes are made of them
WORD = r"(?u)[^\s,;.:]+"


def keyword_recall(keywords: Sequence[str], text: str, language: str) -> float:
    """Share of `keywords` that are substrings of `text`, both in the language's normal form.

    Keywords that hold no letter are nothing once normalised and do not count; with none left the
    share is 1: nothing that was asked for is missing.
    """
    asked = [normal for normal in (_normal(keyword, language) for keyword in keywords) if normal]
    if not asked:
        return 1.0
    said = resources(language).normalise(text)
    return sum(keyword in said for keyword in asked) / len(asked)


def bleu(candidate: str, reference: str) -> float:
    """Sentence BLEU-4 in [0, 1] (Papineni et al. 2002), exponential smoothing, sacrebleu's 13a
    tokens.
    """
    return float(_metric().sentence_score(candidate, [reference]).score) / 100


@cache
def _metric() -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(effective_order=True)


@cache
def _normal(keyword: str, language: str) -> str:
    return resources(language).normalise(keyword)
