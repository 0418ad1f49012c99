"""The hospital's secret: 32 random bytes of the operating system, in a file that only its owner
reads. Noise and digests are keyed with it, so that outside nobody can redo them.

It is in no parameter, no metric and no log, and is never copied: whoever has it can take the noise
off every answer. It is made once, and an answer's noise can be told again only with the same one.
"""

from __future__ import annotations

import hmac
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthfr.disk import atomic_path
from synthfr.errors import UserError

SIZE = 32  # bytes
COMMAND = "synth-fr secret"  # makes it


class Secret:
    """Keys for one purpose each, of which none tells another (HMAC-SHA256, RFC 2104)."""

    def __init__(self, value: bytes) -> None:
        if len(value) != SIZE:
            raise ValueError(f"a secret has {SIZE} bytes")
        self._value = value

    def keyed(self, purpose: str, data: bytes) -> bytes:
        """32 bytes that only the holder of the secret can tell from chance, or make again."""
        inner = hmac.digest(self._value, purpose.encode("utf-8"), "sha256")
        return hmac.digest(inner, data, "sha256")

    def digest(self, purpose: str, what: Mapping[str, Any]) -> str:
        """Keyed digest of plain values (text, numbers, lists of them), 64 hexadecimal digits.
        Numbers count to their last bit.
        """
        text = json.dumps(
            what, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False
        )
        return self.keyed(purpose, text.encode("ascii")).hex()

    def __repr__(self) -> str:
        return "Secret(...)"

    __str__ = __repr__


def write(path: Path, drawn: Secret) -> None:
    """Write a secret that was drawn, mode 600. Its ledger begins with it: see `ledger.begin`."""
    with atomic_path(path, private=True) as partial:
        partial.write_bytes(drawn._value)


def draw() -> Secret:
    """A new secret, from the operating system."""
    return Secret(os.urandom(SIZE))


def load(path: Path) -> Secret:
    """The secret of this hospital; UserError where it is missing, damaged or open to others."""
    try:
        mode = path.stat().st_mode
        value = path.read_bytes()
    except FileNotFoundError:
        raise UserError(
            f"{path} is missing, the secret that noise is made with: make it with `{COMMAND}`, "
            "once, on the private side."
        ) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UserError(f"{path} can be read by others: close it with `chmod 600 {path}`.")
    if len(value) != SIZE:
        raise UserError(
            f"{path} has {len(value)} bytes and a secret {SIZE}: put back the one that was made."
        )
    return Secret(value)
