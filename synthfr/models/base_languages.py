"""Which languages a base can write, as far as its files say."""

from __future__ import annotations

from pathlib import Path

from synthfr import front_matter

TINY_LANGUAGE = "fr"  # all that the shipped base has read
# of a corpus that is not the demo's
TINY_KNOWS = "the tiny base knows the demo's 32 diseases alone and cannot write real medicine"
CARD = "README.md"
ANY = {"multilingual", "mul"}  # of a model card: no list


def declared(folder: Path) -> frozenset[str]:
    """The language codes in the front matter of a model card (``en`` of ``en-GB``); empty where
    the folder has no card, or its front matter is no YAML or names none.
    """
    named = front_matter.read(folder / CARD).get("language")
    names = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    return frozenset(str(name).lower().partition("-")[0] for name in names)


def cannot_write(source: str, folder: Path, language: str) -> str | None:
    """One sentence, where the files of the base in `folder` say that it has not learnt `language`.

    `source` is ``base.source``. None says no more than that nothing speaks against it.
    """
    if source == "tiny":
        known, why = {TINY_LANGUAGE}, f"the shipped tiny base has read '{TINY_LANGUAGE}' alone"
    else:
        known = set(declared(folder))
        why = f"its model card names {', '.join(sorted(known))}"
    if not known or known & ANY or language in known:
        return None
    return (
        f"The base has not learnt to write '{language}' ({why}): its reports are no text of that "
        "language, and figures about them say nothing; choose another base (section base)."
    )
