"""Scores that look at words alone, keyword recall and BLEU; and what a word is to an evaluator."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

from synthfr.text import language as resources

# without the marks that end a phrase, which `text.tokens.words` keeps: a word at the end of a line
# is to weigh as in its middle; "+++", "14/9" and "<50" stay whole: hospital notes are made of them
WORD = r"(?u)[^\s,;.:]+"


Smoothing = Literal["exponential", "epsilon"]
EPSILON = 0.1  # of a match


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


def bleu(candidate: str, reference: str, smoothing: Smoothing = "exponential") -> float:
    """Sentence BLEU-4 in [0, 1] (Papineni et al. 2002): brevity penalty times the geometric mean of
    the precisions of 1- to 4-grams; 0 when no token is shared. An order without a match would make
    the mean 0 and is smoothed (Chen and Cherry 2014):

    * ``exponential`` (their method 3): the first such order counts half a match, the next a
      quarter, ...; orders longer than the candidate are left out; sacrebleu's 13a tokens;
    * ``epsilon`` (their method 1): each counts a tenth of a match, also one longer than the
      candidate, as if that had one n-gram of it; tokens are what stands between blanks. It is
      ``nltk.sentence_bleu`` of ``split()`` texts with ``SmoothingFunction().method1``.
    """
    metric = _metric(smoothing)
    found = metric.sentence_score(candidate, [reference])
    if smoothing == "epsilon" and not all(found.totals):
        found = metric.compute_bleu(
            found.counts,
            [max(1, total) for total in found.totals],
            found.sys_len,
            found.ref_len,
            smooth_method="floor",
            smooth_value=EPSILON,
        )
    return float(found.score) / 100


@cache
def _metric(smoothing: Smoothing) -> Any:
    from sacrebleu.metrics.bleu import BLEU

    if smoothing == "epsilon":
        return BLEU(
            tokenize="none", smooth_method="floor", smooth_value=EPSILON, effective_order=True
        )
    return BLEU(effective_order=True)


@cache
def _normal(keyword: str, language: str) -> str:
    return resources(language).normalise(keyword)
