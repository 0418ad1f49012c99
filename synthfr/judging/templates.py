"""What the judge is asked: templates (`text.templates`) beside this module, one a kind.

They stand here rather than among the prompts for reports, which every stage depends on: a judge's
wording may change without anything being written anew.
"""

from __future__ import annotations

import re

from synthfr.text import templates

_OPEN, _CLOSE = "<<<", ">>>"  # around a text that is judged


def render(kind: str, language: str, **texts: str) -> str:
    """The question of a `kind` about `texts`, which are in the language."""
    return fill(template(kind, language), **texts)


def fill(question: str, **texts: str) -> str:
    """A template with `texts`, each in the slot of its name.

    A text cannot close its own brackets, and so stays what is judged.
    """
    shown = {
        name: text.strip().replace(_OPEN, "<").replace(_CLOSE, ">") for name, text in texts.items()
    }
    slots = "|".join(re.escape(f"{{{name}}}") for name in shown)
    # in one pass: what looks like a slot inside a text is none
    return re.sub(slots, lambda found: shown[found[0][1:-1]], question)


def template(kind: str, language: str, package: str = "synthfr.judging") -> str:
    """The text of a template of `package`, with its slots.

    Raises:
        UserError: if there is no file for a language that has no template of its own.
        FileNotFoundError: if the package has no such kind.
    """
    text = templates.template(package, kind, language)
    if text is None:
        raise FileNotFoundError(f"{package} has no template {kind}.txt")
    return text.rstrip("\n")
