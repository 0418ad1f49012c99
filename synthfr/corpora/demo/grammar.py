"""Writes a stay down as a French discharge report, in textbook or in hospital wording.

``hospital`` (0 to 1) is the probability that any one slot, a phrase or a name, is written the way
wards write: shortened, branded, and implying a disease rather than naming it. Which of a ward's
phrases it then is, and how often, is a habit of the hospital (``hospitals.py``).
Facts stand in the order of the codes, which is also the order of the keywords.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthfr.corpora.demo.hospitals import Hospital, Layout
from synthfr.corpora.demo.knowledge import Category, Kind, Knowledge, Style
from synthfr.corpora.demo.truth import Problem, Stay, pick

NAMED = {"public": 0.95, "hospital": 0.5}
"""Probability that a disease is named at all, by the wording of the slot."""
PROBLEM_LIST = 0.5
"""Share of reports that begin with a list of the diagnoses, in a house that does so."""


def render(
    stay: Stay,
    hospital: float,
    house: Hospital,
    knowledge: Knowledge,
    rng: np.random.Generator,
    layout: Layout | None = None,
) -> str:
    """The report of a stay, as `house` writes it; `hospital`: probability that a slot is in ward
    wording. `layout`: other titles and headings than the house's own.
    """
    layout = layout or house.layout

    def style() -> Style:
        return "hospital" if rng.random() < hospital else "public"

    def fact(problem: Problem, kind: Kind) -> str:
        if style() == "hospital":
            return house.fact((problem.code, kind, problem is stay.active[0]), rng)
        return pick(rng, knowledge[problem.code].phrases[kind]["public"])

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
    sections: tuple[Sequence[str], ...] = (
        [_reason(stay, style(), layout, knowledge, rng)],
        past,
        listed("exam"),
        listed("lab"),
        [*listed("care"), pick(rng, layout.discharge)],
        [item for problem in stay.active for item in name(problem)],
    )
    lines = [layout.title.format(day=stay.day, month=stay.month)]
    if layout.problems and rng.random() < PROBLEM_LIST:
        names = [pick(rng, knowledge[code].names) for code in stay.codes]
        lines.append(f"{layout.problems} : {'; '.join(names)}.")
    for heading, section in zip(layout.headings, sections, strict=True):
        lines.append(f"{heading} : {'; '.join(section or [pick(rng, layout.nothing)])}.")
    return "\n".join(lines)


def _names(category: Category, style: Style) -> tuple[str, ...]:
    return category.terms if style == "public" else category.jargon


def _reason(
    stay: Stay, style: Style, layout: Layout, knowledge: Knowledge, rng: np.random.Generator
) -> str:
    if style == "hospital" and layout.admission:
        return f"{stay.sex}{stay.age}, {pick(rng, layout.admission)}"
    patient = "patient" if stay.sex == "M" else "patiente"
    return f"{patient} de {stay.age} ans, {pick(rng, knowledge[stay.active[0].code].reason)}"
