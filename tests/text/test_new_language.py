"""A language is one file: a made-up one goes through all that knows languages."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from synthfr import prompts
from synthfr.errors import UserError
from synthfr.icd10.names import Entry
from synthfr.judging.templates import render
from synthfr.keywords.context import contexts_of
from synthfr.keywords.matchers import open_matcher
from synthfr.keywords.matching import Matching
from synthfr.scoring import similarity_judge
from synthfr.scoring.comparisons import Comparison
from synthfr.text import language, language_names, language_resources, sentences, strip_headings
from synthfr.text import templates as text_templates

FILE = """
name: Volapük
keep_accents: [ü]
spacy: {blank: xx, trained: []}
code_table: null
conjunctions: [e]
prepositions: [in]
determiners: [el]
stop_words: [büsid]
headings: [lunsef]
titles: [vobod maladanas]
inflection:
  skipped: [el]
  min_stem: 2
  endings: [{s: ""}]
labels:
  adjectives: after
  max_words: 5
  max_capitals: 6
  dropped: [nenpladik]
  refused: [votik]
  contrasts: [nen]
  exchanged: {}
  no_terms: []
marks:
  negated: nen {term}
contexts:
  negated:
    reach: 5
    list_separators: [","]
    list_closers: [u]
    preceding: [nen]
    termination: [ab]
"""
Write = Callable[[str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a language's one file, ``vo.yaml``."""
    monkeypatch.setattr(language_names, "FOLDER", tmp_path)
    caches = [
        language_names.known_languages,
        language_names.language_file,
        language_resources.language,
        text_templates.template,
        contexts_of,
        sentences._splitter,
    ]

    def forget() -> None:
        for cached in caches:
            cached.cache_clear()

    def written(text: str) -> None:
        (tmp_path / "vo.yaml").write_text(text, encoding="utf-8")
        forget()

    yield written
    forget()


def test_one_file_is_a_language(write: Write) -> None:
    write(FILE)
    text = "Vobod maladanas\nLunsef: el büsid. Nen fif, ab kög in blöt.\nKug e küg."
    entries = [Entry("Fif", "R50"), Entry("Kög", "R05"), Entry("Büsid", "Z00")]
    for matcher in ("phrases", "ngrams"):
        found = open_matcher(entries, Matching(matcher=matcher)).extract([text], "vo")
        assert [(match.term, bool(match.contexts)) for match in found[0]] == [
            ("Fif", True),
            ("Kög", False),
        ]
    assert strip_headings(text, "vo").splitlines() == [
        "el büsid. Nen fif, ab kög in blöt.",
        "Kug e küg.",
    ]
    first, second, third = next(iter(sentences.split([text.partition("\n")[2]], "vo")))
    assert (first.form, second.form) == ("lunsef el büsid", "nen fif ab kog in blot")
    assert third.form == "kug e küg"  # ü is kept, ö is not
    assert [word.is_function for word in third.words] == [False, True, False]
    for name in text_templates.template_names("synthfr.prompts"):
        assert " in Volapük" in prompts.render(["kög"], name, "vo")
    own = {"score": ["text"], "overall": ["text"], "pairwise": ["first", "second"]}
    for kind, slots in own.items():
        shown = render(kind, "vo", **dict.fromkeys(slots, "Kög."))
        assert "medical Volapük" in shown and shown.count("Kög.") == len(slots)
    assert "Kög." in similarity_judge.question(Comparison("p", 0, "Kög.", "Fif.", "vo")).prompt


def test_cues_inflection_and_rules_for_labels_may_be_left_out(write: Write) -> None:
    write(FILE.partition("inflection:")[0])
    assert not language("vo").contexts
    found = open_matcher([Entry("Fif", "R50")], Matching()).extract(["Nen fif. Fifs."], "vo")
    assert [(match.start, match.contexts) for match in found[0]] == [(4, frozenset())]


OPTIONAL = {"keep_accents", "inflection", "labels", "marks", "contexts"}
CUES = {"negated", "list_separators", "list_closers", "preceding", "termination"}
WANTED = set(re.findall(r"^ *(\w+):", FILE, re.MULTILINE)) - OPTIONAL - CUES


@pytest.mark.parametrize("key", sorted(WANTED))
def test_negative_control_a_missing_key_is_named(write: Write, key: str) -> None:
    write(re.sub(rf"^ *{key}:.*$", "", FILE, flags=re.MULTILINE))
    with pytest.raises(UserError, match=rf"vo\.yaml: the key '[a-z.]*{key}' is missing: add it"):
        language("vo")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("spacy: {blank: xx, trained: []}", "", "'spacy' is missing"),
        ("blank: xx, ", "", "'spacy.blank' is missing"),
        ("stop_words: [büsid]", "stop_words: [1]", "'stop_words' is no list of words"),
        ("headings: [lunsef]", "headings: lunsef", "'headings' is no list of words"),
        ("keep_accents: [ü]", "keep_accents: [Ü]", "'keep_accents' holds what is no lower-case"),
        ("keep_accents: [ü]", "keep_accents: [u]", "'keep_accents' holds what is no lower-case"),
        ("code_table: null", "code_table: {resource: r.csv.gz}", "'code_table.distribution' is m"),
        (
            "code_table: null",
            "code_table: {distribution: d, resource: r.csv.gz}",
            "'code_table.code' is missing",
        ),
        ("reach: 5", "reach: five", "'contexts.negated.reach' is no whole number"),
        ("    preceding:", "    preced:", "'contexts.negated.preced' is none that is read"),
        ("contexts:", "context:", "'context' is none that is read"),
        ("nen {term}", "nen", "'marks.negated' has no place for {term}"),
        ("name: Volapük", "name: 3", "'name' is no text"),
    ],
)
def test_negative_control_what_is_ill_written_is_named(
    write: Write, before: str, after: str, said: str
) -> None:
    assert before in FILE
    write(FILE.replace(before, after))
    with pytest.raises(UserError, match=rf"vo\.yaml: the key {re.escape(said)}.*en\.yaml\.$"):
        language("vo")


def test_negative_control_without_the_file(write: Write) -> None:
    write(FILE)
    with pytest.raises(UserError, match=r"known: vo\)"):
        prompts.render(["kög"], "plain", "fi")
