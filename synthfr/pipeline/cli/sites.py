"""The command line of exchanges between sites: keys, bundles and what is done with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def key(
    file: Annotated[Path, typer.Argument(help="To be written: FILE (keep it), FILE.pub (share).")],
) -> None:
    """Make a pair of keys to sign with, so that others can tell what comes from you."""
    from synthfr import signing

    signing.new_key(file)
    typer.echo(f"{file}: your private key; {signing.public_half(file)}: give it to the other side.")
