"""How much the texts of a corpus repeat one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from math import exp, log

from synthfr.text.tokens import alphanumeric_words

MOST_ORDER = 4
SMOOTHED = 0.1  # of a match, where an order has none


def self_bleu(texts: Sequence[str]) -> float:
    """Mean BLEU-4 of each text against all others, in [0, 1] (Zhu et al. 2018, "Texygen"): 1, all
    are copies. It grows with the number of texts: compare equally many.

    BLEU with brevity penalty, the reference next in length (the shorter of two); an order without a
    match counts a tenth of one (Chen and Cherry 2014, method 1). A text that is equal to another
    word for word has 1, also where it is too short for an n-gram, or empty: copies are no variety.
    Words in lower case, no punctuation. Fewer than two texts are a ValueError.
    """
    if len(texts) < 2:
        raise ValueError("a text alone repeats nobody")
    tokens = [tuple(alphanumeric_words(text)) for text in texts]
    copies = Counter(tokens)
    # of every n-gram the two largest counts in one text: without the text itself, one of them stays
    largest = [_two_largest(tokens, order) for order in range(1, MOST_ORDER + 1)]
    lengths = Counter(map(len, tokens))
    found = (1.0 if copies[own] > 1 else _bleu(own, largest, lengths) for own in tokens)
    return sum(found) / len(tokens)


def distinct(texts: Sequence[str], order: int) -> float:
    """Different / all n-grams of words within the texts (Li et al. 2016); 0 where there is none. It
    falls with size: compare equal sizes.
    """
    grams = [gram for text in texts for gram in _grams(alphanumeric_words(text), order)]
    return len(set(grams)) / len(grams) if grams else 0.0


def among_alike(texts: Sequence[str], likeness: Sequence[Hashable]) -> float | None:
    """Mean `self_bleu` of pairs of texts with the same `likeness` (their codes, or the prompt that
    they were written for), each text in one pair at most, in the order given; None where no two are
    alike. Pairs, because it grows with the size of a group, which corpora differ in.
    """
    waiting: dict[Hashable, str] = {}
    found = []
    for text, key in zip(texts, likeness, strict=True):
        if key in waiting:
            found.append(self_bleu([waiting.pop(key), text]))
        else:
            waiting[key] = text
    return sum(found) / len(found) if found else None


def within_groups(
    texts: Sequence[str], groups: Sequence[Hashable], order: int, most: int
) -> tuple[float, float] | None:
    """`self_bleu` and `distinct` of `order`, each the mean over groups of at least two texts (the
    candidates of each prompt): of `most` groups at most, spread evenly over their order. A group
    without any word is left out: it has nothing that could vary. None where no group is left.
    """
    members: dict[Hashable, list[str]] = {}
    for text, group in zip(texts, groups, strict=True):
        members.setdefault(group, []).append(text)
    found = [own for own in members.values() if len(own) > 1 and any(map(alphanumeric_words, own))]
    n = min(most, len(found))
    taken = [found[number * len(found) // n] for number in range(n)]
    if not taken:
        return None
    return (
        sum(map(self_bleu, taken)) / n,
        sum(distinct(own, order) for own in taken) / n,
    )


def _grams(tokens: Sequence[str], order: int) -> list[tuple[str, ...]]:
    return list(zip(*(tokens[start:] for start in range(order)), strict=False))


def _two_largest(
    tokens: Sequence[Sequence[str]], order: int
) -> dict[tuple[str, ...], tuple[int, int]]:
    found: dict[tuple[str, ...], tuple[int, int]] = {}
    for own in tokens:
        for gram, n in Counter(_grams(own, order)).items():
            first, second = found.get(gram, (0, 0))
            found[gram] = (n, first) if n > first else (first, max(second, n))
    return found


def _bleu(
    own: Sequence[str],
    largest: Sequence[dict[tuple[str, ...], tuple[int, int]]],
    lengths: Counter[int],
) -> float:
    logs = 0.0
    for order, most in enumerate(largest, start=1):
        counts = Counter(_grams(own, order))
        matches = 0
        for gram, n in counts.items():
            first, second = most[gram]
            matches += min(n, second if n == first else first)
        if order == 1 and not matches:
            return 0.0
        logs += log((matches or SMOOTHED) / max(1, counts.total()))
    others = lengths - Counter([len(own)])
    reference = min(others, key=lambda length: (abs(length - len(own)), length))
    penalty = min(0.0, 1 - reference / len(own))
    return exp(penalty + logs / MOST_ORDER)
