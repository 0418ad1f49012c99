"""Windows cover every token, overlap as asked, and change no character."""

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr.scoring import windows


def spans(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\S+", text)]


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (3, ["a b c"]),
        (4, ["a b c d"]),
        (5, ["a b c d", "c d e"]),
        (6, ["a b c d", "c d e f"]),
        (7, ["a b c d", "c d e f", "e f g"]),
    ],
)
def test_windows_of_four_with_stride_two(n: int, expected: list[str]) -> None:
    text = " ".join("abcdefgh"[:n])
    assert windows.cut(text, spans(text), 4, 2) == expected


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        (4, ["a b c d"]),
        (5, ["a b c d", "c d e"]),
        (6, ["a b c d", "c d e f"]),
        (99, ["a b c d", "c d e f", "e f g"]),
        (None, ["a b c d", "c d e f", "e f g"]),  # the control
    ],
)
def test_windows_within_the_first_tokens(within: int | None, expected: list[str]) -> None:
    text = "a b c d e f g"
    assert windows.cut(text, spans(text), 4, 2, within) == expected


def test_an_empty_text_is_one_window() -> None:
    assert windows.cut("", [], 4, 2) == [""]


def test_spaces_inside_stay_as_they_are() -> None:
    text = "  a\n\nb  c d "
    assert windows.cut(text, spans(text), 2, 2) == ["a\n\nb", "c d"]


@settings(deadline=None)
@given(n=st.integers(1, 60), window=st.integers(1, 20), stride=st.integers(1, 20))
def test_every_token_is_seen_and_no_window_is_a_scrap(n: int, window: int, stride: int) -> None:
    stride = min(stride, window)
    words = [str(number) for number in range(n)]
    text = " ".join(words)
    cut = [part.split() for part in windows.cut(text, spans(text), window, stride)]
    assert {word for part in cut for word in part} == set(words)
    assert cut[-1][-1] == words[-1]
    if n > window:
        assert all(len(part) == window for part in cut[:-1])
        assert window - stride < len(cut[-1]) <= window
        assert all(int(after[0]) - int(one[0]) == stride for one, after in itertools.pairwise(cut))
