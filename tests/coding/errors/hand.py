"""Six documents and five codes, small enough to count by hand."""

from __future__ import annotations

import numpy as np

from synthfr.coding.errors import Limit

CODES = ["E11", "E78", "I10", "C50", "HFMA"]  # of chapters IV, IV, IX, II; a procedure's

#                 E11 E78 I10 C50 HFMA
TRUTH = np.array([[1, 0, 0, 0, 0],   # a: found
                  [1, 0, 1, 0, 0],   # b: I10 found, E11 missed, E78 (its family) in its place
                  [0, 0, 1, 0, 0],   # c: found, and C50 too many
                  [0, 1, 0, 0, 1],   # d: nothing found
                  [0, 0, 0, 0, 0],   # e: no code, E11 too many
                  [1, 1, 0, 0, 0]],  # f: E11 found, E78 missed, HFMA too many
                 dtype=bool)  # fmt: skip
PREDICTED = np.array([[1, 0, 0, 0, 0],
                      [0, 1, 1, 0, 0],
                      [0, 0, 1, 1, 0],
                      [0, 0, 0, 0, 0],
                      [1, 0, 0, 0, 0],
                      [1, 0, 0, 0, 1]],
                     dtype=bool)  # fmt: skip


def limit(least: int, n: int = len(TRUTH), each: int = 1) -> Limit:
    """Of `n` documents, `each` of them in a row of one patient."""
    return Limit(least, np.arange(n) // each)
