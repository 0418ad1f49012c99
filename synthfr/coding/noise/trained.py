"""Coders trained on real reports with and without noise: what they decide on the holdout.

They know nothing of any step, so that one set of them is compared with the coders of all steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synthfr.coding import labels, metrics
from synthfr.coding.metrics import Bools
from synthfr.coding.noise.injection import HYPOTHESES, inject
from synthfr.coding.noise.nearest import NO_NOISE, Point
from synthfr.coding.noise.settings import Noise
from synthfr.coding.predicted import Change, kept_decisions, predict, real_size
from synthfr.errors import UserError
from synthfr.stats import mean_interval

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.coding.grid import Classify
    from synthfr.coding.judged import Judged


def grid(shares: Sequence[float]) -> list[Point]:
    """Without noise, and every share of every hypothesis."""
    noisy = [Point(name, share) for name in HYPOTHESES for share in sorted(shares)]
    return [NO_NOISE, *noisy]


def train_noisy(
    real: pd.DataFrame,
    holdout: pd.DataFrame,
    classify: Classify,
    noise: Noise,
    label_space: Sequence[str],
    random_seed: int,
    scratch: Path,
    kept: Sequence[Judged] = (),
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Train a coder for each point of the grid and seed of `classify.seeds`, on as many of the
    `real` reports as `real_size` says; each seed has another draw of the noise.

    Args:
        kept: answers of coders trained on the same real reports without noise, which then need no
            second training.

    Returns:
        The decisions (a DECISIONS table), and figures: ``size``, ``labels``, ``equal_budget`` (1:
        shares are of all words in both kinds) and macro- and micro-F1 of each point, with its
        interval over seeds.
    """
    import pandas as pd

    coded, size = real_size(real, classify)
    space = label_space[: max(classify.top_k)]
    report_ids = holdout["report_id"].tolist()
    truth = labels.matrix(labels.categories(holdout["codes"]), space)
    without = kept_decisions(kept, classify, space, size, report_ids)
    frames, figures = [], {}
    for point in grid(noise.shares):
        scored = []
        for at, seed in enumerate(classify.seeds):
            change: Change | None = None
            if point.share:
                change = partial(
                    inject, *point, seed=random_seed, draw=seed, equal_budget=noise.equal_budget
                )
            if change is None and without is not None:
                decided = without[at]
            else:
                rest = (classify, space, size, seed, random_seed, scratch, change)
                decided = predict(coded, holdout, *rest).predicted
            scored.append(metrics.f1(truth, decided))
            frames.append(_table(point, seed, decided, report_ids, space))
        figures[point] = {
            name: mean_interval([one[name] for one in scored]).as_dict() for name in scored[0]
        }
    told: dict[str, Any] = {"size": size, "labels": len(space), "none": figures.pop(NO_NOISE)}
    told["equal_budget"] = int(noise.equal_budget)
    for point, of_point in figures.items():
        told.setdefault(point.hypothesis, {})[f"share={point.share:g}"] = of_point
    return pd.concat(frames, ignore_index=True), told


def _table(
    point: Point, seed: int, predicted: Bools, report_ids: Sequence[str], space: Sequence[str]
) -> pd.DataFrame:
    import pandas as pd

    names = np.array(space, dtype=object)
    return pd.DataFrame(
        {
            "hypothesis": point.hypothesis,
            "share": point.share,
            "seed": seed,
            "report_id": report_ids,
            "codes": [names[row].tolist() for row in predicted],
        }
    )


def decisions_of(
    table: pd.DataFrame, report_ids: Sequence[str], space: Sequence[str], seeds: Sequence[int]
) -> dict[Point, list[Bools]]:
    """The decisions of a DECISIONS table as arrays, one for each of `seeds` in their order, each of
    shape (n_documents, n_labels) in the order of `report_ids` and `space`.

    UserError where a seed has none.
    """
    row = {report_id: at for at, report_id in enumerate(report_ids)}
    column = {code: at for at, code in enumerate(space)}
    empty = np.zeros((len(row), len(column)), dtype=np.bool_)
    by_coder: dict[tuple[Point, int], Bools] = {}
    names = ("hypothesis", "share", "seed", "report_id", "codes")
    for hypothesis, share, seed, report_id, codes in zip(
        *(table[one] for one in names), strict=True
    ):
        coder = Point(hypothesis, float(share)), int(seed)
        if coder not in by_coder:
            by_coder[coder] = empty.copy()
        by_coder[coder][row[report_id], [column[code] for code in codes]] = True
    points = sorted({point for point, _ in by_coder})
    if missing := [seed for seed in seeds for point in points if (point, seed) not in by_coder]:
        raise UserError(
            f"errors: no decisions of real coders were kept for the seed {missing[0]} of "
            "classify.seeds: make them with `dvc repro noise`."
        )
    return {point: [by_coder[point, seed] for seed in seeds] for point in points}
