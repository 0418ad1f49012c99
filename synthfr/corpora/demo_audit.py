"""Checks generated demo reports against the grammar's knowledge: is every phrase bound to its code?

Only the demo can be checked this way, because only there every phrase has one known owner. These
figures gate the shipped base model and watch the loop; they never enter a score or a training pair.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from synthfr.corpora.demo.hospitals import (
    OTHERS,
    PRIVATE,
    TEXTBOOK,
    local_phrases,
    other_hospitals,
    private_hospital,
)
from synthfr.corpora.demo.knowledge import STYLES, Knowledge, Style

Owners = Mapping[str, frozenset[str]]
"""Ward phrase -> the codes that it may stand for."""


@dataclass(frozen=True)
class Faithfulness:
    """What a set of reports says of the codes that it was asked for. Shares lie in [0, 1].

    Attributes:
        code_recall: mean share of a report's requested codes that its text names or implies.
        wrong_codes: codes per report that the text implies without having been asked for.
        public_binding: share of textbook phrases that belong to a requested code.
        hospital_binding: share of ward phrases that do.
        hospital_share: share of ward wording among all phrases.
        known_share: share, among all phrases, of ward wording that other hospitals use too.
        local_share: share, among all phrases, of ward wording that the private hospital alone uses.
        known_coverage: share of the former's different phrases that occur at least once.
        local_coverage: share of the latter's.
        well_formed: share of reports that have every section of a layout, in order.
        phrases: phrases per report.
    """

    code_recall: float
    wrong_codes: float
    public_binding: float
    hospital_binding: float
    hospital_share: float
    known_share: float
    local_share: float
    known_coverage: float
    local_coverage: float
    well_formed: float
    phrases: float


def private_owners(knowledge: Knowledge, random_seed: int) -> Owners:
    """What ward phrases stand for in the private hospital of a seed: one code each."""
    return private_hospital(knowledge, random_seed).owners()


def public_owners(knowledge: Knowledge) -> Owners:
    """What ward phrases stand for in any of the other hospitals."""
    found: dict[str, frozenset[str]] = {}
    for house in other_hospitals(knowledge):
        for phrase, codes in house.owners().items():
            found[phrase] = found.get(phrase, frozenset()) | codes
    return found


def faithfulness(
    texts: Sequence[str], codes: Sequence[Iterable[str]], knowledge: Knowledge, owners: Owners
) -> Faithfulness:
    """Audits ``texts`` against the codes each was asked for (same order, same length)."""
    phrases: dict[str, tuple[Style, frozenset[str]]] = {
        phrase: ("public", frozenset({entry.code}))
        for entry in knowledge
        for phrase in (*entry.facts("public"), *entry.reason)
    }
    phrases |= {phrase: ("hospital", stands_for) for phrase, stands_for in owners.items()}
    local = local_phrases(knowledge)
    recall, wrong, formed = 0.0, 0, 0
    right, total = dict.fromkeys(STYLES, 0), dict.fromkeys(STYLES, 0)
    n_local = 0
    covered: set[str] = set()
    for text, wanted in zip(texts, map(set, codes), strict=True):
        implied: set[str] = set()
        astray: set[frozenset[str]] = set()
        for phrase, (style, stands_for) in phrases.items():
            if phrase not in text:
                continue
            total[style] += 1
            if stands_for & wanted:
                right[style] += 1
                implied |= stands_for & wanted
            else:
                astray.add(stands_for)
            if style == "hospital":
                covered.add(phrase)
                n_local += phrase in local
        wrong += len(astray)
        named = {
            code
            for code in wanted & knowledge.categories.keys()
            if any(_names(text, name) for name in knowledge[code].names)
        }
        recall += len(implied | named) / len(wanted)
        formed += _well_formed(text)
    n_found = max(1, sum(total.values()))
    known = owners.keys() - local
    own = owners.keys() & local
    return Faithfulness(
        code_recall=recall / len(texts),
        wrong_codes=wrong / len(texts),
        public_binding=right["public"] / max(1, total["public"]),
        hospital_binding=right["hospital"] / max(1, total["hospital"]),
        hospital_share=total["hospital"] / n_found,
        known_share=(total["hospital"] - n_local) / n_found,
        local_share=n_local / n_found,
        known_coverage=len(covered & known) / max(1, len(known)),
        local_coverage=len(covered & own) / max(1, len(own)),
        well_formed=formed / len(texts),
        phrases=n_found / len(texts),
    )


def _names(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None


def _well_formed(text: str) -> bool:
    lines = text.split("\n")[1:]
    return any(
        len(lines) == len(layout.headings)
        and all(
            line.startswith(f"{heading} :")
            for line, heading in zip(lines, layout.headings, strict=True)
        )
        for layout in (TEXTBOOK, PRIVATE, *OTHERS)
    )
