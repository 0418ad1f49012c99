"""Is a wrong code at least of the right family, and has a missed one a relative among what was
predicted?

A family is a chapter of ICD-10, or a three-character category where codes are finer than that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from synthfr import icd10
from synthfr.bootstrap import Owners, n_patients, percentile_interval
from synthfr.coding.errors.disclosure import Limit
from synthfr.coding.errors.resampling import RESAMPLES, weights
from synthfr.coding.metrics import Bools, Floats

Level = Literal["chapter", "category"]
UNMAPPED = "unmapped"


def family(code: str, level: Level) -> str | None:
    """Of a code; None: it is no ICD-10 code that a chapter has."""
    found = icd10.chapter(code)
    return found if found is None or level == "chapter" else icd10.category(code)


def families(
    truth: Bools,
    predicted: Bools,
    codes: Sequence[str],
    level: Level,
    limit: Limit,
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """False positives and false negatives, within their family, out of it, or of none.

    A false positive is within its family when the document has a true code of that family; a false
    negative, when a code of that family was predicted for the document, rightly or not. Codes
    without a family (`UNMAPPED`) are relatives of nothing, also not of each other.

    Args:
        codes: of the columns.
        level: with ``category``, codes that are categories have no relatives: every error is out
            of its family.

    Returns:
        Of each kind of error: ``total`` (codes over all documents); shares ``within``, ``out`` and
        ``unmapped`` of them, with 95 % bootstrap intervals over patients; ``within_by_chance``,
        the share within had each document's errors fallen on any of the codes that could be one;
        and ``by_family``, the errors of each family. None where documents of too few patients have
        one, or where it would follow from the others and the total (`Limit.told`).
    """
    named = [family(code, level) for code in codes]
    kinds = {"false_positives": (predicted, truth), "false_negatives": (truth, predicted)}
    return {
        kind: _errors(claimed, other, named, limit, (seed, f"{kind} {level}"), resamples)
        for kind, (claimed, other) in kinds.items()
    }


def _errors(
    claimed: Bools,
    other: Bools,
    named: Sequence[str | None],
    limit: Limit,
    draw: tuple[int, str],
    resamples: int,
) -> dict[str, Any] | None:
    """Of the codes of `claimed` that `other` has not: are there relatives of theirs in `other`?"""
    wrong = claimed & ~other
    with_error = np.asarray(wrong.any(axis=1))
    if limit.count(with_error) < limit.least:
        return None
    names = sorted({one for one in named if one is not None})
    member = np.array([[one == name for name in names] for one in named], dtype=np.float64)
    member = member.reshape(len(named), len(names))
    mapped = member.any(axis=1)
    related = ((other @ member) @ member.T) > 0  # (n_documents, n_labels): a relative is in `other`
    classes = {
        "within": wrong & related,
        "out": wrong & ~related & mapped,
        UNMAPPED: wrong & ~mapped,
    }
    shares = _shares(classes, wrong, limit.owners, draw, resamples)
    columns = _columns(named)
    shown, shown_families = _shown(
        {name: np.asarray(cells.any(axis=1)) for name, cells in classes.items()},
        {name: np.asarray(wrong[:, of].any(axis=1)) for name, of in columns.items()},
        limit,
    )
    return {
        "total": int(wrong.sum()),
        "documents": int(with_error.sum()),
        **{name: share if name in shown else None for name, share in shares.items()},
        "within_by_chance": _by_chance(wrong, other, related) if "within" in shown else None,
        "by_family": {
            name: {
                "codes": int(wrong[:, of].sum()),
                "documents": int(wrong[:, of].any(axis=1).sum()),
            }
            if name in shown_families
            else None
            for name, of in columns.items()
        },
    }


def _shares(
    classes: dict[str, Bools],
    wrong: Bools,
    owners: Owners,
    draw: tuple[int, str],
    resamples: int,
) -> dict[str, dict[str, float]]:
    per_document = {name: cells.sum(axis=1).astype(np.float64) for name, cells in classes.items()}
    all_of_it = wrong.sum(axis=1).astype(np.float64)
    resampled: dict[str, list[Floats]] = {name: [] for name in classes}
    for block in weights(owners, resamples, *draw):
        total = block @ all_of_it
        for name, count in per_document.items():
            out = np.full(len(total), np.nan)
            resampled[name].append(np.divide(block @ count, total, out=out, where=total > 0))
    return {
        name: percentile_interval(
            float(count.sum() / all_of_it.sum()),
            np.concatenate(resampled[name]),
            n_patients(owners),
        ).as_dict()
        for name, count in per_document.items()
    }


def _by_chance(wrong: Bools, other: Bools, related: Bools) -> float:
    """Mean, over the errors, of the share of the codes that could be one in their document (those
    which `other` has not) that have a relative in `other`.
    """
    possible = (~other).sum(axis=1)  # at least 1 where there is an error
    errors = wrong.sum(axis=1)
    share = (related & ~other).sum(axis=1) / np.maximum(possible, 1)
    return float((errors * share).sum() / errors.sum())


def _columns(named: Sequence[str | None]) -> dict[str, list[bool]]:
    """Of each family, which columns are its codes; codes without one are one more."""
    names = sorted({one or UNMAPPED for one in named})
    return {name: [(one or UNMAPPED) == name for one in named] for name in names}


def _shown(
    classes: Mapping[str, Bools], by_family: Mapping[str, Bools], limit: Limit
) -> tuple[set[str], set[str]]:
    """Which of the classes, and which of the families, may be told: documents of each. Both make up
    all errors, and errors without a family stand in both: told in one of them, they are told.
    """
    shown, families = limit.told(classes), limit.told(by_family)
    if UNMAPPED in shown and UNMAPPED in by_family.keys() - families:
        shown = limit.told(classes, [UNMAPPED], none_alone=True)
    elif UNMAPPED in families - shown:
        families = limit.told(by_family, [UNMAPPED], none_alone=True)
    return shown, families
