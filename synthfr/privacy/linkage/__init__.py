"""Linkage: can a document be told by what a round lets out beside it, and linked to its prompt?"""

from synthfr.privacy.linkage.attack import Linked, attack
from synthfr.privacy.linkage.suspects import Linkage, Round

__all__ = ["Linkage", "Linked", "Round", "attack"]
