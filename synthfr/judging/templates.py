"""What the judge is asked: text files ``<kind>.<language>.txt`` beside this module.

They stand here rather than among the prompts for reports, which every stage depends on: a judge's
wording may change without anything being written anew.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from synthfr.errors import UserError

_OPEN, _CLOSE = "<<<", ">>>"  # around a text that is judged


def render(kind: str, language: str, **texts: str) -> str:
    """The question of a `kind` about `texts`, each in the slot of its name.

    A text cannot close its own brackets, and so stays what is judged. UserError when there is no
    template in the language.
    """
    shown = {
        name: text.strip().replace(_OPEN, "<").replace(_CLOSE, ">") for name, text in texts.items()
    }
    slots = "|".join(re.escape(f"{{{name}}}") for name in shown)
    # in one pass: what looks like a slot inside a text is none
    return re.sub(slots, lambda found: shown[found[0][1:-1]], template(kind, language))


@cache
def template(kind: str, language: str) -> str:
    """The text of a template, with its slots."""
    folder = files(__package__)
    resource = folder.joinpath(f"{kind}.{language}.txt")
    if not resource.is_file():
        known = sorted(
            entry.name.split(".")[1]
            for entry in folder.iterdir()
            if entry.name.startswith(f"{kind}.") and entry.name.endswith(".txt")
        )
        raise UserError(
            f"judge.kind: there is no template '{kind}' in language '{language}' "
            f"(there are: {', '.join(known)}): set judge.kind to none, or add "
            f"synthfr/judging/{kind}.{language}.txt."
        )
    return resource.read_text("utf-8").rstrip("\n")
