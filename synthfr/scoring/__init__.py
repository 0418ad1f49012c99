"""How near a candidate comes to the private document that its keywords are from. Private side;
what leaves is for `release` to say.
"""

from synthfr.scoring.scores import Scored, score

__all__ = ["Scored", "score"]
