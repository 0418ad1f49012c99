"""Contexts of terms: sentences annotated by hand, each rule alone, and what holds for any text.

In a sentence ``[-fièvre]`` is a term that is negated and ``[+toux]`` one that is not.
"""

import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr.icd10.names import Entry
from synthfr.keywords.context import CueRules, contexts_of
from synthfr.keywords.phrase_matcher import PhraseMatcher
from synthfr.text.language_resources import language

FRENCH = """
Il n'y a pas de signe d'[-insuffisance cardiaque].
Absence de [-fièvre] à l'entrée.
Patient sans [-diabète] ni [-hypertension artérielle].
Pas de [-fièvre], [-toux] ou [-dyspnée].
Pas de [-fièvre], de [-toux] ni de [-dyspnée].
Pas de [-fièvre], [+toux] grasse depuis trois jours.
Pas de [-fièvre] mais une [+toux] persistante.
Sans [-fièvre]; [+toux] sèche.
Elle ne présente aucune [-douleur thoracique] et se plaint de [+céphalées].
Ni [-HTA], ni [-diabète], ni [-tabagisme].
Il n'a jamais eu d'[-infarctus du myocarde].
On ne retrouve pas d'[-adénopathie] périphérique.
L'examen n'a pas objectivé d'[-adénopathie] cervicale.
L'échographie n'a pas montré de signes de [-thrombose] ni d'[-ascite].
Il n'a pas été observé de foyers de [-nécrose].
L'[-embolie pulmonaire] a été éliminée par l'angioscanner.
Le scanner a permis d'éliminer une [-embolie pulmonaire].
Recherche de [-tuberculose] négative.
La sérologie de l'[-hépatite B] était négative.
Les sérologies étaient négatives pour la [-toxoplasmose].
[-Fièvre] : non. [+Toux] : oui.
[-Diabète] absent.
[-HTA] : non
Patient non [-diabétique], [+hypertendu].
Il est indemne de toute [-pathologie cardiaque].
Absence d'[-ascite], d'[-adénopathies] profondes et de [-lésions hépatiques].
L'IRM n'a trouvé aucun signe en faveur d'une [-hydrocéphalie].
Il nie toute [-fièvre], [-toux], [-dyspnée].
Aucune [-adénopathie] ou [-thrombose] n'a été détectée.
Pas d'autres symptômes tels que l'[-asthénie], l'[-anorexie] ou la [-fièvre].
Aucun facteur de risque ([-diabète] ou [-tabagisme]).
Pas de [-fièvre] (37,2 °C) ni de [-frissons].
[-Pneumopathie] non retrouvée au contrôle.
Il n'y a plus de [-fièvre] à la sortie.
Pas seulement une [+pneumopathie], aussi une [+pleurésie].
Sans doute une [+embolie pulmonaire].
Il s'agit sans aucun doute d'une [+pneumopathie].
Le scanner n'élimine pas une [+embolie pulmonaire].
Une [+embolie pulmonaire] n'est pas exclue.
Pas d'amélioration de la [+dyspnée] sous diurétiques.
[+Diabète non insulinodépendant] connu, [+HTA] traitée.
[+HTA] non traitée, [+insuffisance cardiaque].
[+Tabagisme] non sevré avec [+bronchite chronique].
Sans antécédents particuliers, il consulte pour une [+anorexie] et une [+anémie].
Hospitalisé pour [+pneumonie] sans [-épanchement pleural].
Sans traitement pour son [+diabète].
L'examen est sans particularité en dehors d'une [+adénopathie] axillaire.
Bilan sans anomalie hormis une [+hypokaliémie].
Une [+toux] sèche sans [-expectoration], puis une [+hémoptysie].
[+Septicémie] à bacilles Gram négatif.
En l'absence de fracture, une [+entorse] est retenue.
[+Fièvre] et [+toux] depuis trois jours.
[+Dyspnée] d'effort, pas de [-douleur thoracique].
- Pas de [-fièvre]\\n- [+Toux] grasse
Pas de\\n[-fièvre] ce jour.
Absence de la voûte crânienne révélant l'[+anencéphalie].
Scanner pour éliminer une [+embolie pulmonaire].
""".strip().splitlines()

