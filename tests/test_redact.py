"""What may be said of private data, and that nothing says more."""

import io
import sys
import threading
import warnings
from contextlib import redirect_stderr
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthfr import redact

SECRET = "Zqxcanari"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("s4", "'s4'"),
        ("2024-0017.b", "'2024-0017.b'"),
        ("a1" * 30, f"'{'a1' * 20}...'"),
        (7, "7"),
    ],
)
def test_ids_are_shown(value: object, shown: str) -> None:
    assert redact.shown_id(value) == shown


@pytest.mark.parametrize(
    "value",
    [
        *("", "Dupont", "Mme Canari 2", "né en 1961", "1961-03-12", "12.03.1961", "a1\n"),
        *("opéré2", "a@b1.fr", "-1", None, b"a1", ["a1"], {"a1": 1}),
    ],
)
def test_what_looks_like_no_id_is_not_shown(value: object) -> None:
    assert redact.shown_id(value) == redact.HIDDEN


@given(st.text())
def test_no_text_is_shown_but_a_short_word_with_a_digit(text: str) -> None:
    shown = redact.shown_id(text)
    if shown != redact.HIDDEN:
        assert text.split() == [text] and text.isascii() and any(map(str.isdigit, text))
        assert len(shown) <= redact.ID_CHARS + len("'...'")


def _caused() -> BaseException:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise ValueError(SECRET) from error
    except ValueError as error:
        return error


def test_a_failure_tells_types_and_places_and_no_message() -> None:
    told = redact.failure(_caused()).splitlines()
    assert [line for line in told if not line.startswith(" ")] == ["ValueError", "KeyError"]
    assert sum("tests/test_redact.py:" in line and "in _caused" in line for line in told) == 2
    assert SECRET not in "".join(told)


def _plain(message: Any, category: Any, filename: str, lineno: int, *_: Any) -> None:
    print(warnings.formatwarning(message, category, filename, lineno), file=sys.stderr)


def _heard() -> str:
    """A warning and an exception in a thread, on stderr."""

    def fails() -> None:
        raise ValueError(SECRET)

    with redirect_stderr(io.StringIO()) as heard:
        warnings.warn(SECRET, RuntimeWarning, stacklevel=1)
        thread = threading.Thread(target=fails)
        thread.start()
        thread.join()
    return heard.getvalue()


@pytest.mark.filterwarnings("always")
def test_warnings_and_threads_keep_quiet_in_a_private_stage_and_only_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # as outside pytest, which catches both
    monkeypatch.setattr(warnings, "showwarning", _plain)
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    with redact.private_stage():
        assert redact.is_private_stage()
        told = _heard()
    assert SECRET not in told
    assert "RuntimeWarning (its text may be private)" in told
    assert "Not caught: ValueError" in told
    assert not redact.is_private_stage()
    assert _heard().count(SECRET) >= 2  # negative control
    assert sys.unraisablehook is not redact._uncaught
