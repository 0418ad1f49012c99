"""Everything that is measured of a step's data set against private reports, in figures alone.

Each figure stands beside its floor: what it is for real reports that the loop has used (`train`)
against real ones that it has not (`holdout`). What lies within the floor is as near as two samples
of real reports are to each other. A distance has ``{"synthetic", "floor"}``; a level ``{"real",
"synthetic", "difference", "floor"}``, where the floor is the difference of the two real samples.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synthfr import seeding
from synthfr.corpora.faithfulness import faithfulness
from synthfr.fidelity import content
from synthfr.fidelity.compare import compare
from synthfr.fidelity.distributions import distributions
from synthfr.fidelity.embedding import Space, distances
from synthfr.fidelity.own_codes import Coded, as_figures, expressed
from synthfr.fidelity.sampling import halves, shuffled
from synthfr.fidelity.telling_apart import FOLDS, Reports, told_apart
from synthfr.records import owners_of
from synthfr.repetition import among_alike, distinct, self_bleu

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.fidelity.settings import Distances

DISTINCT_ORDERS = (1, 2, 4)
SELF_BLEU_REPORTS = 500  # it grows with their number: always the same one, where there are as many


@dataclass(frozen=True)
class Setup:
    """How corpora are compared.

    Attributes:
        distances: parameters.
        min_documents: what fewer private patients have decides nothing by itself.
        source: of the seed: the truth behind a text is known of the demo alone.
        random_seed: of every draw.
    """

    distances: Distances
    min_documents: int
    source: str
    random_seed: int


@dataclass
class Measured:
    """Nested `figures` (None: could not be measured), and why in `notes`."""

    figures: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def measure(
    synthetic: pd.DataFrame,
    holdout: pd.DataFrame,
    train: pd.DataFrame,
    public: pd.DataFrame,
    setup: Setup,
) -> Measured:
    """All figures of `synthetic` (SYNTHETIC) against private reports (REPORTS; `public`, the seed,
    is what embeddings are learnt from beside real reports): those of `compare`,
    ``faithfulness`` (empty where the truth is not known; where it is, ``faithfulness_real`` is of
    holdout and ``faithfulness_floor`` what holdout and train differ by) and, one group each,
    ``distributions``, ``embedding``, ``discriminator``, ``diversity`` and ``own_codes``. A group is
    None where a corpus has fewer than ``distances.fewest`` reports for it.
    """
    seed = setup.random_seed
    figures: dict[str, Any] = {
        **compare(synthetic, holdout, train, seed),
        "faithfulness": faithfulness(synthetic, setup.source, seed),
    }
    of_real, of_used = (faithfulness(side, setup.source, seed) for side in (holdout, train))
    if of_real:
        figures["faithfulness_real"] = of_real
        figures["faithfulness_floor"] = {name: of_real[name] - of_used[name] for name in of_real}
    measured = Measured(figures)
    first, second = halves(train, seed)
    made, real, used, learnt, other, seeds = (
        shuffled(corpus, seed).head(setup.distances.reports)
        for corpus in (synthetic, holdout, train, first, second, public)
    )
    whole, halved = _Corpora(made, real, used), _Corpora(made, real, other)
    if _enough(measured, setup, "distributions, diversity and discriminator", whole):
        even = whole.even()
        figures["distributions"] = distributions(
            even.made, even.real, even.train, setup.min_documents
        )
        figures["diversity"] = _diversity(even)
        figures["discriminator"] = _discriminator(measured, even, seed)
    else:
        figures |= dict.fromkeys(("distributions", "diversity", "discriminator"))
    if _enough(measured, setup, "embedding and own_codes (half of train)", halved):
        figures["embedding"] = _embedding(
            Space(learnt["text"].tolist(), seeds["text"].tolist(), setup.distances), halved, setup
        )
        figures["own_codes"] = _own_codes(measured, learnt, halved, setup)
    else:
        figures |= dict.fromkeys(("embedding", "own_codes"))
    return measured


@dataclass(frozen=True)
class _Corpora:
    """Reports in drawn order: their first rows are a sample."""

    made: pd.DataFrame
    real: pd.DataFrame  # holdout
    train: pd.DataFrame

    @property
    def smallest(self) -> int:
        return min(len(self.made), len(self.real), len(self.train))

    def even(self) -> _Corpora:
        """As many reports of each."""
        n = self.smallest
        return _Corpora(self.made.head(n), self.real.head(n), self.train.head(n))


def _enough(measured: Measured, setup: Setup, what: str, corpora: _Corpora) -> bool:
    fewest = setup.distances.fewest
    if corpora.smallest >= fewest:
        return True
    measured.notes.append(
        f"{what}: not measured, a corpus has fewer than {fewest} reports for it "
        "(fidelity.distances.fewest)"
    )
    return False


def _embedding(space: Space, corpora: _Corpora, setup: Setup) -> dict[str, Any]:
    made, real, train = (
        side["text"].tolist() for side in (corpora.made, corpora.real, corpora.train)
    )
    real_owners = owners_of(corpora.real)
    # a copy goes where its real text goes, each of several with another: equal corpora have equal
    # parts, and a text that is copied again and again is not one patient's
    left = defaultdict(list)
    for text, owner in zip(real, real_owners, strict=True):
        left[text].append(owner)
    owners = {
        "real": real_owners,
        "synthetic": [
            left[text].pop(0) if left[text] else f"text {row}" for row, text in enumerate(made)
        ],
        "floor": owners_of(corpora.train),
    }
    return distances(space, made, real, train, setup.distances, owners, setup.random_seed)


def _diversity(even: _Corpora) -> dict[str, Any]:
    """Levels; ``same_codes_self_bleu`` is of pairs of reports with the same categories."""
    found: dict[str, Any] = {"reports": min(len(even.made), SELF_BLEU_REPORTS)}
    texts = [side["text"].tolist() for side in (even.real, even.made, even.train)]
    alike = [
        [tuple(content.codes(own)) for own in side["codes"]]
        for side in (even.real, even.made, even.train)
    ]
    found["self_bleu"] = _levels(*(self_bleu(own[:SELF_BLEU_REPORTS]) for own in texts))
    found["same_codes_self_bleu"] = _levels(
        *(among_alike(own, keys) for own, keys in zip(texts, alike, strict=True))
    )
    for order in DISTINCT_ORDERS:
        found[f"distinct_{order}_words"] = _levels(*(distinct(own, order) for own in texts))
    return found


def _levels(real: float | None, made: float | None, train: float | None) -> dict[str, Any] | None:
    if real is None or made is None or train is None:
        return None
    return {"real": real, "synthetic": made, "difference": real - made, "floor": real - train}


def _discriminator(measured: Measured, even: _Corpora, random_seed: int) -> dict[str, Any] | None:
    real = _reports(even.real)
    made = told_apart(real, _reports(even.made, written=True), random_seed)
    floor = told_apart(real, _reports(even.train), random_seed)
    if made is None or floor is None:
        measured.notes.append(
            f"discriminator: not measured, a corpus is of fewer than {FOLDS} patients, or has "
            f"fewer than {FOLDS} different texts"
        )
        return None
    found = {"synthetic": made, "floor": floor}
    return {
        "reports": len(real.texts),
        "auc": {side: one.auc.as_dict() for side, one in found.items()},
        "shares": _by_kind({side: one.shares for side, one in found.items()}),
        "alone": _by_kind({side: one.alone for side, one in found.items()}),
    }


def _by_kind(sides: dict[str, Any]) -> dict[str, dict[str, float]]:
    kinds = dict.fromkeys(kind for own in sides.values() for kind in own)
    return {kind: {side: own[kind] for side, own in sides.items() if kind in own} for kind in kinds}


def _reports(corpus: pd.DataFrame, written: bool = False) -> Reports:
    texts = corpus["text"].tolist()
    return Reports(texts, corpus["language"].tolist(), texts if written else owners_of(corpus))


def _own_codes(
    measured: Measured, learnt: pd.DataFrame, corpora: _Corpora, setup: Setup
) -> dict[str, Any] | None:
    sides = {"real": corpora.real, "synthetic": corpora.made, "train": corpora.train}
    found, labels = expressed(
        _coded(learnt),
        {name: _coded(side) for name, side in sides.items()},
        max(setup.min_documents, FEWEST_OF_LABEL),
        seeding.derive(setup.random_seed, "own_codes"),
    )
    if any(one is None for one in found.values()):
        measured.notes.append(
            f"own_codes: not measured, a coder of {labels} codes (those of {FEWEST_OF_LABEL} "
            "patients and more of half of train) finds none of them in a corpus"
        )
        return None
    return {"labels": labels} | {
        figure: _levels(values["real"], values["synthetic"], values["train"])
        for figure, values in as_figures(found).items()
    }


FEWEST_OF_LABEL = 10  # patients whose reports a coder learns a code from


def _coded(corpus: pd.DataFrame) -> Coded:
    codes = [list(own) for own in corpus["codes"]]
    return Coded(corpus["text"].tolist(), codes, owners_of(corpus))
