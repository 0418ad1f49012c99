"""From the label of a code to what clinicians write, where the label comes near to that.

"Insuffisance rénale chronique, sans précision" is written "insuffisance rénale chronique"; "Autres
affections précisées du rein" is written by nobody. The words that the rules look for stand in the
language's file (`labels`).
"""

from __future__ import annotations

import re

from synthfr import icd10
from synthfr.text.language_resources import LabelRules, Language

_MARKERS = re.compile(r"\*+[^*]*\*+|\[[^\]]*\]")  # "*** SU17 ***", "[remark]"
_BRACKETS = re.compile(r"\(([^()]*)\)")  # what the classification says may or may not be there
_WORD = re.compile(r"\w+")
_NOT_CUT = re.compile(r"\w\.|\s[-–:]\s|;|\d+\s*%|[<>≥≤]")  # abbreviated, divided or compared


def wordings(code: str, label: str, language: Language) -> list[str]:
    """What is written for a code, made of its label; empty where the label is no wording.

    Args:
        code: its ICD-10 code, with a point.
        label: the official label.
        language: of the label.
    """
    rules = language.labels
    if not icd10.is_condition(code):  # such labels describe, nobody writes them
        return []
    text = _MARKERS.sub(" ", label)
    if any(_begins(content, rules.contrasts) for content in _BRACKETS.findall(text)):
        return []
    text = _joined(_BRACKETS.sub(" ", text))
    if text.isupper() and (" " in text or len(text) > rules.max_capitals):
        text = text.lower()
    if _NOT_CUT.search(text):
        return []
    text = _without(text, rules)
    main, *more = [part.strip() for part in text.split(",")]
    if len(more) > 1 or not main:
        return []
    main = _lower(main)
    if more:
        main = f"{_lower(more[0])} {main}" if rules.adjectives == "before" else f"{main} {more[0]}"
    words = [word.casefold() for word in _WORD.findall(main)]
    if len(words) > rules.max_words or not rules.refused.isdisjoint(words):
        return []
    exchanged = [
        main.replace(official, usual, 1)
        for official, usual in rules.exchanged
        if main.startswith(official)
    ]
    kept = [one for one in (*exchanged, main) if one.casefold() not in rules.no_terms]
    return list(dict.fromkeys(kept))


def _without(text: str, rules: LabelRules) -> str:
    """The label without the phrases that say nothing about the patient."""
    if rules.dropped:
        text = re.sub(
            r"(?i)[\s,]*(?<!\w)(?:" + "|".join(map(re.escape, rules.dropped)) + r")(?!\w)", "", text
        )
    return _joined(text)


def _lower(text: str) -> str:
    """Without the capital that a label begins with."""
    return text[0].lower() + text[1:] if text[1:2].islower() else text


def _begins(content: str, words: frozenset[str]) -> bool:
    first = _WORD.search(content)
    return first is not None and (first[0].casefold() in words or first[0].isdigit())


def _joined(text: str) -> str:
    return re.sub(r"\s+,", ",", " ".join(text.split())).strip(" ,")
