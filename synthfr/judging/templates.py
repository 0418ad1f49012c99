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
    """The question of a `kind` about `texts`; one that no template asks in the language is a
    UserError.
    """
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


@cache
def template(
    kind: str,
    language: str,
    package: str = "synthfr.judging",
    where: str = "judge.kind",
    off: str = "none",
) -> str:
    """The text of a template of `package`, with its slots.

    The UserError when there is none names the parameter `where`, and its value that asks nothing.
    """
    folder = files(package)
    resource = folder.joinpath(f"{kind}.{language}.txt")
    if not resource.is_file():
        known = sorted(
            entry.name.split(".")[1]
            for entry in folder.iterdir()
            if entry.name.startswith(f"{kind}.") and entry.name.endswith(".txt")
        )
        raise UserError(
            f"{where}: there is no template '{kind}' in the language of a report "
            f"(there are: {', '.join(known)}): set {where} to {off}, or add "
            f"{package.replace('.', '/')}/{kind}.{language}.txt."
        )
    return resource.read_text("utf-8").rstrip("\n")
