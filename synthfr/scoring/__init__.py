"""How near a candidate comes to the private document that its keywords are from. Private side;
only floats leave.
"""

from synthfr.scoring.scores import Scored, score

__all__ = ["Scored", "score"]
