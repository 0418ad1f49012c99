"""Checks generated demo reports against the grammar's knowledge: is every phrase bound to its code?

Only the demo can be checked this way, because only there every phrase has one known owner. These
figures gate the shipped base model and watch the loop; they never enter a score or a training pair.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from synthfr.corpora.demo.grammar import HEADINGS
from synthfr.corpora.demo.knowledge import STYLES, Knowledge, Style


@dataclass(frozen=True)
class Faithfulness:
    """Shares lie in [0, 1].

    Attributes:
        code_recall: mean share of a report's requested codes that its text names or implies.
        wrong_codes: codes per report that the text implies without having been asked for.
        binding: by style, the share of phrases that belong to a requested code.
        hospital_share: share of hospital wording among all phrases.
        well_formed: share of reports that have every section, in order.
        phrases: phrases per report.
        coverage: share of the hospital phrases of all categories that occur at least once.
    """

    code_recall: float
    wrong_codes: float
    binding: dict[Style, float]
    hospital_share: float
    well_formed: float
    phrases: float
    coverage: float


def faithfulness(
    texts: Sequence[str], codes: Sequence[Iterable[str]], knowledge: Knowledge
) -> Faithfulness:
    """Audits ``texts`` against the codes each was asked for (same order, same length)."""
    owners = {
        phrase: (entry.code, style)
        for entry in knowledge
        for style in STYLES
        for phrase in (*entry.facts(style), *(entry.reason if style == "public" else ()))
    }
    recall, wrong, formed = 0.0, 0, 0
    right, total = dict.fromkeys(STYLES, 0), dict.fromkeys(STYLES, 0)
    covered: set[str] = set()
    for text, wanted in zip(texts, map(set, codes), strict=True):
        found = [(owner, phrase) for phrase, owner in owners.items() if phrase in text]
        for (code, style), phrase in found:
            total[style] += 1
            right[style] += code in wanted
            if style == "hospital":
                covered.add(phrase)
        implied = {code for (code, _), _ in found}
        wrong += len(implied - wanted)
        named = {code for code in wanted if any(_names(text, n) for n in knowledge[code].names)}
        recall += len(wanted & (implied | named)) / len(wanted)
        formed += _well_formed(text)
    hospital_phrases = sum(style == "hospital" for _, style in owners.values())
    n_found = max(1, sum(total.values()))
    return Faithfulness(
        code_recall=recall / len(texts),
        wrong_codes=wrong / len(texts),
        binding={style: right[style] / max(1, total[style]) for style in STYLES},
        hospital_share=total["hospital"] / n_found,
        well_formed=formed / len(texts),
        phrases=n_found / len(texts),
        coverage=len(covered) / hospital_phrases,
    )


def _names(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None


def _well_formed(text: str) -> bool:
    lines = text.split("\n")[1:]
    return any(
        len(lines) == len(headings)
        and all(
            line.startswith(f"{heading} :")
            for line, heading in zip(lines, headings.values(), strict=True)
        )
        for headings in HEADINGS.values()
    )
