"""What every source of reports delivers, demo or real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthfr.text.tokens import words

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Corpus:
    """Seed reports of both sides (REPORTS of `synthfr.records`) and the code list (CODES)."""

    public: pd.DataFrame  # trusted, may be shared
    private_train: pd.DataFrame  # the loop may use them
    private_holdout: pd.DataFrame  # the loop never sees them
    codes: pd.DataFrame

    def counts(self) -> dict[str, dict[str, float]]:
        """What is there, for the log: numbers only."""
        return {
            "public": _counts(self.public),
            "private_train": _counts(self.private_train),
            "private_holdout": _counts(self.private_holdout),
            "codes": {
                "codes": len(self.codes),
                "synonyms": int(self.codes["synonyms"].map(len).sum()),
            },
        }


def _counts(reports: pd.DataFrame) -> dict[str, float]:
    patients = reports["patient_id" if "patient_id" in reports else "report_id"]
    return {
        "reports": len(reports),
        "patients": patients.nunique(),
        "words_per_report": float(reports["text"].map(words).map(len).mean()),
        "codes_per_report": float(reports["codes"].map(len).mean()),
    }
