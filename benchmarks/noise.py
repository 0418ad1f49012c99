"""Is planted noise found again? Coders that learnt from noisy demo reports, and what is named.

``python -m benchmarks.noise [--seed 0] [--corpora 1] [--reports 800]``

Coders learn from private reports of the demo, with each noise of the grid that `noise` has as
shipped, and are judged on as many others. The noise to be found is planted once more, by other
draws, over the range that steps of the demo are named with: in the same reports, and in reports
that no coder of the grid has seen, which is what a data set of a step is like. A line is a planted
noise: what is named with its interval, how often each kind wins, and the distance beside that of
the named noise's coders from each other. The table at the end counts, by where and what was
planted, how often the kind is right, the share within one step of the grid, both, the share inside
the interval of the right kind (no noise has no interval), and how often a wrong kind has more than
nine wins of ten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.coding.noise import Axes, Errs, Point

PLANTED = [("spread", tenths / 10) for tenths in range(9)]
PLANTED += [("concentrated", tenths / 10) for tenths in range(3, 9)]
LABELS, SEEDS, BINS, RESAMPLES = 30, [0, 1, 2], 5, 300
STEP = 0.1 + 1e-9  # of the grid
RIGHT = ("kind", "share", "both", "interval", "wrong and sure")


def main(
    seed: Annotated[int, typer.Option(help="Of the demo's corpus.")] = 0,
    corpora: Annotated[int, typer.Option(help="Of this seed and the following.")] = 1,
    reports: Annotated[int, typer.Option(help="To learn from, and as many to judge on.")] = 800,
) -> None:
    """Print what is named of each planted noise, and how often that is right."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for number in range(seed, seed + corpora):
        for where, planted, found in measure(number, reports):
            kind = planted.hypothesis if planted.share else "none"
            counts.update((where, kind, what) for what in ("of", *_right(planted, kind, found)))
            ((named, told),) = found["nearest"].items()
            wins = ", ".join(f"{name} {share:.2f}" for name, share in found["kind"].items())
            print(
                f"{number} {where:5} {kind:12} {planted.share:.1f}: {named} {told['mean']:g} "
                f"({told['low']} to {told['high']}); wins {wins}; distance {_least(found):.3f}, "
                f"own {found['own']:.3f}",
                flush=True,
            )
    print("\t".join(("where", "planted", "of", *RIGHT)))
    for where, kind in dict.fromkeys(key[:2] for key in counts):
        told_of = (str(counts[where, kind, what]) for what in ("of", *RIGHT))
        print("\t".join((where, kind, *told_of)))
    totals = (sum(n for key, n in counts.items() if key[2] == what) for what in ("of", *RIGHT))
    print("\t".join(("all", "", *map(str, totals))))


def _right(planted: Point, kind: str, found: Mapping[str, Any]) -> set[str]:
    """What of `RIGHT` holds."""
    ((named, told),) = found["nearest"].items()
    is_kind, near = named == kind, abs(told["mean"] - planted.share) < STEP
    inside = told["low"] is not None and told["low"] <= planted.share <= told["high"]
    sure = any(wins > 0.9 for name, wins in found["kind"].items() if name != kind)
    holds = (is_kind, near, is_kind and near, is_kind and inside, sure)
    return {name for name, one in zip(RIGHT, holds, strict=True) if one}


def _least(found: Mapping[str, Any]) -> float:
    of_kinds = [one for name, one in found["distance"].items() if name != "none"]
    totals = [point["total"] for kind in of_kinds for point in kind.values()]
    return float(min(found["distance"]["none"]["total"], *totals))


def measure(seed: int, reports: int) -> list[tuple[str, Point, dict[str, Any]]]:
    """Where it was planted, what was, and what `nearest` says."""
    from synthfr import icd10
    from synthfr.coding.grid import Classify
    from synthfr.coding.noise import Errs, Noise, Point, decisions_of, nearest, train_noisy
    from synthfr.corpora.demo import DemoSizes, corpus

    made = corpus(DemoSizes(public=1, private_train=2 * reports, private_holdout=reports), seed)
    train, holdout = made.private_train, made.private_holdout
    space = icd10.label_space(train["codes"], LABELS)
    params = Classify(sizes=[reports], top_k=[LABELS], seeds=SEEDS)
    of_grid, others = train.head(reports), train.tail(reports)
    unused = Path("the linear coder keeps nothing")
    table, _ = train_noisy(of_grid, holdout, params, Noise(), space, seed, unused)
    decided = decisions_of(table, holdout["report_id"].tolist(), space, SEEDS)
    axes = _axes(of_grid, holdout, space)
    found = []
    for where, frame in (("same", of_grid), ("other", others)):
        for kind, share in PLANTED:
            point = Point(kind, share)  # type: ignore[arg-type]
            planted = _planted(frame, holdout, params, space, point, seed)
            noisy = {one: Errs(planted.truth, of_one) for one, of_one in decided.items()}
            found.append((where, point, nearest(planted, noisy, axes, seed, RESAMPLES)))
    return found


def _planted(
    reports: pd.DataFrame,
    holdout: pd.DataFrame,
    params: Any,
    space: list[str],
    point: Point,
    seed: int,
) -> Errs:
    from synthfr.coding.noise import Errs, inject
    from synthfr.coding.predicted import predict

    unused = Path("the linear coder keeps nothing")
    made = []
    for one in SEEDS:
        change = partial(inject, *point, seed=seed + 1000, draw=one) if point.share else None
        made.append(
            predict(reports, holdout, params, space, len(reports), one, seed, unused, change)
        )
    return Errs(made[0].truth, [one.predicted for one in made])


def _axes(train: pd.DataFrame, holdout: pd.DataFrame, space: list[str]) -> Axes:
    from synthfr import icd10
    from synthfr.coding.errors import Curve
    from synthfr.coding.noise import Axes

    sets = [{icd10.category(code) for code in codes} for codes in train["codes"]]
    frequency = np.array([sum(code in one for one in sets) for code in space])
    lengths = holdout["text"].str.split().str.len().to_numpy(dtype=np.float64)
    return Axes(Curve.over(np.log(frequency), BINS), Curve.over(lengths, BINS))


if __name__ == "__main__":
    typer.run(main)
