"""Drawing sets of codes like those of the private corpus, out of what it exports.

`CodeSets` draws from counts alone. Exported are, where at least `min_documents` private documents
have them, how many codes documents have, each code's documents and each pair's. A set is drawn code
by code: the first in proportion to its documents, each further one in proportion to its documents
times its lift with every code drawn so far (observed documents of the pair over those expected of
independent codes).

`ImitatedSets` draws from whole sets, where those are exported too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthfr.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class CodeSets:
    """Sampler over a CODE_SETS table."""

    def __init__(self, table: pd.DataFrame, max_codes: int) -> None:
        import numpy as np

        by_kind = dict(tuple(table.groupby("kind")))
        if "size" not in by_kind or "code" not in by_kind:
            raise UserError(
                "The exported code sets hold no sizes or no codes, nothing to synthesise "
                "from: lower keywords.min_documents or add private documents."
            )
        singles = by_kind["code"].sort_values("codes", key=lambda column: column.str[0])
        self.codes: list[str] = [codes[0] for codes in singles["codes"]]
        self._counts = singles["n_documents"].to_numpy(np.float64)
        sizes = by_kind["size"].assign(size=by_kind["size"]["size"].clip(upper=max_codes))
        histogram = sizes[sizes["size"] > 0].groupby("size")["n_documents"].sum()
        if histogram.empty:
            raise UserError(
                "The exported code sets know no document with a code: check the seed's codes."
            )
        self._sizes = histogram.index.to_numpy(np.int64)
        self._size_share = (histogram / histogram.sum()).to_numpy(np.float64)
        documents = max(float(by_kind["size"]["n_documents"].sum()), self._counts.max())
        self._lift = self._lifts(by_kind.get("pair"), documents)

    def _lifts(self, pairs: pd.DataFrame | None, documents: float) -> np.ndarray:
        """Lift of every two codes, shape (codes, codes).

        A pair that was not exported had fewer documents than the rarest exported count: it is taken
        as independent, but no more frequent than that limit allows (half a document where nothing
        was held back).
        """
        import numpy as np

        position = {code: index for index, code in enumerate(self.codes)}
        expected = np.outer(self._counts, self._counts) / documents
        exported = [] if pairs is None else pairs["n_documents"].tolist()
        limit = max(min([*self._counts.tolist(), *exported]) - 1, 0.5)
        observed = np.minimum(expected, limit)
        if pairs is not None:
            for codes, count in zip(pairs["codes"], exported, strict=True):
                first, second = (position.get(code) for code in codes)
                if first is not None and second is not None:
                    observed[first, second] = observed[second, first] = count
        lift: np.ndarray = observed / expected
        return lift

    def draw(self, generator: np.random.Generator) -> list[str]:
        """Distinct codes, in the order drawn; the size follows the exported histogram, capped."""
        import numpy as np

        size = min(int(generator.choice(self._sizes, p=self._size_share)), len(self.codes))
        weights = self._counts.copy()
        drawn: list[int] = []
        while len(drawn) < size:
            index = int(generator.choice(len(weights), p=weights / weights.sum()))
            drawn.append(index)
            weights *= self._lift[index]
            weights[np.array(drawn)] = 0.0
        return [self.codes[index] for index in drawn]


class ImitatedSets:
    """Sampler over the whole sets of a CODE_SETS table, as published: the set of a document, cut to
    its principal code and a random number of its associated ones.
    """

    def __init__(self, table: pd.DataFrame, max_codes: int) -> None:
        import numpy as np

        whole = table[table["kind"] == "set"].sort_values("codes", ignore_index=True)
        if whole.empty:
            raise UserError(
                "The exported code sets hold no whole set, nothing to imitate: set "
                "keywords.code_sets to sets, or lower keywords.min_documents."
            )
        self._sets: list[list[str]] = whole["codes"].tolist()
        self.codes: list[str] = sorted({code for one in self._sets for code in one})
        counts = whole["n_documents"].to_numpy(np.float64)
        self._share = counts / counts.sum()
        self._max_associated = max_codes - 1

    def draw(self, generator: np.random.Generator) -> list[str]:
        """The principal code and 1 to ``max_codes - 1`` of those associated with it, as many as
        there are; every number and every choice equally likely. A set without any is its principal
        alone.
        """
        principal, *associated = self._sets[int(generator.choice(len(self._sets), p=self._share))]
        most = min(self._max_associated, len(associated))
        if not most:
            return [principal]
        number = int(generator.integers(1, most + 1))
        chosen = generator.choice(len(associated), number, replace=False)
        return [principal, *(associated[int(at)] for at in chosen)]
