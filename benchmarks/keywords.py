"""Keyword extraction: how fast against edsnlp, and how right against gold codes.

``python -m benchmarks.keywords [REPORTS] [--text-column text] [--documents 200]``
``python -m benchmarks.keywords REPORTS --gold COLUMN [--language fr] [--codes LIST]``

The second command compares the categories of the keywords that are found and not skipped with those
of the gold codes, document by document, and prints precision and recall (micro), also with the
labels alone, with the original's n-grams, and with the codes of another document (the control that
should fail); `--terms N` lists the N terms that are wrong most often.

REPORTS is a Parquet, CSV or JSONL file of French reports; without it, reports of the demo corpus
are joined to the length of real ones. All get the official labels (no bare codes); n-grams and
edsnlp the same threshold and window. Ours also tell contexts, edsnlp does not. Each runs in a
process of its own, one after the other. Seconds are CPU seconds, so that other work on the machine
does not count; building pipeline and index counts, imports do not. Then every place where a label
stands word for word, as spaCy's PhraseMatcher finds it, is looked for among our matches.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from synthfr.text import Language

LANGUAGE = "fr"
THRESHOLD = 0.8
MAX_WINDOW_TOKENS = 5
_REPORTS_JOINED = 6  # demo reports have some 50 words, real ones 300

Texts = list[str]
Entries = list[tuple[str, str]]
Found = list[list[tuple[int, int, str]]]  # of each text: spans in characters, and codes


def main(
    reports: Annotated[Path | None, typer.Argument(help="File with French reports.")] = None,
    text_column: str = "text",
    documents: int = 200,
    gold: Annotated[str | None, typer.Option(help="Column with gold codes.")] = None,
    language: str = LANGUAGE,
    codes: Annotated[Path | None, typer.Option(help="Code list: code, label.")] = None,
    label_column: str = "label",
    terms: Annotated[int, typer.Option(help="List the terms that are wrong most often.")] = 0,
    only: Annotated[str | None, typer.Option(hidden=True)] = None,
    work: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Compare documents per second and peak memory; or keywords with gold codes."""
    if only and work:
        _measure(only, work)
        return
    if reports and gold:
        against_gold(reports, text_column, gold, language, codes, label_column, terms)
        return
    result = compare(_texts(reports, text_column, documents))
    for name in CONTENDERS:
        row = result[name]
        print(
            f"{name:8} build {row['build_s']:7.1f} s  extract {row['extract_s']:7.1f} s  "
            f"{row['documents_per_s']:7.1f} documents/s  peak {row['peak_memory_mib']:6.0f} MiB"
        )
    print(
        f"synthfr against edsnlp: {result['ratio']:.1f} times the documents per second, "
        f"{result['ratio_extract']:.1f} without the builds, on {result['documents']} documents"
    )
    print(f"labels that stand there word for word: {json.dumps(result['exact'])}")


