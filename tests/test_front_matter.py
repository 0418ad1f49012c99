"""Heads of hub cards: what is written is what the hub's own reader reads."""

from pathlib import Path

import pytest

from synthfr import front_matter
from synthfr.models import licences


@pytest.mark.parametrize("language", ["fr", "no"])  # bare, YAML 1.1 reads the second as false
def test_the_hubs_reader_reads_what_was_written(language: str) -> None:
    from huggingface_hub import DatasetCard

    facts = {"language": [language], "pretty_name": "Step: dpo1 # not a comment", "tags": ["a"]}
    card = f"{front_matter.write(facts)}\n# Title\n\n---\n\nText\n"
    read = DatasetCard(card).data.to_dict()
    assert {key: read[key] for key in facts} == facts
    assert front_matter.split(card) == (facts, "\n# Title\n\n---\n\nText\n")


@pytest.mark.parametrize(
    "card",
    [
        "# Title\n",
        "---\nlanguage: fr\n",
        "---\ntags: [\n---\n",
        "---\n- fr\n---\n",
        "a\n---\n---\n",
    ],
)
def test_what_is_no_head_gives_no_facts(card: str) -> None:
    assert front_matter.split(card) == ({}, card)


def test_a_card_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert front_matter.read(tmp_path / "README.md") == {}


@pytest.mark.parametrize(
    ("n", "named"),
    [
        (1, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (9999, "1K<n<10K"), (10_000, "10K<n<100K"),
        (50_000, "10K<n<100K"), (999_999, "100K<n<1M"), (10**6, "1M<n<10M"), (10**12, "n>1T"),
    ],
)  # fmt: skip
def test_sizes_have_the_hubs_names(n: int, named: str) -> None:
    assert front_matter.size_category(n) == named


@pytest.mark.parametrize(
    ("source", "head", "expected"),
    [
        ("tiny", "", {"license": "apache-2.0"}),
        ("hub", "license: llama3.1", {"license": "llama3.1"}),
        (
            "hub", "license: other\nlicense_name: x\nlicense_link: y",
            {"license": "other", "license_name": "x", "license_link": "y"},
        ),
        ("hub", "license: [mit, x]", {"license": "other"}),
        ("local", "language: fr", {"license": "other"}),
    ],
)  # fmt: skip
def test_a_licence_is_the_bases_or_unknown(
    source: str, head: str, expected: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "README.md").write_text(f"---\n{head}\n---\n")
    assert licences.licence(tmp_path, {"source": source}) == expected
