"""Terms that come with a public report, in the place of those found in it.

The original Synth-FR has this as an option, for half of its training rows: a generator that also
learns from terms which its report words otherwise does not learn to repeat its prompt alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthfr import seeding
from synthfr.text.term_form import Form, written

if TYPE_CHECKING:
    import pandas as pd

Names = Mapping[str, Sequence[str]]  # of each code


@dataclass(frozen=True)
class Given:
    """Terms of the reports that were drawn and have any, and where they come from."""

    terms: dict[str, list[str]]  # by report_id
    counts: dict[str, float]  # reports, for the metrics


def given_terms(
    reports: pd.DataFrame,
    codes: Sequence[Sequence[str]],
    names: Mapping[str, Names],
    form: Form,
    share: float,
    random_seed: int,
) -> Given:
    """For a `share` of the reports (REPORTS), drawn by id: the keywords that the table gives for
    the report, else the first name of each of its codes. Reports with neither are left out.

    Args:
        codes: of each report, as far as they are in the code list.
        names: by language, in the form wanted.
        form: in which given keywords are put.
    """
    terms: dict[str, list[str]] = {}
    by_report = by_codes = n_drawn = 0
    for name, given, own, language in zip(
        reports["report_id"], reports["keywords"], codes, reports["language"], strict=True
    ):
        if not share or seeding.rng(random_seed, "given terms", name).random() >= share:
            continue
        n_drawn += 1
        known = names[language]
        if found := [term for one in given if (term := written(one, form, language))]:
            by_report += 1
        elif found := [known[code][0] for code in own if code in known]:
            by_codes += 1
        else:
            continue
        terms[name] = found
    neither = n_drawn - by_report - by_codes
    return Given(
        terms,
        {"drawn": n_drawn, "by_report": by_report, "by_codes": by_codes, "neither": neither},
    )
