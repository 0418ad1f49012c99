"""Signed files: who made this, and has it been changed since?

A payload is wrapped in a DSSE envelope (Dead Simple Signing Envelope, secure-systems-lab/dsse 1.0):
the signature covers the payload and its type, so that what was signed as one kind of file cannot be
passed off as another. Keys are Ed25519, in PEM files. Needs no network.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr.errors import UserError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from securesystemslib.signer import CryptoSigner, Signature

PUBLIC_SUFFIX = ".pub"


class OtherKey(UserError):
    """What is to be verified was signed with another key."""


def new_key(path: Path) -> None:
    """Write a private key to `path` (PEM, PKCS #8, mode 600) and its public half to ``<path>.pub``.

    Neither is ever overwritten: a UserError where one of them exists.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    if public_half(path).exists():
        raise _exists(public_half(path))
    _write_new(path, private, 0o600)
    _write_new(public_half(path), public, 0o644)


def public_half(key: Path) -> Path:
    """Where `new_key` puts the public half of a private key."""
    return key.with_name(key.name + PUBLIC_SUFFIX)


def sign(payload: bytes, payload_type: str, key: Path) -> bytes:
    """A DSSE envelope (JSON, UTF-8) of `payload`, signed with the private key in the file `key`.

    Equal payloads, types and keys give equal bytes: Ed25519 draws no random number.

    Raises:
        UserError: the file is missing, or holds no Ed25519 private key.
    """
    from securesystemslib.dsse import Envelope

    envelope = Envelope(payload, payload_type, {})
    envelope.sign(_signer(key))
    (signature,) = envelope.signatures.values()
    return _written(payload, payload_type, signature)


def verify(envelope: bytes, payload_type: str, public_key: Path) -> bytes:
    """The payload of `envelope`, if the key's owner signed it as a `payload_type`.

    `public_key` is a file with an Ed25519 public key in PEM.

    Raises:
        OtherKey: it was signed with another key.
        UserError: it is no envelope, of another type, or changed since, be it by a blank.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import SSlibKey

    key = SSlibKey.from_crypto(_public(public_key))
    try:
        opened = Envelope.from_dict(json.loads(envelope))
    # binascii.Error is a ValueError; lists within lists without end are a RecursionError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UserError(
            "This is no signed file (DSSE envelope), or a damaged one: ask for it again."
        ) from None
    if opened.payload_type != payload_type:
        raise UserError(
            f"This file was signed as another kind of file than {payload_type}: check its name."
        )
    if key.keyid not in opened.signatures:
        raise OtherKey(
            f"This file was signed with another key than that of {public_key}: check who sent it, "
            "and ask for the sender's public key."
        )
    try:
        opened.verify([key], 1)
    except VerificationError:
        raise UserError(
            "This file was changed after it was signed: do not use it, and ask for it again."
        ) from None
    if envelope != _written(opened.payload, payload_type, opened.signatures[key.keyid]):
        raise UserError(
            "This file holds more than what was signed, or in another form than ours: do not use "
            "it, and ask for it again."
        )
    return opened.payload


def _written(payload: bytes, payload_type: str, signature: Signature) -> bytes:
    """The one form of an envelope: fields that no signature covers have no place in it."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import Signature

    bare = Signature(signature.keyid, signature.signature)
    envelope = Envelope(payload, payload_type, {bare.keyid: bare})
    return json.dumps(envelope.to_dict(), sort_keys=True).encode()


def _signer(path: Path) -> CryptoSigner:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    key = _loaded(path, lambda data: load_pem_private_key(data, None))
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path, "private")
    return CryptoSigner(key)


def _public(path: Path) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = _loaded(path, load_pem_public_key)
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(path, "public")
    return key


def _loaded(path: Path, load: Any) -> Any:
    """What `load` makes of a key file; None where that is no key."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        data = path.read_bytes()
    except OSError:
        raise UserError(
            f"{path} cannot be read: `synth-fr key FILE` makes a pair of keys, FILE and FILE.pub."
        ) from None
    try:
        return load(data)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _no_key(path: Path, kind: str) -> UserError:
    return UserError(
        f"{path} holds no Ed25519 {kind} key in PEM without a password: name a file that "
        f"`synth-fr key` made{', the one that ends in .pub' if kind == 'public' else ''}."
    )


def _write_new(path: Path, data: bytes, mode: int) -> None:
    """Write a file that does not exist, whole, its mode right from the first byte on."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise _exists(path) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _exists(path: Path) -> UserError:
    return UserError(f"{path} exists, and a key is never overwritten: name another file.")
