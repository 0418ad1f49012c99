"""The one rule for what a word is, where a rule needs no language's resources."""

from __future__ import annotations


def words(text: str) -> list[str]:
    """What stands between white space, as written: numbers and signs count, in any script.

    ``"TA 14/9, l'HTA ++"`` to TA, 14/9, (with its comma), l'HTA and ++.
    """
    return text.split()
