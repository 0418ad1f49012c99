"""The embedded demo corpus: a public textbook seed and a private hospital, written by one grammar.

Two sides of the same medicine. The public reports name diseases, use full phrases, and take what
ward wording they have from other hospitals; the private ones come from one hospital with habits
and phrases of its own, and imply more than they name. Every report is drawn from its own id, so
that a larger corpus begins with the smaller one. It proves machinery, never clinical realism.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from synthfr import seeding
from synthfr.corpora.corpus import Corpus
from synthfr.corpora.demo.grammar import render
from synthfr.corpora.demo.hospitals import TEXTBOOK, Hospital, other_hospitals, private_hospital
from synthfr.corpora.demo.knowledge import knowledge
from synthfr.corpora.demo.truth import Stay, pick, sample_stay, weighted
from synthfr.icd10.names import SYNONYM
from synthfr.section import Count, Section

if TYPE_CHECKING:
    import pandas as pd


class DemoSizes(Section):
    """Parameters `seed.demo`: see the comments in params.yaml."""

    public: Count = 1000
    private_train: Count = 1000
    private_holdout: Count = 800


LANGUAGE = "fr"
SEED_STYLE = {0.0: 0.5, 0.05: 0.3, 0.3: 0.2}
"""Share of ward wording in a public seed report: its distribution (mean .075)."""
PRIVATE_STYLE = (0.85, 0.95, 1.0)
"""Share of ward wording in a private document: one of these, all equally likely."""

Writer = Callable[[Stay, np.random.Generator], str]


def corpus(params: DemoSizes, random_seed: int) -> Corpus:
    """The demo corpus: report ids ``pub-…``, ``train-…`` and ``holdout-…``, one patient each."""
    private = _private_writer(private_hospital(knowledge(), random_seed))
    return Corpus(
        public=_reports("pub", params.public, _public_writer, random_seed),
        private_train=_reports("train", params.private_train, private, random_seed),
        private_holdout=_reports("holdout", params.private_holdout, private, random_seed),
        codes=_codes(),
    )


def _public_writer(stay: Stay, rng: np.random.Generator) -> str:
    style = weighted(rng, list(SEED_STYLE), list(SEED_STYLE.values()))
    house = pick(rng, other_hospitals(knowledge()))
    return render(stay, style, house, knowledge(), rng, TEXTBOOK)


def _private_writer(house: Hospital) -> Writer:
    def write(stay: Stay, rng: np.random.Generator) -> str:
        return render(stay, pick(rng, PRIVATE_STYLE), house, knowledge(), rng)

    return write


def _reports(split: str, count: int, write: Writer, random_seed: int) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for number in range(count):
        report_id = f"{split}-{number:06d}"
        rng = seeding.rng(random_seed, "demo", report_id)
        stay = sample_stay(rng, knowledge())
        rows.append(
            {
                "report_id": report_id,
                "text": write(stay, rng),
                "codes": list(stay.codes),
                "keywords": [],
                "language": LANGUAGE,
                "patient_id": f"patient-{report_id}",
            }
        )
    return pd.DataFrame(rows)


def _codes() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        [
            {
                "code": entry.code,
                "label": entry.terms[0],
                "synonyms": list(entry.names),
                "sources": [SYNONYM] * len(entry.names),
            }
            for entry in knowledge()
        ]
    )
