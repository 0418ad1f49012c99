"""What synthetic reports are good for beside standing alone: added to real ones, and with their
labels assigned anew by a coder that learnt from real ones.

Together with `grid.evaluate_grid` on synthetic reports (trained on synthetic, tested on real: TSTR)
and `real.evaluate_real` (TRTR, and the public seed) these are the training modes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field

from synthfr import icd10, seeding
from synthfr.coding import labels
from synthfr.coding.coders import coder
from synthfr.coding.grid import evaluate_grid, judge_sample
from synthfr.coding.predicted import predict, real_size
from synthfr.coding.sampling import sample_of
from synthfr.coding.summary import UNBIASED, Cell, summarise
from synthfr.section import Count, Section, without_doubles

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.coding.grid import Classify

Part = Annotated[float, Field(ge=0, lt=1)]


class Augment(Section):
    """Parameters `augment`: see the comments in params.yaml."""

    real: Annotated[list[Count], AfterValidator(without_doubles)] = [250]
    synthetic_shares: Annotated[list[Part], AfterValidator(without_doubles)] = [0.0, 0.5, 0.8]
    relabelled: bool = True


def evaluate_modes(
    synthetic: pd.DataFrame,
    real: pd.DataFrame,
    holdout: pd.DataFrame,
    classify: Classify,
    params: Augment,
    label_space: Sequence[str],
    random_seed: int,
    scratch: Path,
) -> dict[str, Any]:
    """All modes that `params` asks for, each in the form of `grid.summarise`:
    ``mixed/synthetic_share=0.5/size=100/top_k=20/...``, the size being that of the real reports,
    and ``relabelled/size=1000/...``, the largest size. The unbiased evaluation alone.
    """
    rest = (holdout, classify, label_space, random_seed, scratch)
    told: dict[str, Any] = {"mixed": {}}
    mixed = evaluate_mixtures(synthetic, real, params.real, params.synthetic_shares, *rest)
    for share, cells in mixed.items():
        told["mixed"][f"synthetic_share={share:g}"] = summarise(cells, classify.decision_rule)
    if params.relabelled:
        cells, same = evaluate_relabelled(synthetic, real, *rest)
        told["relabelled"] = summarise(cells, classify.decision_rule) | {"kept_labels": same}
    return told


def evaluate_mixtures(
    synthetic: pd.DataFrame,
    real: pd.DataFrame,
    sizes: Sequence[int],
    synthetic_shares: Sequence[float],
    holdout: pd.DataFrame,
    classify: Classify,
    label_space: Sequence[str],
    random_seed: int,
    scratch: Path,
) -> dict[float, list[Cell]]:
    """Coders fitted on real reports and so many synthetic ones that these are the share s of the
    mixture: n s / (1 - s) for n real ones, rounded. Their cells, by s.

    n counts the validation reports too, which are not fitted on: of what is fitted on, the
    synthetic reports are somewhat more than s.

    Args:
        sizes: of the real reports, those with codes, which are drawn as the grid draws its samples.
        synthetic_shares: each in [0, 1). With 0 the cells are those of `real.evaluate_real`.

    A threshold is tuned on real reports alone (`classify.validation_share` of them), and a seed
    draws the synthetic reports too. A mixture that there are too few reports for has no cells.
    """
    coded = real[[len(codes) > 0 for codes in real["codes"]]]
    reached = [
        (share, size, n_added)
        for size in sorted(sizes)
        for share in sorted(synthetic_shares)
        if 2 <= size <= len(coded)
        and (n_added := round(size * share / (1 - share))) <= len(synthetic)
    ]
    if not reached:
        return {}
    frames = (coded, synthetic, holdout)
    known = labels.categories([codes for frame in frames for codes in frame["codes"]])
    judged = coder(
        [text for frame in frames for text in frame["text"]],
        classify.coder,
        seeding.derive(random_seed, "coder"),
        scratch,
    )
    added_ids = synthetic["report_id"].tolist()
    test = np.arange(len(coded) + len(synthetic), len(known))
    found: dict[float, list[Cell]] = {share: [] for share, _, _ in reached}
    for seed in classify.seeds:
        order = _drawn(added_ids, seed, random_seed) + len(coded)
        for share, size, n_added in reached:
            split = sample_of(coded, classify, size, seed, random_seed)
            rows = np.concatenate([split.fit, order[:n_added]]), split.validation, test
            for top_k in sorted(classify.top_k, reverse=True):
                which = {"size": size, "top_k": top_k, "seed": seed, "evaluation": UNBIASED}
                space = label_space[:top_k]
                results = judge_sample(judged, known, rows, space, classify.decision_rule)
                found[share] += [{**which, **result} for result in results]
    return found


def _drawn(report_ids: Sequence[str], seed: int, random_seed: int) -> np.ndarray[Any, Any]:
    """Row numbers in an order that depends on the ids and the seed alone."""
    draws = [seeding.derive(random_seed, "added", seed, report_id) for report_id in report_ids]
    return np.argsort(np.array(draws), kind="stable")


def evaluate_relabelled(
    synthetic: pd.DataFrame,
    real: pd.DataFrame,
    holdout: pd.DataFrame,
    classify: Classify,
    label_space: Sequence[str],
    random_seed: int,
    scratch: Path,
) -> tuple[list[Cell], float]:
    """The cells of `evaluate_grid`, of the largest size, for the synthetic reports with the labels
    that a coder trained on real reports gives them (`relabel`), and how far these are the old ones.
    """
    made, same = relabel(synthetic, real, classify, label_space, random_seed, scratch)
    alone = classify.model_copy(update={"evaluations": [UNBIASED], "sizes": [max(classify.sizes)]})
    return evaluate_grid(made, holdout, alone, label_space, random_seed, scratch), same


def relabel(
    synthetic: pd.DataFrame,
    real: pd.DataFrame,
    classify: Classify,
    label_space: Sequence[str],
    random_seed: int,
    scratch: Path,
) -> tuple[pd.DataFrame, float]:
    """The synthetic reports with the codes of the largest label space assigned anew, by a coder of
    the first seed that learnt from as many real reports as the largest size has (`real_size`).

    Codes outside of the label space stay. Where a coder learns more from the new labels than from
    those asked for, the texts did not say what they were asked to.

    Returns:
        The reports, and the Jaccard index of all labels before and after (1: none has changed).
    """
    import pandas as pd

    coded, size = real_size(real, classify)
    space = list(label_space[: max(classify.top_k)])
    made = predict(coded, synthetic, classify, space, size, classify.seeds[0], random_seed, scratch)
    codes = []
    for old, row in zip(synthetic["codes"], made.predicted, strict=True):
        outside = [code for code in old if icd10.category(code) not in space]
        codes.append([name for name, given in zip(space, row, strict=True) if given] + outside)
    either = (made.truth | made.predicted).sum()
    same = float((made.truth & made.predicted).sum() / either) if either else 1.0
    return synthetic.assign(codes=pd.Series(codes, index=synthetic.index)), same
