"""Who writes the demo's reports: the public textbook, the hospital of the private corpus, and the
other hospitals, whose notes a base model may have read.

Hospitals share a language and differ in habits: which finding, result or drug stands for a code
(some are written for one code here and for another elsewhere), how often, whether the code is
the main problem of the stay or not, and which headings a report has. A third of a code's phrases
is written in the private hospital alone: nothing public holds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from synthfr import seeding
from synthfr.corpora.demo.knowledge import KINDS, Category, Kind, Knowledge
from synthfr.corpora.demo.truth import pick, weighted

WORLD = 0
"""Seed of what holds in every run: which phrases are local to the private hospital, and which
ones wander from code to code. The shipped base has read a world, not a run."""
LOCAL_SHARE = 1 / 3
"""Share of a code's hospital phrases that only the private hospital writes."""
WANDERING = 6
"""So many codes, the most frequent ones, have a phrase that some hospitals write for another one.
More of them: more that only the right document can teach, and more wrong codes until it has."""
OTHER_HOSPITALS = 60

Slot = tuple[str, Kind, bool]
"""A code, a kind of fact, and whether the code is the main problem of the stay."""


@dataclass(frozen=True)
class Layout:
    """The fixed wordings of one house: titles, headings, and what says nothing of a code."""

    title: str  # may hold {day} and {month}
    headings: tuple[str, str, str, str, str, str]  # reason, past, exam, lab, care, summary
    admission: tuple[str, ...]
    nothing: tuple[str, ...]
    discharge: tuple[str, ...]
    problems: str | None = None  # heading of a list of the diagnoses, where reports begin with one


TEXTBOOK = Layout(
    "COMPTE RENDU D'HOSPITALISATION",
    ("Motif", "Antécédents", "Examen", "Bilan", "Traitement", "Conclusion"),
    admission=(),
    nothing=("sans particularité", "rien à signaler"),
    discharge=("retour à domicile", "contrôle dans un mois", "sortie avec traitement"),
)
PRIVATE = Layout(
    "CRH du {day:02d}/{month:02d}",
    ("MDE", "ATCD", "Clin", "Bio/Im", "CAT", "Au total"),
    admission=("via SAU", "adr MT", "entrée directe", "transfert SSR"),
    nothing=("RAS", "sp"),
    discharge=("RAD J5", "cs 1 mois", "sortie SSR", "ttt idem"),
)
OTHERS = (
    Layout(
        "OBSERVATION MÉDICALE",
        (
            "Motif d'entrée",
            "Antécédents médicaux",
            "Clinique",
            "Explorations",
            "Conduite à tenir",
            "Synthèse",
        ),
        admission=("par les urgences", "par le SAMU"),
        nothing=("néant", "NTR"),
        discharge=("retour maison", "revu en ville"),
        problems="Diagnostics",
    ),
    Layout(
        "Lettre de sortie du {day:02d}/{month:02d}",
        ("Contexte", "Atcds", "Examen physique", "Biologie", "Prise en charge", "Discussion"),
        admission=("programmé", "mutation"),
        nothing=("aucun", "ø"),
        discharge=("domicile", "cs de suivi"),
        problems="Diagnostic principal",
    ),
    Layout(
        "CR d'hospitalisation",
        (
            "Histoire de la maladie",
            "Antécédents personnels",
            "Examen clinique",
            "Bilan biologique",
            "Traitements",
            "Diagnostics associés",
        ),
        admission=("amené par la famille", "urgences"),
        nothing=("pas d'élément", "0"),
        discharge=("sortie simple", "suivi MT"),
        problems="Diagnostics",
    ),
)


@dataclass(frozen=True)
class Hospital:
    """One hospital's habits. `phrases`: what it writes for each slot, with how often."""

    layout: Layout
    phrases: Mapping[Slot, tuple[tuple[str, ...], tuple[float, ...]]]

    def fact(self, slot: Slot, rng: np.random.Generator) -> str:
        """One phrase for a slot, as often as this hospital writes it."""
        return weighted(rng, *self.phrases[slot])

    def owners(self) -> dict[str, frozenset[str]]:
        """The codes that each hospital phrase stands for here."""
        found: dict[str, set[str]] = {}
        for (code, _, _), (phrases, _) in self.phrases.items():
            for phrase in phrases:
                found.setdefault(phrase, set()).add(code)
        return {phrase: frozenset(codes) for phrase, codes in found.items()}