ENGLISH = """
There is no evidence of [-pneumonia].
He denies [-chest pain] or [-dyspnea] on exertion.
No [-fever], [-chills], [-cough].
Gastrointestinal: Denies [-hematochezia], [-melena].
Without [-hematuria] or other accompanying manifestations.
The patient does not have [-diabetes].
She did not report [-hematuria] or [-fever].
Patient has no history of [-asthma].
He has never had a [-stroke].
Negative for [-headache], [-bone pain], [-weight loss].
[-Pulmonary embolism] was ruled out by CT.
[-Cushing's syndrome] has been ruled out.
Bence-Jones [-proteinuria] was negative.
[-Melanocytic nevus]: not identified.
[-Fever]: no
No murmurs, no [-cyanosis], no [-edema].
Absence of [-diplopia] was noted.
She can't recall any [-chest pain].
She has neither [-hypertension] nor [-diabetes].
The lungs are clear, no [-wheezing].
Chest x-ray failed to reveal [-pneumonia].
Examination: No [-papilledema].
No increase in [+pleural effusion].
Not only [+pneumonia] but also [+sepsis].
[+Pneumonia] cannot be excluded.
We could not rule out [+pulmonary embolism].
No change in the [+cardiomegaly].
No [-chest pain], but [+dyspnea] on exertion.
Denies [-fever]. Reports [+cough].
No [-fever], however she has [+chills].
[+Non-insulin dependent diabetes] with no [-neuropathy].
[+Hypertension], not well controlled.
A 64-year-old man with no history of interest, who consulted for [+weight loss] and [+anemia].
Without a clear focus, dry [+cough] and [+headache].
He was treated for [+gram negative sepsis].
[+Heart failure] with preserved ejection fraction.
Treatment without success for [+migraine].
CT to rule out [+pulmonary embolism].
- No [-fever]\\n- [+Cough]
Does not improve and starts to present [+diplopia].
""".strip().splitlines()

SENTENCES = {"fr": FRENCH, "en": ENGLISH}
_TERM = re.compile(r"\[([-+])([^\]]+)\]")


def annotated(sentence: str) -> tuple[str, list[tuple[int, int]], list[bool]]:
    """The text, and place and negation of each marked term."""
    text, spans, negated, done = "", [], [], 0
    sentence = sentence.replace("\\n", "\n")
    for found in _TERM.finditer(sentence):
        text += sentence[done : found.start()]
        spans.append((len(text), len(text) + len(found[2])))
        negated.append(found[1] == "-")
        text += found[2]
        done = found.end()
    return text + sentence[done:], spans, negated


def rules(code: str) -> CueRules:
    return CueRules(language(code).contexts["negated"])


def judged(sentence: str, code: str = "fr") -> list[bool]:
    """By sentence, as the extraction asks; the marks for full stops are enough here."""
    text, spans, _ = annotated(sentence)
    ends = [found.end() for found in re.finditer(r"\. (?=[A-Z\[])", text)]
    result: list[bool] = []
    for begin, end in zip([0, *ends], [*ends, len(text)], strict=True):
        own = [(start - begin, stop - begin) for start, stop in spans if begin <= start < end]
        result += rules(code).govern(text[begin:end], own)
    return result


@pytest.mark.parametrize(("code", "least"), [("fr", 40), ("en", 25)])
def test_precision_and_recall_on_sentences_annotated_by_hand(code: str, least: int) -> None:
    assert len(SENTENCES[code]) >= least
    outcomes: Counter[tuple[bool, bool]] = Counter()
    wrong = []
    for sentence in SENTENCES[code]:
        truth, said = annotated(sentence)[2], judged(sentence, code)
        outcomes.update(zip(truth, said, strict=True))
        if truth != said:
            wrong.append(sentence)
    hits = outcomes[True, True]
    # wrong today: "without a clear focus, dry cough and headache" reads like a closed list
    assert hits / (hits + outcomes[False, True]) >= 0.94, wrong
    assert hits / (hits + outcomes[True, False]) >= 0.94, wrong
    # the list can fail: it holds both kinds, near cues as well
    assert hits >= 20 and outcomes[False, False] >= 15


