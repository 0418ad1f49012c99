"""What every source of reports delivers, demo or real."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from synthfr.text.tokens import words

if TYPE_CHECKING:
    import pandas as pd


def _no_canaries() -> pd.DataFrame:
    from synthfr import records

    return records.empty(records.CANARIES)


@dataclass(frozen=True)
class Corpus:
    """Seed reports of both sides (REPORTS of `synthfr.records`), the code list (CODES), and the
    canaries (CANARIES), planted in private train reports or kept to compare with.
    """

    public: pd.DataFrame  # trusted, may be shared
    private_train: pd.DataFrame  # the loop may use them
    private_holdout: pd.DataFrame  # the loop never sees them
    codes: pd.DataFrame
    canaries: pd.DataFrame = field(default_factory=_no_canaries)

    def counts(self) -> dict[str, dict[str, float]]:
        """What is there, for the log: numbers only."""
        planted = int(self.canaries["report_id"].notna().sum())
        return {
            "public": _counts(self.public),
            "private_train": _counts(self.private_train),
            "private_holdout": _counts(self.private_holdout),
            "codes": {
                "codes": len(self.codes),
                "synonyms": int(self.codes["synonyms"].map(len).sum()),
            },
            **({"canaries": {"planted": planted}} if planted else {}),
        }


def _counts(reports: pd.DataFrame) -> dict[str, float]:
    patients = reports["patient_id" if "patient_id" in reports else "report_id"]
    return {
        "reports": len(reports),
        "patients": patients.nunique(),
        "words_per_report": float(reports["text"].map(words).map(len).mean()),
        "codes_per_report": float(reports["codes"].map(len).mean()),
    }
