"""Candidates and what the private side tells of their scores become preference data: pairs for DPO,
best-of rows for SFT, rows for KTO.

`choice` chooses from totals, `tables` writes down what was chosen. The choice may be made on either
side of the wall (`score.release`).
"""

from synthfr.preferences.choice import Choice, Pair, choose, matched
from synthfr.preferences.tables import BEST_OF, KTO, PairResult, pairs

__all__ = ["BEST_OF", "KTO", "Choice", "Pair", "PairResult", "choose", "matched", "pairs"]
