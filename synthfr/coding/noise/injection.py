"""Noise in training texts: random words of their own vocabulary in the place of what stood there.

H1, `SPREAD`: in every report a share p of the words. H2, `CONCENTRATED`: in a share p of the
reports nine words of ten, in the others none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from synthfr import seeding
from synthfr.text.tokens import words

Hypothesis = Literal["spread", "concentrated"]
SPREAD: Hypothesis = "spread"
CONCENTRATED: Hypothesis = "concentrated"
HYPOTHESES = (SPREAD, CONCENTRATED)
WITHIN = Decimal("0.9")  # share of the words that are replaced in a report of the concentrated kind
_WORD = re.compile(r"\S+")


def inject(
    hypothesis: Hypothesis,
    share: float,
    report_ids: Sequence[str],
    texts: Sequence[str],
    seed: int,
    draw: int = 0,
    equal_budget: bool = False,
) -> list[str]:
    """The texts with noise; what stands between words stays.

    Exactly ⌊p n⌋ of the n words of each report (`SPREAD`), or ⌊.9 n⌋ of each of ⌊p N⌋ of the N
    reports (`CONCENTRATED`), give way to another word of the texts' own vocabulary, all equally
    likely. Which ones depends on the report's id, `seed` and `draw` (several noises of one kind),
    and a larger share changes what a smaller one does, and more.

    Args:
        share: p, from 0 to 1.
        equal_budget: with `CONCENTRATED`, ⌊p N / .9⌋ reports, so that the same p replaces as many
            words in both kinds; a p above .9 is a ValueError.
    """
    p = Decimal(str(share))
    if hypothesis == SPREAD:
        noisy, within = set(report_ids), p
    else:
        noisy, within = _noisy_reports(p, report_ids, seed, draw, equal_budget), WITHIN
    vocabulary = sorted({word for text in texts for word in words(text)})
    if len(vocabulary) < 2:
        return list(texts)
    place = {word: at for at, word in enumerate(vocabulary)}
    return [
        _replaced(text, within, vocabulary, place, (seed, "noise", hypothesis, draw, report_id))
        if report_id in noisy
        else text
        for report_id, text in zip(report_ids, texts, strict=True)
    ]


def _noisy_reports(
    p: Decimal, report_ids: Sequence[str], seed: int, draw: int, equal_budget: bool
) -> set[str]:
    share = p / WITHIN if equal_budget else p
    if share > 1:
        raise ValueError(f"{WITHIN} of the words of all reports are less than a share of {p}")
    ordered = sorted(report_ids, key=lambda one: (seeding.derive(seed, "noisy", draw, one), one))
    return set(ordered[: int(share * len(ordered))])


def _replaced(
    text: str,
    within: Decimal,
    vocabulary: Sequence[str],
    place: dict[str, int],
    drawn_by: tuple[int, str, str, int, str],
) -> str:
    """⌊`within` n⌋ of the n words replaced, each by another one of the vocabulary."""
    found = list(_WORD.finditer(text))
    count = int(within * len(found))
    if not count:
        return text
    rng = seeding.rng(*drawn_by)
    order = rng.permutation(len(found))[:count]
    others = rng.integers(0, len(vocabulary) - 1, size=len(found))[:count]
    new = {}
    for at, other in zip(order.tolist(), others.tolist(), strict=True):
        # the word that stands there is not drawn: all behind it move up by one
        new[at] = vocabulary[other + (other >= place[found[at].group()])]
    parts, end = [], 0
    for at, match in enumerate(found):
        parts += [text[end : match.start()], new.get(at, match.group())]
        end = match.end()
    return "".join([*parts, text[end:]])