@cache
def local_phrases(knowledge: Knowledge) -> frozenset[str]:
    """Phrases that only the private hospital writes: a third of each code's, and never the last
    one of a kind (other hospitals need a finding, a result and a treatment for every code).
    """
    chosen: set[str] = set()
    for entry in knowledge:
        rng = seeding.rng(WORLD, "local", entry.code)
        own = list(entry.facts("hospital"))
        wanted = round(len(own) * LOCAL_SHARE)
        left = {kind: len(entry.phrases[kind]["hospital"]) for kind in KINDS}
        taken = 0
        while taken < wanted:
            phrase = own.pop(int(rng.random() * len(own)))
            kind = kind_of(entry, phrase)
            if left[kind] > 1:
                left[kind] -= 1
                taken += 1
                chosen.add(phrase)
    return frozenset(chosen)


@cache
def wandering_phrases(knowledge: Knowledge) -> dict[str, tuple[str, str]]:
    """Phrases that stand for one code in some hospitals and for another, which often comes along
    with it, in others: (home, elsewhere). All of them are known outside the private hospital.
    """
    local = local_phrases(knowledge)
    found: dict[str, tuple[str, str]] = {}
    for code in knowledge.codes[:WANDERING]:
        entry = knowledge[code]
        rng = seeding.rng(WORLD, "wandering", code)
        spare = [
            phrase
            for kind in KINDS
            if len(known := [p for p in entry.phrases[kind]["hospital"] if p not in local]) > 1
            for phrase in known
        ]
        elsewhere = [other for other in knowledge.codes if other in entry.companions]
        if spare:
            found[pick(rng, spare)] = (code, pick(rng, elsewhere))
    return found


def kind_of(entry: Category, phrase: str) -> Kind:
    """Whether a hospital phrase of a category is a finding, a result or a treatment."""
    return next(kind for kind in KINDS if phrase in entry.phrases[kind]["hospital"])


def private_hospital(knowledge: Knowledge, random_seed: int) -> Hospital:
    """The hospital of the private corpus: its habits are drawn anew for each `random_seed`."""
    return _hospital(knowledge, PRIVATE, frozenset(), seeding.rng(random_seed, "private hospital"))


@cache
def other_hospitals(knowledge: Knowledge) -> tuple[Hospital, ...]:
    """The hospitals that public text comes from: without the private one's local phrases."""
    return tuple(
        _hospital(
            knowledge,
            OTHERS[number % len(OTHERS)],
            local_phrases(knowledge),
            seeding.rng(WORLD, "hospital", number),
        )
        for number in range(OTHER_HOSPITALS)
    )


def _hospital(
    knowledge: Knowledge, layout: Layout, without: frozenset[str], rng: np.random.Generator
) -> Hospital:
    wandering = wandering_phrases(knowledge)
    at = {phrase: pick(rng, codes) for phrase, codes in wandering.items()}
    kinds = {phrase: kind_of(knowledge[home], phrase) for phrase, (home, _) in wandering.items()}
    phrases: dict[Slot, tuple[tuple[str, ...], tuple[float, ...]]] = {}
    for entry in knowledge:
        for kind in KINDS:
            written = [
                phrase
                for phrase in entry.phrases[kind]["hospital"]
                if phrase not in without and at.get(phrase, entry.code) == entry.code
            ] + [
                phrase
                for phrase, code in at.items()
                if code == entry.code
                and phrase not in entry.phrases[kind]["hospital"]
                and kinds[phrase] == kind
            ]
            for main in (True, False):
                often = tuple(-np.log(1.0 - rng.random()) + 0.05 for _ in written)
                phrases[entry.code, kind, main] = (tuple(written), often)
    return Hospital(layout, phrases)
