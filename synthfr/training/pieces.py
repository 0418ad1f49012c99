"""Reports cut into consecutive pieces of equal length, all of them kept: nothing is truncated.

A piece is a row of the training by itself: it is read without the pieces before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

IGNORED = -100  # label of a token that the loss does not count


def cut(examples: pd.DataFrame, length: int) -> pd.DataFrame:
    """Rows of at most `length` tokens from rows of any (`report_id`, `input_ids`, `labels`), in
    their order; ``n_tokens`` is each one's own.

    A piece's first token does not count, as nothing foretells it. A piece in which nothing counts
    would teach nothing and is left out: the prompt alone, or one last token.
    """
    import numpy as np
    import pandas as pd

    rows = []
    columns = (examples[name] for name in ("report_id", "input_ids", "labels"))
    for report_id, ids, labels in zip(*columns, strict=True):
        for number, start in enumerate(range(0, len(ids), length)):
            end = start + length
            counted = np.concatenate([np.full_like(labels[:1], IGNORED), labels[start + 1 : end]])
            if (counted != IGNORED).any():
                rows.append((f"{report_id}/{number}", len(counted), ids[start:end], counted))
    return pd.DataFrame(rows, columns=["report_id", "n_tokens", "input_ids", "labels"])
