"""Writes a stay down as a French discharge report, in textbook or in hospital style.

``hospital`` (0 to 1) is the probability that any one slot, a phrase, a name or a heading, is
written the way wards write: shortened, branded, and implying a disease rather than naming it.
Facts stand in the order of the codes, which is also the order of the keywords.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthfr.corpora.demo.knowledge import Category, Kind, Knowledge, Style
from synthfr.corpora.demo.truth import Problem, Stay, pick

NAMED = {"public": 0.95, "hospital": 0.36}
"""Probability that a disease is named at all, by the style of the slot."""

TITLE: dict[Style, str] = {
    "public": "COMPTE RENDU D'HOSPITALISATION",
    "hospital": "CRH du {day:02d}/{month:02d}",
}
HEADINGS: dict[Style, dict[str, str]] = {
    "public": {
        "reason": "Motif",
        "past": "Antécédents",
        "exam": "Examen",
        "lab": "Bilan",
        "care": "Traitement",
        "summary": "Conclusion",
    },
    "hospital": {
        "reason": "MDE",
        "past": "ATCD",
        "exam": "Clin",
        "lab": "Bio/Im",
        "care": "CAT",
        "summary": "Au total",
    },
}
ADMISSION = ("via SAU", "adr MT", "entrée directe", "transfert SSR")
NOTHING: dict[Style, tuple[str, ...]] = {
    "public": ("sans particularité", "rien à signaler"),
    "hospital": ("RAS", "sp"),
}
DISCHARGE: dict[Style, tuple[str, ...]] = {
    "public": ("retour à domicile", "contrôle dans un mois", "sortie avec traitement"),
    "hospital": ("RAD J5", "cs 1 mois", "sortie SSR", "ttt idem"),
}


def render(stay: Stay, hospital: float, knowledge: Knowledge, rng: np.random.Generator) -> str:
    """The report of a stay; ``hospital``: probability that a slot is in hospital style."""

    def style() -> Style:
        return "hospital" if rng.random() < hospital else "public"

    def fact(problem: Problem, kind: Kind) -> str:
        return pick(rng, knowledge[problem.code].phrases[kind][style()])

    def name(problem: Problem) -> list[str]:
        wording = style()
        if rng.random() >= NAMED[wording]:
            return []
        return [pick(rng, _names(knowledge[problem.code], wording))]

    def listed(kind: Kind) -> list[str]:
        return [fact(problem, kind) for problem in stay.active if kind in problem.kinds]

    past = [
        item
        for problem in stay.past
        for item in [*name(problem), *(fact(problem, kind) for kind in problem.kinds)]
    ]
    sections = {
        "reason": [_reason(stay, style(), knowledge, rng)],
        "past": past,
        "exam": listed("exam"),
        "lab": listed("lab"),
        "care": [*listed("care"), pick(rng, DISCHARGE[style()])],
        "summary": [item for problem in stay.active for item in name(problem)],
    }
    layout = style()
    lines = [TITLE[layout].format(day=stay.day, month=stay.month)]
    for section, heading in HEADINGS[layout].items():
        items: Sequence[str] = sections[section] or [pick(rng, NOTHING[style()])]
        lines.append(f"{heading} : {'; '.join(items)}.")
    return "\n".join(lines)


def _names(category: Category, style: Style) -> tuple[str, ...]:
    return category.terms if style == "public" else category.jargon


def _reason(stay: Stay, style: Style, knowledge: Knowledge, rng: np.random.Generator) -> str:
    if style == "hospital":
        return f"{stay.sex}{stay.age}, {pick(rng, ADMISSION)}"
    patient = "patient" if stay.sex == "M" else "patiente"
    return f"{patient} de {stay.age} ans, {pick(rng, knowledge[stay.active[0].code].reason)}"
