"""The extraction and the export on real cases and the full CIM-10, where they are at hand."""

from pathlib import Path

import pandas as pd
import pytest

from synthfr import corpora, records
from synthfr.corpora import Seed
from synthfr.icd10.names import Entry, names
from synthfr.keywords.export import export
from synthfr.keywords.matching import Match
from synthfr.keywords.ngram_matcher import NgramMatcher
from synthfr.pipeline.parameters import load_params
from synthfr.text import language, normalise
from synthfr.text.sentences import split

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def corpus(real_corpora: Path) -> corpora.Corpus:
    cases = real_corpora / "fr_e3c_cases.parquet"
    coded = real_corpora / "fr_codiesp_icd10_train.parquet"
    table = real_corpora / "cim10.parquet"
    sources = {
        "public": {"path": str(cases), "columns": {"report_id": "id"}},
        "private": {
            "path": str(coded),
            "columns": {"report_id": "id", "codes": "codes_cim10_fr"},
        },
        "codes": {"path": str(table), "columns": {"label": "label_fr"}},
    }
    seed = {
        "source": "files",
        "language": "fr",
        "demo": {"public": 1, "private_train": 1, "private_holdout": 1},
        "files": {**sources, "list_separator": ";", "holdout_share": 0.3},
    }
    return corpora.load(Seed.model_validate(seed), 0)


@pytest.fixture(scope="module")
def index(corpus: corpora.Corpus) -> NgramMatcher:
    labels = zip(corpus.codes["label"], corpus.codes["code"], strict=True)
    return NgramMatcher([Entry(*names) for names in labels], min_chars=3)


def test_the_files_are_read(corpus: corpora.Corpus) -> None:
    assert len(corpus.public) == 1007
    assert len(corpus.private_train) + len(corpus.private_holdout) == 379
    assert len(corpus.codes) > 42_000
    assert corpus.codes.set_index("code").loc["A00.0", "label"].startswith("Choléra")


def test_every_label_that_stands_there_is_found_or_inside_a_longer_match(
    corpus: corpora.Corpus, index: NgramMatcher
) -> None:
    texts = corpus.public["text"].tolist()[:60]
    labels = {form for label in corpus.codes["label"] if len(form := normalise(label)) >= 3}
    known = language("fr")
    met = 0
    extracted = index.extract(texts, "fr")
    for text, sentences, matches in zip(texts, split(texts, "fr"), extracted, strict=True):
        for words in (sentence.words for sentence in sentences):
            for first, begin in enumerate(words):
                for end in words[first : first + 5]:
                    form = normalise(text[begin.text_begin : end.text_end])
                    alone = begin is end and form in known.stop_words
                    if form in labels and not (begin.is_function or end.is_function or alone):
                        met += 1
                        start, stop = begin.text_begin, end.text_end
                        assert any(
                            (match.start <= start and stop <= match.end)
                            # or cut by a longer label that stands there word for word as well
                            or (match.start < stop and start < match.end and exact(text, match))
                            for match in matches
                        )
    assert met > 30


def exact(text: str, match: Match) -> bool:
    return normalise(text[match.start : match.end]) == normalise(match.term)


def test_negative_control_words_in_alphabetical_order_hold_fewer_terms(
    corpus: corpora.Corpus, index: NgramMatcher
) -> None:
    texts = corpus.public["text"].tolist()[:60]
    jumbled = [" ".join(sorted(text.split())) for text in texts]
    found, by_chance = (
        sum(
            len(normalise(match.term).split()) > 1
            for matches in index.extract(some, "fr")
            for match in matches
        )
        for some in (texts, jumbled)
    )
    assert found > 5 * by_chance


@pytest.mark.parametrize(("completed", "least"), [(False, 80), (True, 200)])
def test_the_whole_export(corpus: corpora.Corpus, completed: bool, least: int) -> None:
    params = load_params(Path(__file__).parents[2] / "params.yaml").keywords
    params = params.model_copy(update={"complete_from_codes": completed})
    small = corpus.public.iloc[:120]
    done = export(small, corpus.private_train, corpus.codes, params, "plain", 0)
    for frame, table in (
        (done.sft, records.SFT),
        (done.prompts, records.PROMPTS),
        (done.code_sets, records.CODE_SETS),
        (done.keyed, records.KEYED),
    ):
        records.validate(frame, table, table.name)
    assert len(done.prompts) > least
    assert all(done.counts[side]["negated_share"] > 0.05 for side in ("public", "private"))
    terms = {term for terms in names(corpus.codes).values() for term in terms}
    counts = pd.Series([term for own in done.prompts["keywords"] for term in own]).value_counts()
    assert set(counts.index) <= terms
    assert counts.min() >= params.min_documents
    assert set(done.code_sets["kind"]) == {"size", "code", "pair"}