def against_gold(
    reports: Path,
    text_column: str,
    gold: str,
    language: str,
    codes: Path | None,
    label_column: str,
    n_terms: int,
) -> None:
    """Print precision and recall by category of several ways to find keywords."""
    from synthfr import icd10
    from synthfr.corpora.files import FileSource, SeedFiles
    from synthfr.corpora.files.code_list import code_list
    from synthfr.corpora.reading import read_columns
    from synthfr.icd10.names import Entry, entries
    from synthfr.keywords.matchers import open_matcher
    from synthfr.keywords.matching import Match, Matching
    from synthfr.keywords.report_terms import ContextTreatment

    columns = read_columns(reports)
    texts = [str(text) for text in columns[text_column]]
    truth = [{icd10.category(code) for code in own} for own in columns[gold]]
    mapping = {"label": label_column} if codes else {}
    source = FileSource(path=str(codes) if codes else None, columns=mapping)
    files = SeedFiles(codes=source, synonyms=FileSource())
    table = code_list(files, language)
    names = entries(table)
    official = entries(code_list(files.model_copy(update={"lexicon": "none"}), language))
    raw = [Entry(label, code) for label, code in zip(table["label"], table["code"], strict=True)]
    skipped = {name for name, own in ContextTreatment().model_dump().items() if own == "skip"}

    def found(entries: Any, params: Matching) -> list[list[Match]]:
        begin = time.process_time()
        told = open_matcher(entries, params).extract(texts, language)
        seconds = time.process_time() - begin
        print(f"  {len(texts) / seconds:8.1f} documents/s, index included", end="")
        return [[match for match in own if not skipped & match.contexts] for own in told]

    def report(name: str, told: list[list[str]], truth: list[set[str]]) -> None:
        pairs = [{icd10.category(code) for code in own} for own in told]
        hits = sum(len(ours & theirs) for ours, theirs in zip(pairs, truth, strict=True))
        precision = hits / max(sum(map(len, pairs)), 1)
        recall = hits / sum(map(len, truth))
        without = sum(not own for own in told) / len(told)
        print(
            f"  {name:32} precision {precision:.3f}  recall {recall:.3f}  "
            f"without keyword {without:.3f}  a document {sum(map(len, pairs)) / len(pairs):.2f}"
        )

    def codes_of(told: list[list[Match]]) -> list[list[str]]:
        return [[match.code for match in own] for own in told]

    print(f"{len(texts)} documents, {sum(map(len, truth)) / len(truth):.1f} categories each")
    ours = found(names, Matching())
    report("phrases", codes_of(ours), truth)
    print(" " * 36, end="")
    report("the same, next document's codes", codes_of(ours), [*truth[1:], truth[0]])
    report("phrases, labels alone", codes_of(found(official, Matching())), truth)
    ngrams = Matching(matcher="ngrams", min_chars=3)
    report("n-grams, official labels", codes_of(found(raw, ngrams)), truth)
    if language == LANGUAGE:
        for what, known in (("official labels", raw), ("our names", names)):
            begin = time.process_time()
            told = _edsnlp([(name.term, name.code) for name in known])(texts)
            seconds = time.process_time() - begin
            print(f"  {len(texts) / seconds:8.1f} documents/s, index included", end="")
            report(f"edsnlp, {what}", [[code for _, _, code in own] for own in told], truth)
    wrong: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str]] = Counter()
    for own, theirs in zip(ours, truth, strict=True):
        for key in {(match.term, match.code) for match in own}:
            (right if icd10.category(key[1]) in theirs else wrong)[key] += 1
    for key, count in wrong.most_common(n_terms):
        print(f"    {key[0]:40} {key[1]:8} wrong {count:4}  right {right[key]:4}")


def compare(texts: Texts) -> dict[str, Any]:
    """Run all contenders on the same texts; the ratio is ours to edsnlp's, builds included."""
    from synthfr.corpora.files import FileSource, SeedFiles
    from synthfr.corpora.files.code_list import code_list

    table = code_list(SeedFiles(codes=FileSource(), synonyms=FileSource()), LANGUAGE)
    entries = list(zip(table["label"], table["code"], strict=True))
    result: dict[str, Any] = {"documents": len(texts)}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "input.json").write_text(json.dumps([texts, entries]))
        for name in (*CONTENDERS, "exact"):
            command = [
                sys.executable,
                "-m",
                "benchmarks.keywords",
                "--only",
                name,
                "--work",
                folder,
            ]
            subprocess.run(command, check=True, stderr=subprocess.PIPE)
            result[name] = json.loads((work / f"{name}.json").read_text())
    for name in CONTENDERS:
        row = result[name]
        row["documents_per_s"] = len(texts) / (row["build_s"] + row["extract_s"])
        row["matches"] = sum(map(len, row.pop("found")))
    result["ratio"] = result["synthfr"]["documents_per_s"] / result["edsnlp"]["documents_per_s"]
    result["ratio_extract"] = result["edsnlp"]["extract_s"] / result["synthfr"]["extract_s"]
    return result


def _texts(reports: Path | None, column: str, documents: int) -> Texts:
    if reports is not None:
        from synthfr.corpora.reading import read_columns

        return [str(text) for text in read_columns(reports)[column][:documents]]
    from synthfr.corpora import demo
    from synthfr.pipeline.parameters import load_params

    sizes = load_params().seed.demo.model_copy(update={"public": documents * _REPORTS_JOINED})
    texts = demo.corpus(sizes, 0).public["text"].tolist()
    return ["\n".join(texts[start::documents]) for start in range(documents)]


def _measure(name: str, work: Path) -> None:
    """One contender: seconds, memory and spans into ``<name>.json``."""
    texts, entries = json.loads((work / "input.json").read_text())
    entries = [(term, code) for term, code in entries]
    if name == "exact":
        found = json.loads((work / "synthfr.json").read_text())["found"]
        result = _word_for_word(texts, entries, found)
    else:
        result = _timed(CONTENDERS[name], texts, entries)
    (work / f"{name}.json").write_text(json.dumps(result))


