"""A dossier with its signature: the page lies beside a DSSE envelope that holds the same page."""

from __future__ import annotations

from pathlib import Path

from synthfr import signing
from synthfr.disk import write_text
from synthfr.errors import UserError

PAYLOAD_TYPE = "application/vnd.synth-fr.dossier+html"


def signature_of(page: Path) -> Path:
    """Where the signature of a dossier lies."""
    return page.with_name(page.name + ".dsse")


def write(page: str, out: Path, key: Path) -> None:
    """Write the dossier to `out` and its signature, by the private key in the file `key`, beside
    it.
    """
    envelope = signing.sign(page.encode("utf-8"), PAYLOAD_TYPE, key)
    write_text(out, page)
    write_text(signature_of(out), envelope.decode("utf-8"))


def verify(page: Path, public_key: Path) -> None:
    """UserError unless the dossier is, to the byte, what the key's owner signed."""
    for path in (page, signature_of(page)):
        if not path.is_file():
            raise UserError(
                f"{path} is missing: a dossier is two files, {page.name} and "
                f"{signature_of(page).name}, in one folder."
            )
    signed = signing.verify(signature_of(page).read_bytes(), PAYLOAD_TYPE, public_key)
    if signed != page.read_bytes():
        raise UserError(
            f"{page} is not the page that was signed: it was changed, or belongs to another "
            "signature. Do not rely on it, and ask for it again."
        )
