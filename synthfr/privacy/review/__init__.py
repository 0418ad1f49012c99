"""The synthetic reports most like private ones, side by side, for the eyes of those who may read
private text: one page below ``data/private``, written nowhere else.
"""

from synthfr.privacy.review.page import Pair, Review, write

__all__ = ["Pair", "Review", "write"]
