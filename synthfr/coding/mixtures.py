"""Coders fitted on real reports and others together, so many that these are a share of what a coder
learns from: synthetic ones, or those of the public seed, which any generator has to beat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synthfr import seeding
from synthfr.coding import labels
from synthfr.coding.coder import Rows
from synthfr.coding.coders import coder
from synthfr.coding.grid import judge_sample
from synthfr.coding.judged import Judged, Keep
from synthfr.coding.sampling import Split, sample_of
from synthfr.coding.summary import UNBIASED, Cell, summarise

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.coding.grid import Classify


def evaluate_mixtures(
    added: pd.DataFrame,
    real: pd.DataFrame,
    sizes: Sequence[int],
    shares: Sequence[float],
    holdout: pd.DataFrame,
    classify: Classify,
    label_space: Sequence[str],
    random_seed: int,
    scratch: Path,
    keep: Keep | None = None,
) -> dict[float, list[Cell]]:
    """Coders fitted on real reports and so many `added` ones that these are the share s of what is
    fitted on: n s / (1 - s) beside n real ones, rounded. Their cells, by s.

    Args:
        added: REPORTS or SYNTHETIC; those with codes count.
        sizes: of the real reports, those with codes, which are drawn as the grid draws its samples.
            `classify.validation_share` of them tune the threshold and are not among the n.
        shares: each in [0, 1). With 0 the cells are those of `real.evaluate_real`.
        keep: is handed the answers of the largest share's coders about every holdout report, which
            are private rows.

    A threshold is tuned on real reports alone. A seed draws the same real reports whatever is added
    to them, and draws the added ones too. A mixture that there are too few reports for has no
    cells.
    """
    coded, more = (_coded(one) for one in (real, added))
    splits = {
        (size, seed): sample_of(coded, classify, size, seed, random_seed)
        for size in sorted(sizes)
        if 2 <= size <= len(coded)
        for seed in classify.seeds
    }
    reached = list(_reached(splits, shares, len(more)))
    if not reached:
        return {}
    frames = (coded, more, holdout)
    known = labels.categories([codes for frame in frames for codes in frame["codes"]])
    judged = coder(
        [text for frame in frames for text in frame["text"]],
        classify.coder,
        seeding.derive(random_seed, "coder"),
        scratch,
    )
    added_ids = more["report_id"].tolist()
    test = np.arange(len(coded) + len(more), len(known))
    found: dict[float, list[Cell]] = {share: [] for share, _ in reached}
    for seed in classify.seeds:
        order = _drawn(added_ids, seed, random_seed) + len(coded)
        for share, size in reached:
            split = splits[size, seed]
            fit = np.concatenate([split.fit, order[: _n_added(split, share)]])
            for top_k in sorted(classify.top_k, reverse=True):
                which: dict[str, Any] = {
                    "size": size,
                    "top_k": top_k,
                    "seed": seed,
                    "evaluation": UNBIASED,
                }
                space = label_space[:top_k]
                results, decided, scores = judge_sample(
                    judged, known, (fit, split.validation, test), space, classify.decision_rule
                )
                found[share] += [{**which, **result} for result in results]
                if keep is not None and share == max(shares):
                    truth = labels.matrix([known[row] for row in test], space)
                    about = tuple(holdout["report_id"]), tuple(space), truth, decided, scores
                    keep(Judged(*about, rule=classify.decision_rule, **which))
    return found


def evaluate_public(
    public: pd.DataFrame,
    private: pd.DataFrame,
    sizes: Sequence[int],
    shares: Sequence[float],
    holdout: pd.DataFrame,
    classify: Classify,
    label_space: Sequence[str],
    random_seed: int,
    scratch: Path,
    keep: Keep | None = None,
) -> dict[str, Any]:
    """What any other reports of the kind would add: `evaluate_mixtures` with the public seed in the
    place of synthetic reports, ``public_share=0.8/size=100/top_k=20/...`` in the form of
    `grid.summarise`. Without a share of 0, which is the same for all that could be added.
    """
    rest = (holdout, classify, label_space, random_seed, scratch, keep)
    some = [share for share in shares if share > 0]
    found = evaluate_mixtures(public, private, sizes, some, *rest)
    return {
        f"public_share={share:g}": summarise(cells, classify.decision_rule)
        for share, cells in found.items()
    }


def _coded(reports: pd.DataFrame) -> pd.DataFrame:
    return reports[[len(codes) > 0 for codes in reports["codes"]]]


def _reached(
    splits: Mapping[tuple[int, int], Split], shares: Sequence[float], available: int
) -> Iterator[tuple[float, int]]:
    """Shares and sizes for which there are enough reports to add, with every seed."""
    for size in dict.fromkeys(size for size, _ in splits):
        of_size = [split for (one, _), split in splits.items() if one == size]
        for share in sorted(shares):
            if all(_n_added(split, share) <= available for split in of_size):
                yield share, size


def _n_added(split: Split, share: float) -> int:
    return round(len(split.fit) * share / (1 - share))


def _drawn(report_ids: Sequence[str], seed: int, random_seed: int) -> Rows:
    """Row numbers in an order that depends on the ids and the seed alone."""
    draws = [seeding.derive(random_seed, "added", seed, report_id) for report_id in report_ids]
    return np.argsort(np.array(draws), kind="stable")
