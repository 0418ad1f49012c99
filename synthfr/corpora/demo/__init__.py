"""The embedded demo corpus: a public textbook seed and a private hospital, written by one grammar.

Two sides of the same medicine: the public reports name diseases and use full phrases, the private
ones imply more than they name. Every report is drawn from its own id, so that a larger corpus
begins with the smaller one. It proves machinery, never clinical realism.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from synthfr import seeding
from synthfr.corpora.corpus import Corpus
from synthfr.corpora.demo.grammar import render
from synthfr.corpora.demo.knowledge import knowledge
from synthfr.corpora.demo.truth import pick, sample_stay, weighted

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.params import DemoSizes

LANGUAGE = "fr"
SEED_STYLE = {0.0: 0.5, 0.05: 0.3, 0.3: 0.2}
"""Hospital-style probability of a public seed report: its distribution (mean .075)."""
PRIVATE_STYLE = (0.85, 0.95, 1.0)
"""Hospital-style probability of a private document: one of these, all equally likely."""


def corpus(params: DemoSizes, random_seed: int) -> Corpus:
    """The demo corpus: report ids ``pub-…``, ``train-…`` and ``holdout-…``, one patient each."""
    return Corpus(
        public=_reports("pub", params.public, _seed_style, random_seed),
        private_train=_reports("train", params.private_train, _private_style, random_seed),
        private_holdout=_reports("holdout", params.private_holdout, _private_style, random_seed),
        codes=_codes(),
    )


def _seed_style(rng: np.random.Generator) -> float:
    return weighted(rng, list(SEED_STYLE), list(SEED_STYLE.values()))


def _private_style(rng: np.random.Generator) -> float:
    return pick(rng, PRIVATE_STYLE)


def _reports(
    split: str, count: int, style: Callable[[np.random.Generator], float], random_seed: int
) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for number in range(count):
        report_id = f"{split}-{number:06d}"
        rng = seeding.rng(random_seed, "demo", report_id)
        stay = sample_stay(rng, knowledge())
        rows.append(
            {
                "report_id": report_id,
                "text": render(stay, style(rng), knowledge(), rng),
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
            {"code": entry.code, "label": entry.terms[0], "synonyms": list(entry.names)}
            for entry in knowledge()
        ]
    )
