"""``synth-fr secret``: what a hospital makes once, and keeps."""

from __future__ import annotations

import typer

from synthfr.dp import ledger
from synthfr.pipeline import layout


def make_secret() -> None:
    """A new secret, and an empty ledger; UserError where there is one."""
    ledger.begin(layout.SECRET)
    typer.echo(
        f"{layout.SECRET} is made. Keep it, with the ledger that will lie beside it, as you keep "
        "the private reports: backed up, and read by nobody else. Who has it can take the noise "
        "off every answer; without it no answer can be told again."
    )
