"""Fidelity: how a synthetic corpus differs from real reports in length, vocabulary and
repetition.
"""

from synthfr.fidelity.compare import compare

__all__ = ["compare"]
