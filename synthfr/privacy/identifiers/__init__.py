"""Direct identifiers: finding them in a text, and whether synthetic texts replay private ones."""

from synthfr.privacy.identifiers.finder import Finder, Kind, finder
from synthfr.privacy.identifiers.replay import IdentifierReplay
from synthfr.privacy.identifiers.settings import Identifiers

__all__ = ["Finder", "IdentifierReplay", "Identifiers", "Kind", "finder"]