@pytest.mark.parametrize("code", SENTENCES)
def test_negative_control_without_cues_all_negated_ones_are_missed(code: str) -> None:
    cues = language(code).contexts["negated"]
    mute = CueRules(
        replace(cues, preceding_open=(), preceding=(), adjacent=(), following=(), bidirectional=())
    )
    for sentence in SENTENCES[code]:
        text, spans, _ = annotated(sentence)
        assert not any(mute.govern(text, spans))


@pytest.mark.parametrize("dropped", ["pseudo", "termination", "list_closers"])
@pytest.mark.parametrize("code", SENTENCES)
def test_negative_control_every_list_is_needed(code: str, dropped: str) -> None:
    cues = language(code).contexts["negated"]
    poorer = CueRules(replace(cues, **{dropped: ()}))
    assert any(
        poorer.govern(*annotated(sentence)[:2]) != rules(code).govern(*annotated(sentence)[:2])
        for sentence in SENTENCES[code]
    )


@pytest.mark.parametrize(
    "sentence",
    [
        "Pas de [-fièvre] ni de [-toux]",
        "pas de signe clinique, biologique ou radiologique de [-pneumonie]",
        # the comma ends it where nothing closes the list
        "Pas de fièvre, [+toux], [+dyspnée]",
        # more words than a cue reaches over
        "Pas de lésion suspecte visible sur les coupes fines du scanner thoracique réalisé [+HTA]",
        # the inside of a term is closed: neither cue, nor comma, nor "et"
        "[+Diabète sans complication] sous insuline et [+HTA]",
        "Pas de [-fracture fermée, gauche et droite] ni [-luxation]",
        # brackets are skipped from outside and looked out of from inside
        "Sans [-fièvre] (température normale; 37 °C), [-toux] ou [-dyspnée]",
    ],
)
def test_scope(sentence: str) -> None:
    assert judged(sentence) == annotated(sentence)[2]


def test_accents_case_hyphens_and_apostrophes_of_a_cue_do_not_matter() -> None:
    for cue in ("PAS D'", "pas d’", "Pas  d'", "N'a pas été noté d'", "ABSENCE D'"):
        assert judged(f"{cue}[-hématurie]") == [True]
    assert judged("Patient non-[-fumeur].") == [True]
    assert judged("Une e\u0301limine\u0301e.") == []
    assert judged("[-Embolie] e\u0301limine\u0301e.") == [True]


def test_only_what_stands_at_once_after_an_adjacent_cue() -> None:
    assert judged("Non [-diabétique] avec [+HTA]") == [True, False]
    assert judged("Il est non compliant pour son [+diabète]") == [False]


def test_every_cue_is_found_in_a_text_as_it_is_written() -> None:
    for code, sentences in SENTENCES.items():
        cues = language(code).contexts["negated"]
        assert sentences
        for cue in (*cues.preceding_open, *cues.preceding, *cues.bidirectional):
            assert rules(code).govern(f"{cue} xyz", [(len(cue) + 1, len(cue) + 4)]) == [True], cue
        for cue in (*cues.following, *cues.bidirectional):
            assert rules(code).govern(f"xyz {cue}", [(0, 3)]) == [True], cue
        for cue in cues.pseudo:
            assert rules(code).govern(f"{cue} xyz", [(len(cue) + 1, len(cue) + 4)]) == [False], cue


def test_a_language_without_cues_has_no_contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    from synthfr.keywords import context as module

    silent = replace(language("fr"), contexts={})
    monkeypatch.setattr(module, "resources", lambda code: silent)
    contexts_of.cache_clear()
    try:
        assert contexts_of("fr").of_text("Pas de fièvre.", [(7, 13)]) == [frozenset()]
    finally:
        monkeypatch.undo()
        contexts_of.cache_clear()
    assert contexts_of("fr").of_text("Pas de fièvre.", [(7, 13)]) == [{"negated"}]


def test_matches_of_a_text_are_judged_in_their_own_sentence() -> None:
    index = PhraseMatcher([Entry("Fièvre", "R50"), Entry("Toux", "R05"), Entry("Diabète", "E14")])
    text = "Sans doute une toux. Pas de fièvre. Diabète. Fièvre à J2 (toux absente)."
    told = [(match.term, "negated" in match.contexts) for match in index.extract([text], "fr")[0]]
    assert told == [
        ("Toux", False), ("Fièvre", True), ("Diabète", False), ("Fièvre", False), ("Toux", True),
    ]  # fmt: skip


