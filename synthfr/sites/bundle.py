"""One file that crosses between sites: tables, of a step the coders that were kept, and a signed
manifest that has the digests of all.

A zip archive without compression, so that anybody can look into it with any tool. Its bytes follow
from what it holds and the key: dates and order in it are fixed, and a bundle whose bytes are any
others than ours would be is refused, so that nothing can stand between its parts.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from synthfr import signing
from synthfr.errors import UserError
from synthfr.sites.manifest import Manifest, decoded

PAYLOAD_TYPE = "application/vnd.synthfr.bundle+json"
_MANIFEST = "manifest.dsse.json"
MOST_BYTES = 1 << 30  # of a bundle: it is read into memory, and what it holds with it
_MOST_PARTS = 128
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip archive can have

# what zipfile raises where bytes are no archive; KeyError is of a part whose name says otherwise
_NO_ARCHIVE = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
    OSError,
    KeyError,
    IndexError,
    struct.error,
)


@dataclass(frozen=True)
class Bundle:
    """A bundle that was opened: its manifest, the bytes of its tables (and of kept coders' files)
    by name, and the public key of who signed it.
    """

    manifest: Manifest
    tables: Mapping[str, bytes]
    sender: Path


def pack(manifest: Manifest, tables: Mapping[str, bytes], key: Path) -> bytes:
    """The bytes of a bundle; the digests of its `tables` are put into the manifest."""
    digests = {name: sha256(data) for name, data in sorted(tables.items())}
    whole = manifest.model_copy(update={"tables": digests})
    data = _zipped({_MANIFEST: signing.sign(whole.encoded(), PAYLOAD_TYPE, key), **tables})
    if len(data) > MOST_BYTES:
        raise UserError(_too_large())
    return data


def unpack(data: bytes, senders: Sequence[Path]) -> Bundle:
    """Open a bundle that one of the `senders` (files with public keys) signed.

    Raises:
        UserError: it is no bundle, of none of the senders, of another version, or changed since.
    """
    parts = _parts(data)
    if _MANIFEST not in parts:
        raise UserError("this is no bundle: it has no manifest.")
    envelope = parts.pop(_MANIFEST)
    payload, sender = _verified(envelope, senders)
    manifest = decoded(payload)
    found = {name: sha256(part) for name, part in parts.items()}
    if found != manifest.tables:
        raise UserError(
            "the bundle's tables are not those that its manifest was signed for: it was changed or "
            "damaged: do not use it, and ask for it again."
        )
    if _zipped({_MANIFEST: envelope, **parts}) != data:
        raise UserError(
            "the bundle holds bytes that belong to none of its parts: it was changed or damaged: "
            "do not use it, and ask for it again."
        )
    return Bundle(manifest, parts, sender)


def sha256(data: bytes) -> str:
    """The hexadecimal digest of a part."""
    return hashlib.sha256(data).hexdigest()


def _verified(envelope: bytes, senders: Sequence[Path]) -> tuple[bytes, Path]:
    for sender in senders:
        try:
            return signing.verify(envelope, PAYLOAD_TYPE, sender), sender
        except signing.OtherKey:
            continue
    named = ", ".join(str(sender) for sender in senders) or "none"
    raise UserError(
        f"the bundle was not signed with the key of a sender that was named ({named}): check who "
        "sent it, and name the sender's public key."
    )


def _parts(data: bytes) -> dict[str, bytes]:
    if len(data) > MOST_BYTES:
        raise UserError(_too_large())
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if len(set(names)) < len(names):
                raise UserError("the bundle has two parts of one name: ask for it again.")
            if any(one.compress_type != zipfile.ZIP_STORED for one in archive.infolist()):
                raise UserError("the bundle is compressed, which ours never are: ask for it again.")
            # parts that lie on one another would be read once for each
            size = sum(one.file_size for one in archive.infolist())
            if len(names) > _MOST_PARTS or size > len(data):
                raise UserError(
                    "the bundle has more parts, or larger ones, than ours have: do not use it, and "
                    "ask its sender."
                )
            return {name: archive.read(name) for name in names}
    except _NO_ARCHIVE:
        raise UserError("this is no bundle, or a damaged one: ask for it again.") from None


def _too_large() -> str:
    return f"the bundle is larger than {MOST_BYTES >> 20} MiB: ask for less at once."


def _zipped(parts: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in sorted(parts.items()):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # as on Unix, everywhere
            archive.writestr(entry, data)
    return buffer.getvalue()
