"""Signed files: what was signed comes back, and nothing else does."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from synthfr import signing
from synthfr.errors import UserError
from synthfr.pipeline.cli import app

TYPE = "application/vnd.synthfr.test+json"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "site"
    signing.new_key(path)
    return path


@given(payload=st.binary(max_size=200))
@settings(max_examples=20, deadline=None)
def test_what_was_signed_comes_back_in_equal_bytes(payload: bytes, key: Path) -> None:
    envelope = signing.sign(payload, TYPE, key)
    assert envelope == signing.sign(payload, TYPE, key)
    assert signing.verify(envelope, TYPE, signing.public_half(key)) == payload


def test_the_signature_is_dsse_s(key: Path) -> None:
    """Recomputed from the protocol's text: Ed25519 over the pre-authentication encoding."""
    envelope = json.loads(signing.sign("réponse".encode(), TYPE, key))
    private = load_pem_private_key(key.read_bytes(), None)
    assert isinstance(private, Ed25519PrivateKey)
    encoded = b"DSSEv1 %d %b 8 " % (len(TYPE), TYPE.encode()) + "réponse".encode()
    assert envelope["payloadType"] == TYPE
    assert base64.b64decode(envelope["signatures"][0]["sig"]) == private.sign(encoded)


def test_a_private_key_is_its_owner_s_alone_and_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "site"
    signing.new_key(path)
    before = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(UserError, match="never overwritten"):
        signing.new_key(path)
    path.rename(tmp_path / "keys" / "old")
    with pytest.raises(UserError, match=r"site\.pub exists"):
        signing.new_key(path)
    assert not path.exists()
    assert (tmp_path / "keys" / "old").read_bytes() == before


@pytest.mark.parametrize("part", ["payload", "sig"])
def test_what_was_changed_since_is_refused(part: str, key: Path) -> None:
    envelope = json.loads(signing.sign(b"numbers", TYPE, key))
    place = envelope if part == "payload" else envelope["signatures"][0]
    place[part] = ("B" if place[part][0] == "A" else "A") + place[part][1:]
    with pytest.raises(UserError, match="changed after it was signed"):
        signing.verify(json.dumps(envelope).encode(), TYPE, signing.public_half(key))


def test_another_key_or_kind_is_refused(key: Path, tmp_path: Path) -> None:
    signing.new_key(tmp_path / "other")
    envelope = signing.sign(b"numbers", TYPE, key)
    with pytest.raises(UserError, match="another key"):
        signing.verify(envelope, TYPE, tmp_path / "other.pub")
    with pytest.raises(UserError, match="another kind of file"):
        signing.verify(envelope, TYPE + "2", signing.public_half(key))


def test_a_signature_under_the_name_of_another_key_is_refused(key: Path, tmp_path: Path) -> None:
    signing.new_key(tmp_path / "other")
    theirs = json.loads(signing.sign(b"numbers", TYPE, tmp_path / "other"))
    ours = json.loads(signing.sign(b"numbers", TYPE, key))
    theirs["signatures"][0]["keyid"] = ours["signatures"][0]["keyid"]
    with pytest.raises(UserError, match="changed after it was signed"):
        signing.verify(json.dumps(theirs).encode(), TYPE, signing.public_half(key))


@pytest.mark.parametrize(
    "given",
    [
        *(b"", b"{", b"[]", b"1", b"\xff"),
        b'{"payload": 1}',
        b'{"payload": "", "payloadType": "x"}',
        b'{"payload": "?", "payloadType": "x", "signatures": []}',
    ],
)
def test_no_envelope_is_one_sentence(given: bytes, key: Path) -> None:
    with pytest.raises(UserError, match="no signed file"):
        signing.verify(given, TYPE, signing.public_half(key))


def test_unsigned_is_refused(key: Path) -> None:
    envelope = json.dumps({"payload": "", "payloadType": TYPE, "signatures": []}).encode()
    with pytest.raises(UserError, match="another key"):
        signing.verify(envelope, TYPE, signing.public_half(key))


def test_what_is_no_key_is_one_sentence(key: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        signing.sign(b"", TYPE, tmp_path / "none")
    with pytest.raises(UserError, match="no Ed25519 private key"):
        signing.sign(b"", TYPE, signing.public_half(key))
    with pytest.raises(UserError, match="no Ed25519 public key"):
        signing.verify(signing.sign(b"", TYPE, key), TYPE, key)
    other = generate_private_key(SECP256R1())
    (tmp_path / "ec").write_bytes(
        other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    with pytest.raises(UserError, match="no Ed25519 private key"):
        signing.sign(b"", TYPE, tmp_path / "ec")


def test_command(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["key", str(tmp_path / "site")])
    assert done.exit_code == 0
    assert (tmp_path / "site.pub").exists()
    again = CliRunner().invoke(app, ["key", str(tmp_path / "site")])
    assert again.exit_code == 1
