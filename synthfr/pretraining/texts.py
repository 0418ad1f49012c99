"""The public texts that the tiny base model is pre-trained on, as an endless seeded stream.

It resembles what a real base has read. The task (a report behind its prompt, encyclopaedic entries,
lists of names) it knows from textbooks alone. The language of wards it knows from the notes of
other hospitals, which no prompt ever introduces. Of the private hospital it has read nothing: not
its local phrases, not its headings, not its habits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from synthfr import prompts
from synthfr.corpora.demo.grammar import render
from synthfr.corpora.demo.hospitals import TEXTBOOK, other_hospitals
from synthfr.corpora.demo.knowledge import KINDS, Category, Knowledge
from synthfr.corpora.demo.truth import pick, sample_codes, sample_stay, weighted

WARD_STYLE = {0.6: 0.3, 0.85: 0.4, 1.0: 0.3}
"""Share of ward wording in another hospital's note: its distribution (mean .82)."""
OTHER_NAME = 0.25
"""Share of prompts that name a disease otherwise than their report does."""

MIXED = {"report": 0.36, "entry": 0.14, "names": 0.06, "note": 0.44}
REPORTS_ONLY = {"report": 0.55, "note": 0.45}
"""Shares of texts of each sort: first everything, in the end what the model will be asked for,
and notes, so that it does not forget them."""

SECTION = {"exam": "Examen", "lab": "Bilan", "care": "Traitement"}


def name_of(category: Category, text: str, rng: np.random.Generator) -> str:
    """A name of the category that ``text`` uses, or else any name of it."""
    lowered = text.lower()
    used = [name for name in category.names if name.lower() in lowered]
    return pick(rng, used or category.names)


def texts(
    rng: np.random.Generator,
    knowledge: Knowledge,
    template: str,
    mix: Mapping[str, float],
    max_past: int,
) -> Iterator[str]:
    """Texts without end; the same generator state gives the same texts.

    ``mix``: shares of the sorts of texts; ``max_past``: antecedents of a stay, at most.
    """
    while True:
        sort = weighted(rng, list(mix), list(mix.values()))
        if sort == "report":
            yield _report(rng, knowledge, template, max_past)
        elif sort == "note":
            yield _note(rng, knowledge, max_past)
        elif sort == "entry":
            yield _entry(rng, knowledge, template)
        else:
            names = [pick(rng, knowledge[c].names) for c in sample_codes(rng, knowledge)]
            yield f"{prompts.render(names, template, 'fr')}Conclusion : {'; '.join(names)}."


def _report(rng: np.random.Generator, knowledge: Knowledge, template: str, max_past: int) -> str:
    stay = sample_stay(rng, knowledge, max_past=max_past)
    house = pick(rng, other_hospitals(knowledge))
    text = render(stay, 0.0, house, knowledge, rng, TEXTBOOK)
    keywords = [
        pick(rng, knowledge[code].names)
        if rng.random() < OTHER_NAME
        else name_of(knowledge[code], text, rng)
        for code in stay.codes
    ]
    return prompts.render(keywords, template, "fr") + text


def _note(rng: np.random.Generator, knowledge: Knowledge, max_past: int) -> str:
    stay = sample_stay(rng, knowledge, max_past=max_past)
    house = pick(rng, other_hospitals(knowledge))
    style = weighted(rng, list(WARD_STYLE), list(WARD_STYLE.values()))
    return render(stay, style, house, knowledge, rng)


def _entry(rng: np.random.Generator, knowledge: Knowledge, template: str) -> str:
    category = knowledge[pick(rng, knowledge.codes)]
    lines = [f"{SECTION[kind]} : {_both(rng, category.phrases[kind]['public'])}." for kind in KINDS]
    lines.append(f"Synonyme : {pick(rng, category.names)}.")
    name: Sequence[str] = [pick(rng, category.names)]
    return prompts.render(name, template, "fr") + "\n".join(lines)


def _both(rng: np.random.Generator, phrases: Sequence[str]) -> str:
    first = pick(rng, phrases)
    others = [phrase for phrase in phrases if phrase != first]
    return f"{first}; {pick(rng, others)}" if others else first
