"""How far a synthetic corpus is from the private one, feature by feature, and how far two real
samples are apart.

Lengths, variety and keyword recall are also what watches a policy from round to round: one that is
rewarded too hard writes shorter reports, the same few phrases, or fewer of the facts it was asked
for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthfr import seeding
from synthfr.fidelity.features import Corpus, lengths, statistical, variety
from synthfr.scoring.lexical import keyword_recall

if TYPE_CHECKING:
    import pandas as pd

Comparison = dict[str, dict[str, float]]


def compare(
    synthetic: pd.DataFrame, holdout: pd.DataFrame, train: pd.DataFrame, random_seed: int
) -> Comparison:
    """Every feature of `synthetic` and of real reports that nothing has learnt from (`holdout`).

    Frames have report_id, text and language, `synthetic` also keywords.

    Returns:
        ``{feature: {"real", "synthetic", "difference", "real_difference"}}``: difference = real -
        synthetic; real_difference = holdout - train, what two real samples differ by. Features that
        fall with size are taken over half as many tokens as the real corpus has, so that every step
        is measured at the same size (or over all that the smallest corpus has, if that is less).
        ``keyword_recall``, the mean share of the keywords asked for that a report contains, is
        there for "synthetic" alone.
    """
    real, made, other = (_corpus(texts, random_seed) for texts in (holdout, synthetic, train))
    size = min(real.n_tokens // 2, made.n_tokens, other.n_tokens)
    of_real, of_made, of_other = (_features(corpus, size) for corpus in (real, made, other))
    comparison = {
        name: {
            "real": value,
            "synthetic": of_made[name],
            "difference": value - of_made[name],
            "real_difference": value - of_other[name],
        }
        for name, value in of_real.items()
    }
    recalls = [
        keyword_recall(asked, text, language)
        for asked, text, language in zip(
            synthetic["keywords"], synthetic["text"], synthetic["language"], strict=True
        )
    ]
    return comparison | {"keyword_recall": {"synthetic": sum(recalls) / len(recalls)}}


def _features(corpus: Corpus, n_tokens: int) -> dict[str, float]:
    return {**statistical(corpus), **lengths(corpus), **variety(corpus, n_tokens)}


def _corpus(reports: pd.DataFrame, random_seed: int) -> Corpus:
    # a part of a corpus must be a random part: by an order drawn from the ids
    columns = [reports[name].tolist() for name in ("report_id", "text", "language")]
    draws = sorted(
        (seeding.derive(random_seed, "fidelity", report_id), text, language)
        for report_id, text, language in zip(*columns, strict=True)
    )
    return Corpus([text for _, text, _ in draws], [language for _, _, language in draws])
