"""The secret is made once, is nobody else's to read, and is in nothing that is shown."""

import hashlib
import hmac
import stat
from pathlib import Path

import pytest

from synthfr.dp import secret
from synthfr.dp.secret import Secret
from synthfr.errors import UserError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "private" / "secret.key"
    secret.write(path, secret.draw())
    return path


def test_it_is_closed_and_drawn_anew(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_bytes()) == 32
    other = file.with_name("other.key")
    secret.write(other, secret.draw())
    assert other.read_bytes() != file.read_bytes()


def test_a_missing_secret_is_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"secret\.key is missing.*`synth-fr secret`"):
        secret.load(tmp_path / "secret.key")


def test_an_open_or_damaged_one_is_refused(file: Path) -> None:
    file.chmod(0o640)
    with pytest.raises(UserError, match="chmod 600"):
        secret.load(file)
    file.chmod(0o600)
    file.write_bytes(b"short")
    with pytest.raises(UserError, match="has 5 bytes"):
        secret.load(file)


def test_digests_are_keyed() -> None:
    one = Secret(bytes(32))
    inner = hmac.new(bytes(32), b"noise", hashlib.sha256).digest()
    assert one.keyed("noise", b"x") == hmac.new(inner, b"x", hashlib.sha256).digest()
    assert one.keyed("noise", b"x") != one.keyed("ledger", b"x")
    assert one.keyed("noise", b"x") != Secret(b"1" * 32).keyed("noise", b"x")
    question = {"ids": ["a", "b"], "sigma": 0.1}
    assert one.digest("noise", question) == one.digest("noise", dict(reversed(question.items())))
    changed = {**question, "sigma": 0.1 + 2**-56}
    assert one.digest("noise", question) != one.digest("noise", changed)
    with pytest.raises(ValueError):
        one.digest("noise", {"sigma": float("nan")})


def test_it_is_shown_nowhere(file: Path) -> None:
    held = secret.load(file)
    assert str(held) == repr(held) == f"{held}" == "Secret(...)"
