"""Fidelity: how a synthetic corpus differs from real reports in length, vocabulary and
repetition, and when it no longer says what it was asked for.
"""

from synthfr.fidelity.compare import compare
from synthfr.fidelity.guard import guard

__all__ = ["compare", "guard"]
