"""How a term is written in a prompt: as the dictionary lists it, or in its language's normal form.

The original Synth-FR trains on terms in normal form and asks for its data sets with listed ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal

from synthfr.text.language_resources import language as resources

Form = Literal["listed", "normalised"]


@cache
def written(term: str, form: Form, language: str) -> str:
    """``"Diabète de type 2"`` as it is, or ``"diabete de type"``; empty where no letter is left."""
    return resources(language).normalise(term) if form == "normalised" else term


def names_written(
    names: Mapping[str, Sequence[str]], form: Form, language: str
) -> Mapping[str, Sequence[str]]:
    """Each code's names in that form. Normalised ones are distinct and not empty; a code that has
    none left is left out.
    """
    if form == "listed":
        return names
    forms = {
        code: [name for name in dict.fromkeys(written(one, form, language) for one in own) if name]
        for code, own in names.items()
    }
    return {code: own for code, own in forms.items() if own}
