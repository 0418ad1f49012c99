"""Some of the columns of a sparse matrix, in another place: quicker than scipy's own selection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Numbers = NDArray[np.int32]


def numbered(kept: NDArray[np.bool_]) -> Numbers:
    """The how manieth of the kept ones each is, -1 where it is none; shape as given."""
    return np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)


def only(matrix: csr_matrix, number: Numbers, data: NDArray[Any] | None = None) -> csr_matrix:
    """The columns that have a `number`, each as the column of that number; entries stand in the
    order that they stood in.

    Args:
        matrix: shape (n_rows, n_columns).
        number: shape (n_columns,); -1 for a column that goes.
        data: what stands there instead of ``matrix.data``, in its order.
    """
    from scipy.sparse import csr_matrix

    column = number[matrix.indices]
    kept = column >= 0
    before = np.zeros(len(kept) + 1, dtype=matrix.indptr.dtype)  # kept entries before each
    np.cumsum(kept, out=before[1:])
    shape = matrix.shape[0], int(number.max(initial=-1)) + 1
    values = (matrix.data if data is None else data)[kept]
    return csr_matrix((values, column[kept], before[matrix.indptr]), shape=shape)
