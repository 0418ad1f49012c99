"""What synthetic reports are good for beside standing alone: added to real ones, and with their
labels assigned anew by a coder that learnt from real ones.

Together with `grid.evaluate_grid` on synthetic reports (trained on synthetic, tested on real: TSTR)
and `real.evaluate_real` (TRTR, and the public seed) these are the training modes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from synthfr import icd10
from synthfr.coding.comparison import Answers, compare
from synthfr.coding.grid import evaluate_grid
from synthfr.coding.kept import Keeper
from synthfr.coding.mixtures import evaluate_mixtures
from synthfr.coding.predicted import predict, real_size
from synthfr.coding.summary import UNBIASED, Cell, summarise
from synthfr.records import owners_of
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
    public: Answers = (),
) -> dict[str, Any]:
    """All modes that `params` asks for, each in the form of `grid.summarise`:
    ``mixed/synthetic_share=0.5/size=100/top_k=20/...``, the size being that of the real reports,
    those that tune the threshold included, and ``relabelled/size=1000/...``, the largest size. The
    unbiased evaluation alone.

    ``minus_public/synthetic_share=0.8/size=100/top_k=20/<metric>/...``: of the largest share, size
    and top k the difference to `public`, the answers of the same mixtures with public reports in
    the place of synthetic ones (`mixtures.evaluate_public`).
    """
    rest = (holdout, classify, label_space, random_seed, scratch)
    told: dict[str, Any] = {"mixed": {}}
    keeper = Keeper()
    mixed = evaluate_mixtures(synthetic, real, params.real, params.synthetic_shares, *rest, keeper)
    for share, cells in mixed.items():
        told["mixed"][f"synthetic_share={share:g}"] = summarise(cells, classify.decision_rule)
    patients = dict(zip(holdout["report_id"], owners_of(holdout), strict=True))
    if difference := minus_public(keeper.answers, public, patients, random_seed):
        told["minus_public"] = {f"synthetic_share={max(params.synthetic_shares):g}": difference}
    if params.relabelled:
        cells, same = evaluate_relabelled(synthetic, real, *rest)
        told["relabelled"] = summarise(cells, classify.decision_rule) | {"kept_labels": same}
    return told


def minus_public(
    mixed: Answers, public: Answers, patients: Mapping[str, str], random_seed: int
) -> dict[str, Any]:
    """How much more the added reports of `mixed` are worth than as many of the public seed, beside
    the same private reports: differences of macro-F1 and mAP (`comparison.compare`), by size and
    top k; `patients`: whom each holdout report is about. Holm's correction is over the two metrics
    of this one step. Empty where one has no answers, or not of the same size.
    """
    if not mixed or not public or _cell(mixed) != _cell(public):
        return {}
    ((_, found),) = compare({"mixed - public": (mixed, public)}, patients, random_seed).items()
    size, top_k = _cell(mixed)
    told = {metric: one.as_dict() for metric, one in found.items()}
    return {f"size={size}": {f"top_k={top_k}": told}}


def _cell(answers: Answers) -> tuple[int, int]:
    return answers[0].size, answers[0].top_k


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
