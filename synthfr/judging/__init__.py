"""A language model that reads a round's candidates and rates or compares them.

Public side: it sees synthetic text only, never a private document.
"""

from synthfr.judging.judgements import Judged, judge

__all__ = ["Judged", "judge"]
