"""Canaries: invented persons at the end of private train reports, planted to see whether they come
out again. As many more are drawn alike and never planted: what chance brings (Carlini et al. 2019,
arXiv 1802.08232; in-distribution beginning, rare end: Meeus et al. 2025, arXiv 2502.14921).

The report itself is the beginning. The rare end is a name, a date and a town, of `faker`: no word
of any language.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from synthfr import seeding
from synthfr.errors import UserError
from synthfr.records import CANARIES, empty

if TYPE_CHECKING:
    import pandas as pd
    from faker import Faker

_GAP = " "  # between a report and its canary
_FIRST_DAY, _LAST_DAY = date(1930, 1, 1).toordinal(), date(2019, 12, 31).toordinal()


def planted(
    train: pd.DataFrame, number: int, random_seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train reports (REPORTS), `number` of which end with a canary; and all canaries (CANARIES): as
    many again that stand nowhere, which have no report.

    Which reports, and what canaries, depends on the seed and the reports' ids alone. UserError
    where there are fewer reports.
    """
    import pandas as pd

    if number > len(train):
        raise UserError(
            f"seed.canaries: {number} canaries are asked for, but there are {len(train)} private "
            "train reports, and each holds one at most: lower the number."
        )
    if number == 0:
        return train, empty(CANARIES)
    ids = train["report_id"].tolist()
    order = sorted(ids, key=lambda one: seeding.derive(random_seed, "canary's place", one))
    rows = train.set_index("report_id").loc[order[:number]]
    languages = rows["language"].tolist()
    texts = drawn(languages * 2, random_seed, "canary")
    canaries = pd.DataFrame(
        {
            "canary_id": [f"canary-{at:06d}" for at in range(len(texts))],
            "text": texts,
            "language": languages * 2,
            "report_id": [*order[:number], *[None] * number],
        }
    )
    return train.assign(text=put_in(ids, train["text"], canaries)), canaries


def put_in(ids: Sequence[str], texts: Iterable[str], canaries: pd.DataFrame) -> list[str]:
    """Texts of the reports of these ids, with the canary at the end of each that holds one."""
    ends = dict(zip(canaries["report_id"], canaries["text"], strict=True))
    return [
        f"{text.rstrip()}{_GAP}{ends[one]}" if one in ends else text
        for one, text in zip(ids, texts, strict=True)
    ]


def removed(reports: pd.DataFrame, canaries: pd.DataFrame) -> pd.DataFrame:
    """Private reports without the canaries planted in them: for whatever compares train with
    holdout, which has none.
    """
    ends = dict(zip(canaries["report_id"], canaries["text"], strict=True))
    texts = [
        text.removesuffix(f"{_GAP}{ends[one]}") if one in ends else text
        for one, text in zip(reports["report_id"], reports["text"], strict=True)
    ]
    return reports.assign(text=texts)


def drawn(languages: list[str], random_seed: int, purpose: str) -> list[str]:
    """Invented persons, one of each language given, all different: ``name, date, town``."""
    found: dict[str, None] = {}
    for at, language in enumerate(languages):
        attempt = 0
        while len(found) == at:
            found[_person(language, seeding.derive(random_seed, purpose, at, attempt))] = None
            attempt += 1
    return list(found)


def _person(language: str, seed: int) -> str:
    faker = _faker(language)
    faker.seed_instance(seed)
    day = date.fromordinal(faker.random_int(_FIRST_DAY, _LAST_DAY))
    return f"{faker.name()}, {day:%d/%m/%Y}, {faker.city()}."


@cache
def _faker(language: str) -> Faker:
    """With names of the language: of the country called as it is, else of the first one."""
    from faker import Faker
    from faker.config import AVAILABLE_LOCALES

    own = f"{language}_{language.upper()}"
    spoken = sorted(one for one in AVAILABLE_LOCALES if one.startswith(f"{language}_"))
    return Faker(own if own in spoken else next(iter(spoken), None))