def cue_words(code: str) -> set[str]:
    """First words of all that negates."""
    return set(rules(code)._starts)


PLAIN = "une toux avec fièvre, dyspnée (HTA) et douleur ; mais le patient, ou la fièvre est là\n12"


@given(st.lists(st.sampled_from(PLAIN.split(" ")), min_size=1, max_size=20), st.data())
@settings(max_examples=150, deadline=None)
def test_without_a_cue_nothing_is_negated(words: list[str], data: st.DataObject) -> None:
    assert not {word.strip("(),;") for word in words} & cue_words("fr")
    text = " ".join(words).replace("(", "").replace(":", "")
    begin = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(begin + 1, len(text)))
    assert rules("fr").govern(text, [(begin, end)]) == [False]


@given(st.text(max_size=80), st.sampled_from(sorted(SENTENCES)))
@settings(max_examples=150, deadline=None)
def test_any_text_gives_one_answer_for_each_span(text: str, code: str) -> None:
    spans = [(found.start(), found.end()) for found in re.finditer(r"\w+", text)]
    answers = rules(code).govern(text, spans)
    assert len(answers) == len(spans)
    # terms are opaque: where every word is one, no cue is left
    assert not any(answers) or re.search(r"[(:]", text)


# each context by sentences of its own: "?" may be, "&" of a relative, "<" of the past, "+" none
CONTEXTS = {
    "fr": """
Suspicion d'[?embolie pulmonaire].
Pneumopathie possible: [?pneumonie] possible.
À la recherche d'une [?tuberculose].
Scanner pour éliminer une [?embolie pulmonaire].
Les sérologies de [?toxoplasmose], [?rubéole] ou [?syphilis] sont revenues hier.
Patiente à risque d'[?hémorragie].
Facteurs de risque cardiovasculaire : [+HTA], [+diabète].
Sa mère a un [&diabète].
Antécédents familiaux : [&cancer du sein], [&HTA].
Mère : [&diabète].
Sa mère rapporte une [+fièvre] depuis trois jours.
Lait de mère et [+fièvre].
Antécédents : [<infarctus du myocarde], [<HTA].
Antécédent de [<tuberculose] il y a dix ans, consulte pour une [+toux].
[<Asthme] dans l'enfance.
Patient hospitalisé pour [+fièvre] et [+toux].
""",
    "en": """
Suspicion of [?pulmonary embolism].
Possible [?pneumonia].
CT to evaluate for [?appendicitis].
He was at risk of [?bleeding].
Cardiovascular risk factors: [+hypertension], [+diabetes].
His mother has [&diabetes].
Family history of [&breast cancer].
Mother: [&diabetes].
Mother reports [+fever] for three days.
Past medical history: [<myocardial infarction], [<hypertension].
History of [<tuberculosis], presented with [+cough].
[<Asthma] in childhood.
Admitted for [+fever] and [+cough].
""",
}
_CONTEXT_TERM = re.compile(r"\[([?&<+])([^\]]+)\]")
_SIGNS = {"?": "hypothetical", "&": "family", "<": "history"}


def told(sentence: str, code: str) -> tuple[list[set[str]], list[frozenset[str]]]:
    """The marked contexts of the terms in a sentence, and those found."""
    text, spans, marked, done = "", [], [], 0
    for found in _CONTEXT_TERM.finditer(sentence):
        text += sentence[done : found.start()]
        spans.append((len(text), len(text) + len(found[2])))
        marked.append({_SIGNS[found[1]]} if found[1] in _SIGNS else set())
        text += found[2]
        done = found.end()
    return marked, contexts_of(code).of_text(text + sentence[done:], spans)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [(code, one) for code, text in CONTEXTS.items() for one in text.strip().splitlines()],
)
def test_what_may_be_what_was_and_whose_it_is(code: str, sentence: str) -> None:
    marked, found = told(sentence, code)
    assert found == marked


def test_a_term_may_stand_in_several_contexts() -> None:
    _, [context] = told("Sa mère n'a pas de [&diabète].", "fr")
    assert context == {"family", "negated"}