def _timed(
    contender: Callable[[Entries], Callable[[Texts], Found]], texts: Texts, entries: Entries
) -> dict[str, Any]:
    import resource

    import spacy.lang.fr  # noqa: F401  imported by both, counted for none

    begin = time.process_time()
    extract = contender(entries)
    built = time.process_time()
    found = extract(texts)
    done = time.process_time()
    return {
        "build_s": built - begin,
        "extract_s": done - built,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "found": found,
    }


def _synthfr(entries: Entries) -> Callable[[Texts], Found]:
    return _ours(entries, "phrases")


def _ngrams(entries: Entries) -> Callable[[Texts], Found]:
    return _ours(entries, "ngrams")


def _ours(entries: Entries, kind: str) -> Callable[[Texts], Found]:
    from synthfr.icd10.names import Entry
    from synthfr.keywords.matchers import open_matcher
    from synthfr.keywords.matching import Matching

    params = Matching.model_validate({"matcher": kind})
    matcher = open_matcher([Entry(*names) for names in entries], params)
    matcher.extract([""], LANGUAGE)  # the dictionary is built at the first text

    def extract(texts: Texts) -> Found:
        return [
            [(match.start, match.end) for match in own] for own in matcher.extract(texts, LANGUAGE)
        ]

    return extract


def _edsnlp(entries: Entries) -> Callable[[Texts], Found]:
    import spacy

    # before edsnlp registers its own factories: it breaks spaCy's
    spacy.blank(LANGUAGE).add_pipe("sentencizer")
    import edsnlp
    import edsnlp.pipes as eds

    terms: dict[str, list[str]] = {}
    for term, code in entries:
        terms.setdefault(code, []).append(term)
    nlp = edsnlp.blank("eds")
    nlp.add_pipe(eds.normalizer())
    nlp.add_pipe(eds.sentences())
    matcher = {"measure": "jaccard", "threshold": THRESHOLD, "windows": MAX_WINDOW_TOKENS}
    nlp.add_pipe(
        eds.terminology(
            terms=terms,
            label="cim10",
            attr="NORM",
            term_matcher="simstring",
            term_matcher_config=matcher,
        )
    )

    def extract(texts: Texts) -> Found:
        return [
            [(ent.start_char, ent.end_char, ent.kb_id_) for ent in doc.ents]
            for doc in nlp.pipe(texts)
        ]

    return extract


CONTENDERS: dict[str, Callable[[Entries], Callable[[Texts], Found]]] = {
    "synthfr": _synthfr,
    "ngrams": _ngrams,
    "edsnlp": _edsnlp,
}


def _word_for_word(texts: Texts, entries: Entries, found: Found) -> dict[str, int]:
    """How many labels that stand in the texts are found, and why the others are not looked for."""
    import spacy
    from spacy.matcher import PhraseMatcher
    from spacy.util import filter_spans

    from synthfr.text import language

    nlp = spacy.blank(LANGUAGE)
    nlp.add_pipe("sentencizer")
    matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
    matcher.add("label", [nlp.make_doc(term) for term, _ in entries])
    known = language(LANGUAGE)
    counts: Counter[str] = Counter()
    for doc, spans in zip(nlp.pipe(texts), found, strict=True):
        counts.update(
            _fate(span, spans, known) for span in filter_spans(matcher(doc, as_spans=True))
        )
    return dict(counts)


def _fate(label: Any, spans: list[tuple[int, int, str]], known: Language) -> str:
    """What became of a label that stands in the text (a spaCy span)."""
    from synthfr.text import normalise

    tokens = [token for token in label if normalise(token.text)]  # numbers are not compared
    words = [normalise(token.text) for token in tokens]
    if not words or {words[0], words[-1]} & known.function_words:
        return "starts or ends with a function word"
    if len(words) > MAX_WINDOW_TOKENS:
        return "longer than a window"
    if len(words) == 1 and words[0] in known.stop_words:
        return "a stop word"
    if label.sent.end < label.end:
        return "over the end of a sentence"
    start, end = tokens[0].idx, tokens[-1].idx + len(tokens[-1])
    if any(first <= start and end <= last for first, last, _ in spans):
        return "found"
    if any(first < end and start < last for first, last, _ in spans):
        return "cut by a longer match"
    return "missed"


if __name__ == "__main__":
    typer.run(main)
