"""The negation rate beside ``eds.negation`` of edsnlp and beside labels by hand.

Sentences written for this test after the rule was finished; the rule was not changed to suit them.
A term in ``[-...]`` is denied, one in ``[+...]`` is not.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from synthfr.fidelity.content import denied, negated_share
from tests.keywords.test_context import annotated

SENTENCES = """
Pas de [-fièvre] ni de [-frissons] à l'admission.
Le patient nie toute consommation d'[-alcool].
Auscultation sans [-râles crépitants], [+souffle systolique] au foyer aortique.
Elle n'a pas présenté de [-saignement] depuis l'intervention.
[+Douleur abdominale] diffuse avec [+vomissements] alimentaires.
Absence d'[-œdème] des membres inférieurs.
Pas de [-syncope], pas de [-palpitations], mais une [+dyspnée] stade II.
Le bilan ne retrouve aucune [-anémie].
La radiographie montre un [+foyer basal droit] sans [-épanchement].
[+Hypertension] mal contrôlée malgré trois médicaments.
Aucun argument pour une [-embolie pulmonaire].
Scanner cérébral : pas d'[-hémorragie], [+leucoaraïose] modérée.
Le patient ne se plaint plus de [-céphalées].
On note une [+éruption] prurigineuse du tronc.
ECBU stérile, pas d'argument pour une [-infection urinaire].
Ni [-nausées] ni [-diarrhée].
Hypothèse d'une [-méningite] écartée par la ponction lombaire.
Le [+diabète] n'est pas équilibré.
[+Chute] sans [-perte de connaissance] ni [-traumatisme crânien].
[-Allergie] : aucune.
Abdomen souple, [-défense] absente.
La recherche de [-BHRe] est négative.
Malgré l'absence de [-toux], une [+pneumopathie] est retenue.
L'échographie élimine une [-thrombose veineuse].
Ancien fumeur, [+BPCO] stade 3 sous oxygène.
Impossible d'exclure une [+fracture] du scaphoïde.
Pas de franche amélioration de l'[+ictère].
Il n'existe pas de signe clinique de [-phlébite].
[+Insuffisance rénale] chronique, non dialysée.
Sans [-antécédent chirurgical]. Suivi pour une [+polyarthrite].
Patiente apyrétique, [+toux] productive persistante.
Le transit est conservé, pas de [-rectorragie].
""".strip().splitlines()


@dataclass(frozen=True)
class Read:
    """What is denied, by whom: of the marked terms (by their first word) and of all content
    words.
    """

    by_hand: list[bool]
    terms: dict[str, list[bool]]
    words: dict[str, list[bool]]

    def right(self, who: str) -> float:
        return agreement(self.terms[who], self.by_hand)


def agreement(one: list[bool], other: list[bool]) -> float:
    return sum(a == b for a, b in zip(one, other, strict=True)) / len(one)


@pytest.fixture(scope="module")
def read() -> Read:
    if find_spec("edsnlp") is None:  # an import would change spaCy for all tests that follow
        pytest.skip("edsnlp is not installed")
    rows = [annotated(sentence) for sentence in SENTENCES]
    ours = [denied(text, "fr") for text, _, _ in rows]
    asked = [
        [text, [span for span, _ in own]] for (text, _, _), own in zip(rows, ours, strict=True)
    ]
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("eds_negation.py")],
        input=json.dumps(asked), capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = Read([], {"synthfr": [], "edsnlp": []}, {"synthfr": [], "edsnlp": []})
    for (_, terms, by_hand), own, eds in zip(rows, ours, json.loads(done.stdout), strict=True):
        answers = {"synthfr": [one for _, one in own], "edsnlp": eds}
        begins = [begin for (begin, _), _ in own]
        first = [begins.index(begin) for begin, _ in terms]
        found.by_hand.extend(by_hand)
        for who, said in answers.items():
            found.words[who].extend(said)
            found.terms[who].extend(said[at] for at in first)
    return found


@pytest.mark.slow
def test_terms_are_read_as_rightly_as_by_edsnlp(read: Read) -> None:
    """41 of 44 against 40; the two agree on 43."""
    assert len(read.by_hand) == 44 and sum(read.by_hand) == 27
    assert read.right("synthfr") >= max(0.93, read.right("edsnlp"))
    assert agreement(*read.terms.values()) > 0.97


@pytest.mark.slow
def test_the_rate_is_that_of_edsnlp(read: Read) -> None:
    """48 of 102 content words, of both; they agree on 100."""
    ours, eds = (sum(said) / len(said) for said in read.words.values())
    assert ours == pytest.approx(eds, abs=0.02)
    assert agreement(*read.words.values()) > 0.97
    # the control: cues of another language
    assert sum(negated_share(annotated(one)[0], "en") for one in SENTENCES) < 0.1 * ours * 32


def test_the_rate_is_the_share_of_denied_words() -> None:
    assert denied("Pas de fièvre. Toux grasse.", "fr") == [
        ((7, 13), True), ((15, 19), False), ((20, 26), False),
    ]  # fmt: skip
    assert negated_share("Pas de fièvre. Toux grasse.", "fr") == pytest.approx(1 / 3)
    assert negated_share("", "fr") == 0
