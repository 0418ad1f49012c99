"""Languages of the package at work: keywords and their contexts, headings and sentences.

In a text ``[feber R50 negated]`` is a term, its code and its contexts.
"""

import re
from pathlib import Path

import pandas as pd
import pytest

from synthfr.corpora.files.lexicon import lexicon
from synthfr.corpora.files.wordings import wordings
from synthfr.icd10.names import LEXICON, Entry
from synthfr.keywords.phrase_matcher import PhraseMatcher
from synthfr.text import language, sentences, strip_headings

SWEDISH = """
Patienten söker för [andfåddhet R06.0] och [svår huvudvärk R51] sedan ett år.
Ingen [feber R50 negated], [hosta R05 negated] eller [illamående R11 negated].
Förnekar [yrsel R42 negated], [bröstsmärtor R07.4 negated].
Status: Inga tecken till [pneumoni J18 negated]. [Perifera ödem R60].
[Hypertonin I10] är välkontrollerad, [astman J45] också.
[UVI N39.0 negated] uteslöts. Misstänkt [lungemboli I26 hypothetical].
Mor hade [bröstcancer C50 family]. Får [ont i bröstet R07.4] vid ansträngning.
Tidigare [stroke I64 history].
"""
RUSSIAN = """
Жалобы на [головные боли R51], [боли в поясничном отделе M54.5], [одышку R06.0] при ходьбе.
[Тошноты R11 negated] нет. [Кашель R05 negated] не беспокоит.
Отрицает [отеки R60 negated], [головокружение R42 negated].
Без температуры, [кашля R05 negated] и [насморка J00 negated].
[Кашель R05] без эффекта от лечения.
В анамнезе [гипотиреоз E03 history]. Подозрение на [пневмонию J18 hypothetical].
У матери [сахарный диабет E14 family].
[Артериальная гипертензия I10], [ИБС I25], [хроническая сердечная недостаточность I50].
"""
TEXTS = {"sv": SWEDISH, "ru": RUSSIAN}
MARKED = re.compile(r"\[([^\]]+?) ([A-Z]\d[\d.]+)((?: [a-z]+)*)\]")


def entries(code: str) -> list[Entry]:
    return [Entry(term, known, LEXICON) for term, known in lexicon(code, "all")]


def found(text: str, code: str) -> list[tuple[str, str, set[str]]]:
    matches = PhraseMatcher(entries(code)).extract([text], code)[0]
    return [(text[one.start : one.end], one.code, set(one.contexts)) for one in matches]


@pytest.mark.parametrize("code", TEXTS)
def test_terms_and_their_contexts(code: str) -> None:
    for line in TEXTS[code].strip().splitlines():
        wanted = [(term, known, set(told.split())) for term, known, told in MARKED.findall(line)]
        assert wanted and found(MARKED.sub(r"\1", line), code) == wanted


def test_letters_that_distinguish_words() -> None:
    swedish = PhraseMatcher([Entry("lår", "Z00"), Entry("svår", "Z01")])
    text = "Är svaret svårt? Lar och lår."
    assert [text[one.start : one.end] for one in swedish.extract([text], "sv")[0]] == [
        "svårt",
        "lår",
    ]
    # "får" (gets) is no "far" (father), whose diseases are not the patient's
    assert found("Hon får feber.", "sv") == [("feber", "R50", set())]
    assert found("Hennes far hade feber.", "sv") == [("feber", "R50", {"family"})]


def test_negative_control_french_does_not_keep_them() -> None:
    matches = PhraseMatcher([Entry("lår", "Z00")]).extract(["Lar et lår."], "fr")[0]
    assert len(matches) == 2


def test_headings_and_titles() -> None:
    long = "Epikrisen skickas idag till honom, hans mor och vården i kommunen."
    swedish = f"Epikris\nAnamnes: Feber sedan i går.\nSTATUS:\nBedömning: UVI.\n{long}"
    assert strip_headings(swedish, "sv").splitlines() == [
        "Feber sedan i går.",
        "UVI.",
        long,
    ]
    russian = (
        "Выписной эпикриз\nЖалобы: кашель.\nAn. morbi: болен неделю.\nДиагноз: ОРВИ.\nТА: 120/80"
    )
    assert strip_headings(russian, "ru").splitlines() == [
        "кашель.",
        "болен неделю.",
        "ОРВИ.",
        "ТА: 120/80",
    ]


def test_sentences() -> None:
    text = "Болен с 3-го дня, т.е. давно. Йод принимает! Ёлка?"
    forms = [one.form for one in next(iter(sentences.split([text], "ru")))]
    assert forms == ["болен с го дня те давно", "йод принимает", "елка"]
    swedish = [
        one.form for one in next(iter(sentences.split(["Hb lågt, dvs. 90. Åter i år."], "sv")))
    ]
    assert swedish == ["hb lågt dvs", "åter i år"]


def test_inflection() -> None:
    swedish, russian = (language(code).inflection for code in ("sv", "ru"))
    for words in ("smärta smärtan smärtor smärtorna", "svår svåra svårt", "feber febern"):
        assert len({swedish.stem(word) for word in words.split()}) == 1, words
    for words in ("боль боли болей болью болями", "головная головной головные", "кашель кашля"):
        assert len({russian.stem(word) for word in words.split()}) == 1, words
    # negative control: words that only look alike
    assert swedish.stem("hosta") != swedish.stem("hos")
    assert russian.stem("рана") != russian.stem("рано")


def test_labels_become_wordings() -> None:
    assert wordings("C16", "Злокачественное новообразование желудка", language("ru")) == [
        "рак желудка",
        "злокачественное новообразование желудка",
    ]
    assert wordings("I10", "Эссенциальная [первичная] гипертензия", language("ru")) == [
        "эссенциальная гипертензия"
    ]
    assert wordings("C34", "Malign tumör i lunga", language("sv"))[0] == "cancer i lunga"
    # negative control: labels of groups
    assert wordings("J98", "Другие респираторные нарушения", language("ru")) == []
    assert wordings("J98", "Andra sjukdomar i andningsorganen", language("sv")) == []


def test_real_complaints(real_corpora: Path) -> None:
    complaints = pd.read_parquet(real_corpora / "ru_rumedtop3_train_dev.parquet")
    texts = complaints["text"].tolist()[:1000]
    matches = PhraseMatcher(entries("ru")).extract(texts, "ru")
    assert sum(map(bool, matches)) / len(texts) >= 0.8
    negated = sum("negated" in one.contexts for own in matches for one in own)
    assert 0.01 <= negated / sum(map(len, matches)) <= 0.1
    # negative control: in another language hardly any word is one of its terms
    swedish = PhraseMatcher(entries("sv")).extract(texts, "sv")
    assert sum(map(bool, swedish)) / len(texts) <= 0.02
