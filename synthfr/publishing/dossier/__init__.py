"""The privacy dossier of a step for a data-protection officer: one HTML page that needs nothing
else, and beside it a signature (`<page>.dsse`).
"""

from synthfr.publishing.dossier.page import Facts, languages, render
from synthfr.publishing.dossier.signed import signature_of, verify, write

__all__ = ["Facts", "languages", "render", "signature_of", "verify", "write"]
