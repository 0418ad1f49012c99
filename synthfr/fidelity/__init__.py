"""Fidelity: how a synthetic corpus differs from real reports in length, content, vocabulary, style
and repetition, and when it no longer says what it was asked for.
"""

from synthfr.fidelity.compare import compare
from synthfr.fidelity.guard import guard
from synthfr.fidelity.measure import Measured, Setup, measure

__all__ = ["Measured", "Setup", "compare", "guard", "measure"]
