"""How far apart corpora lie in an embedding space: Fréchet distance, neighbourhoods, MAUVE.

The space is learnt from one half of the reports that the loop has used and from as many public
ones; what is compared with `holdout` are the synthetic reports, and the other half as the floor.
The encoder has seen neither, so that both are treated alike, and the space is the same for every
step. Learnt from real reports alone it has no axis for what real reports do not have: textbook
reports then fall among the most ordinary real ones, and precision is high where none is real.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.errors import UserError
from synthfr.fidelity.frechet import frechet_distance
from synthfr.fidelity.mauve import mauve
from synthfr.fidelity.neighbours import neighbourhoods
from synthfr.fidelity.sampling import dealt
from synthfr.scoring.local import LocalEvaluator, LocalSettings
from synthfr.scoring.sentence_transformers import SentenceTransformersEvaluator
from synthfr.scoring.token_limits import SECTION
from synthfr.stats import mean_interval

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from synthfr.fidelity.settings import Distances
    from synthfr.scoring.raters import Encoder

Floats = NDArray[np.float64]

# the principal axes that vectors are compared along: a covariance of a part's few reports has no
# more, and neighbours in many dimensions are all equally far
DIMENSIONS = 32


class Space:
    """A text encoder and the principal axes of what it makes of the texts that it learns from, as
    many real as public ones where there are.

    Encoders: TF-IDF with LSA (`scoring.local`); or a sentence-transformers model, where
    `params.encoder.model` names one.
    """

    def __init__(self, real: Sequence[str], public: Sequence[str], params: Distances) -> None:
        from sklearn.decomposition import TruncatedSVD

        texts = [*real, *public[: len(real)]]
        self._encoder = _encoder(params)
        self._encoder.fit(texts)
        vectors = self._encoder.encode(texts)
        axes = min(DIMENSIONS, min(vectors.shape) - 1)
        self._axes = TruncatedSVD(axes, algorithm="arpack", random_state=0).fit(_double(vectors))

    def of(self, texts: Sequence[str]) -> Floats:
        """Coordinates, shape (n_texts, n_axes)."""
        placed: Floats = self._axes.transform(_double(self._encoder.encode(texts)))
        return placed


def distances(
    space: Space,
    made: Sequence[str],
    holdout: Sequence[str],
    train: Sequence[str],
    params: Distances,
    owners: Mapping[str, Sequence[str]],
    random_seed: int,
) -> dict[str, object]:
    """``{figure: {"synthetic", "floor"}}``, each ``{"mean", "low", "high"}`` over repeats, beside
    ``repeats`` and ``reports``, how many of a side each compares.

    Every repeat compares reports of other patients: the texts, which are in drawn order, are dealt
    into as many parts as `params.repeats` (fewer, where parts would be below `params.fewest`), as
    long as the smallest corpus allows. So repeats are independent, and Student's interval holds;
    and a figure is that of samples of this size. `train` is the half that the space has not learnt
    from. `owners`: whom each text of a side (``real``, ``synthetic``, ``floor``) is about.
    """
    sides = {"real": holdout, "synthetic": made, "floor": train}
    rows = dealt(owners, params.repeats, params.fewest)
    repeats, size = rows["real"].shape
    in_parts = {
        name: [texts[row] for row in rows[name].ravel().tolist()] for name, texts in sides.items()
    }
    parts = {name: space.of(texts).reshape(repeats, size, -1) for name, texts in in_parts.items()}
    figures: dict[str, dict[str, list[float]]] = {}
    for number in range(repeats):
        seed = seeding.derive(random_seed, "fidelity mauve", number) % 2**32
        for name in ("synthetic", "floor"):
            for figure, value in _of(parts["real"][number], parts[name][number], seed).items():
                figures.setdefault(figure, {}).setdefault(name, []).append(value)
    found: dict[str, object] = {
        figure: {name: mean_interval(values).as_dict() for name, values in own.items()}
        for figure, own in figures.items()
    }
    return found | {"reports": size, "repeats": repeats}


def _of(real: Floats, other: Floats, seed: int) -> Mapping[str, float]:
    return {
        "frechet": frechet_distance(real, other),
        **asdict(neighbourhoods(real, other)),
        "mauve": mauve(real, other, seed),
    }


def _encoder(params: Distances) -> Encoder:
    if params.encoder.model is None:
        return LocalEvaluator(LocalSettings())
    try:
        return SentenceTransformersEvaluator(params.encoder, window_tokens=1)
    except UserError as error:  # it knows of one place only where its model may be named
        raise UserError(str(error).replace(SECTION, "fidelity.distances.encoder")) from None


def _double(vectors: NDArray[np.float32] | csr_matrix) -> Floats | csr_matrix:
    return vectors.astype(np.float64)
