"""The public texts that the tiny base model is pre-trained on, as an endless seeded stream.

Public side only: public medicine at large, textbooks and published cases, of which some come near
to how wards write; never the style of the private hospital.
Reports stand behind their prompt; short encyclopaedic entries and keyword lines teach cheaply
which phrase goes with which name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from synthfr import prompts
from synthfr.corpora.demo.grammar import render
from synthfr.corpora.demo.knowledge import KINDS, Category, Knowledge, Style
from synthfr.corpora.demo.truth import pick, sample_codes, sample_stay, weighted

PUBLIC_STYLE = {0.05: 0.45, 0.3: 0.35, 0.6: 0.2}
"""Hospital-style probability of a public text: its distribution (mean .25)."""

MIXED = {"report": 0.78, "entry": 0.16, "names": 0.06}
REPORTS_ONLY = {"report": 1.0}
"""Shares of texts of each sort: first everything, in the end what the model will be asked for."""

SECTION = {"exam": "Examen", "lab": "Bilan", "care": "Traitement"}


def public_style(rng: np.random.Generator) -> float:
    """How far towards hospital style one public document leans."""
    return weighted(rng, list(PUBLIC_STYLE), list(PUBLIC_STYLE.values()))


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
        elif sort == "entry":
            yield _entry(rng, knowledge, template)
        else:
            names = [pick(rng, knowledge[c].names) for c in sample_codes(rng, knowledge)]
            yield f"{prompts.render(names, template, 'fr')}Conclusion : {'; '.join(names)}."


def _report(rng: np.random.Generator, knowledge: Knowledge, template: str, max_past: int) -> str:
    stay = sample_stay(rng, knowledge, max_past=max_past)
    text = render(stay, public_style(rng), knowledge, rng)
    keywords = [name_of(knowledge[code], text, rng) for code in stay.codes]
    return prompts.render(keywords, template, "fr") + text


def _entry(rng: np.random.Generator, knowledge: Knowledge, template: str) -> str:
    category = knowledge[pick(rng, knowledge.codes)]
    hospital = public_style(rng)
    lines = []
    for kind in KINDS:
        wording: Style = "hospital" if rng.random() < hospital else "public"
        lines.append(f"{SECTION[kind]} : {_both(rng, category.phrases[kind][wording])}.")
    lines.append(f"Synonyme : {pick(rng, category.names)}.")
    name: Sequence[str] = [pick(rng, category.names)]
    return prompts.render(name, template, "fr") + "\n".join(lines)


def _both(rng: np.random.Generator, phrases: Sequence[str]) -> str:
    first = pick(rng, phrases)
    others = [phrase for phrase in phrases if phrase != first]
    return f"{first}; {pick(rng, others)}" if others else first
