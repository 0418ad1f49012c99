"""Equal corpora differ by nothing, doubled and repeated ones by exactly what was done to them."""

import numpy as np
import pandas as pd
import pytest

from synthfr import fidelity


def frame(texts: list[str], prefix: str = "r") -> pd.DataFrame:
    ids = [f"{prefix}{number}" for number in range(len(texts))]
    keywords = [["HTA"]] * len(texts)
    return pd.DataFrame({"report_id": ids, "text": texts, "keywords": keywords, "language": "fr"})


def texts(n: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    words = [f"mot{letter}{end}" for letter in "abcdefghijk" for end in "xyz"]
    return [
        " ".join(". ".join(" ".join(rng.choice(words, 4)).capitalize() for _ in range(3)).split())
        for _ in range(n)
    ]


REAL, OTHER = texts(60, 0), texts(60, 1)


def test_equal_corpora_differ_by_nothing() -> None:
    found = fidelity.compare(frame(REAL), frame(REAL), frame(REAL), 0)
    for name, part in found.items():
        if name != "keyword_recall":
            assert part["difference"] == part["real_difference"] == 0, name


def test_difference_is_real_minus_synthetic() -> None:
    doubled = [f"{text}\n{text}" for text in REAL]
    found = fidelity.compare(frame(doubled, "s"), frame(REAL), frame(OTHER, "t"), 0)
    assert found["sentences_per_document"] == {
        "real": 3, "synthetic": 6, "difference": -3, "real_difference": 0,
    }  # fmt: skip
    assert found["tokens_per_document"]["synthetic"] == 2 * found["tokens_per_document"]["real"]
    assert found["tokens_per_sentence"]["difference"] == 0
    assert found["unique_tokens"]["difference"] == 0
    assert found["unique_token_ratio"]["synthetic"] == found["unique_token_ratio"]["real"] / 2


def test_over_optimisation_shows() -> None:
    """Negative control: short reports of a few phrases, as a policy pulled too hard writes."""
    collapsed = [text.split(". ")[0] + "." for text in REAL[:5]] * 12
    found = fidelity.compare(frame(collapsed, "s"), frame(REAL), frame(OTHER, "t"), 0)
    assert found["words_mean"]["synthetic"] < 0.5 * found["words_mean"]["real"]
    assert found["distinct_3"]["synthetic"] < 0.5 * found["distinct_3"]["real"]
    assert found["distinct_texts"]["synthetic"] == pytest.approx(5 / 60)
    assert abs(found["distinct_3"]["real_difference"]) < 0.1


def test_keyword_recall() -> None:
    synthetic = frame(["une HTA ancienne", "rien"], "s")
    found = fidelity.compare(synthetic, frame(REAL), frame(OTHER, "t"), 0)
    assert found["keyword_recall"] == {"synthetic": 0.5}


def test_order_of_rows_does_not_matter() -> None:
    one = fidelity.compare(frame(OTHER, "s"), frame(REAL), frame(OTHER, "t"), 0)
    mixed = [part.sample(frac=1, random_state=3) for part in (frame(OTHER, "s"), frame(REAL))]
    assert one == fidelity.compare(*mixed, frame(OTHER, "t"), 0)
