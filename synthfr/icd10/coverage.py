"""How many of the reports' codes the code list knows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from synthfr.icd10.codes import nearest

# what WHO's list and CIM-10 do not have: letters behind the dot, or as third place; a third digit
# behind the dot is rare there
_CLINICAL_MODIFICATION = re.compile(
    r"[A-Z][0-9][AB].*|[A-Z][0-9]{2}\.(?=[0-9]*[A-Z]|.{3})[0-9A-Z]+"
)


@dataclass(frozen=True)
class Coverage:
    """Counts of code occurrences over all reports of a side, each code of a report once."""

    occurrences: int
    known: int
    wider_known: int  # not known, but a wider code of theirs is (E11.65: E11.6, or E11)
    clinical_modification: int  # not known, and of a form that only ICD-10-CM has
    distinct_unknown: int

    @property
    def share_known(self) -> float:
        """1.0 where there are no codes at all."""
        return self.known / self.occurrences if self.occurrences else 1.0


def coverage(reports: Iterable[Sequence[str]], code_list: Iterable[str]) -> Coverage:
    """Of each report's normalised codes, how many are in the code list (normalised, too)."""
    listed = set(code_list)
    counts = Counter(code for codes in reports for code in codes)
    unknown = {code: count for code, count in counts.items() if code not in listed}
    return Coverage(
        occurrences=counts.total(),
        known=counts.total() - sum(unknown.values()),
        wider_known=sum(n for code, n in unknown.items() if nearest(code, listed)),
        clinical_modification=sum(
            n for code, n in unknown.items() if _CLINICAL_MODIFICATION.fullmatch(code)
        ),
        distinct_unknown=len(unknown),
    )
