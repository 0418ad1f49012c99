"""What each test asks, in plain words, one file a language: for readers who know no metric.

A new language is one more file here and one in `synthfr/publishing/dossier`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from synthfr.disk import read_yaml

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Question:
    """About one test.

    Attributes:
        question: what it asks.
        figure: what its numbers are.
        blind: what it cannot see.
        remedy: what to do where it fails.
    """

    question: str
    figure: str
    blind: str
    remedy: str


@cache
def questions(language: str) -> Mapping[str, Question]:
    """By the test's name in the metrics file; a name that has no entry of its own begins with that
    of one (`membership_...`).
    """
    return {name: Question(**one) for name, one in read_yaml(HERE / f"{language}.yaml").items()}


def question(test: str, language: str) -> Question:
    """Of a test; of one that nobody described its bare name."""
    known = questions(language)
    near = max((name for name in known if test.startswith(name)), key=len, default=None)
    return Question(test.replace("_", " "), "", "", "") if near is None else known[near]
