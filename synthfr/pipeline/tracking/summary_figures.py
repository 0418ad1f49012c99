"""Which of a stage's many numbers MLflow shows, and under which names. All of them stand in
``metrics/``; a run carries that file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from synthfr.pipeline.nested import flatten

# measure a step's data set; `headline` says what it gains over the best baseline
STEP_STAGES = ("classify", "judge_coder", "privacy", "fidelity", "headline")
_JUDGES = ("classify", "reference", "judge_coder", "reference_coder")  # of coders
_MIXED = "mixed_public/"  # of `reference`: beside the mixtures of `augment`, not the coders
_NOT_IN_NAMES = re.compile(r"[^\w\-. :/]")  # MLflow refuses the rest in names of metrics and params
_A_RUN = 10  # figures that a stage's own run shows at most, beside its time and memory
_CELL = re.compile(
    r"(?P<before>.*?)(?P<cell>size_(?P<size>\d+)/top)_k(?P<top>_(?P<top_k>\d+))"
    r"/(?P<metric>macro_f1|map|micro_f1)/(?P<part>mean|low|high)"
)
# MLflow lists metrics by name: macro-F1, under the name that scikit-learn knows it by, comes first
_SHOWN_AS = {"macro_f1": "f1_macro", "micro_f1": "f1_micro", "map": "map"}
# of a privacy test what a reader compares; all of it stands in the metrics file
_OF_TEST = re.compile(r"tests/\w+/(train|holdout|difference/mean|detection/\w+|verdict)")
_FIDELITY = {"synthetic": "fidelity", "difference": "fidelity_difference"}
_GAIN = "gain"  # over the best baseline, of `headline`
_FAITHFULNESS = "faithfulness/"  # of `fidelity`, where the truth behind a report is known
# of a stage that measures more than a dozen: patterns of those that its run shows
_HEADLINES: dict[str, tuple[str, ...]] = {
    "dpo": ("loss", "accuracy", "margin", "*logp_drop*", "length_ratio", "rows/*", "steps"),
    "seed": ("*/reports", "*/words_per_report", "*/codes_per_report"),
    "keywords": (
        *("exported/*", "*/kept", "*/without_keyword_share", "*/without_prompt_share"),
        "prompt_sets/unique_*",
    ),
    "pair": ("counts/pairs", "counts/prompts", "counts/dropped_*", "means/*"),
    "linkage": ("verdict", "tests/*/train", "tests/*/holdout", "tests/*/p_value"),
    "release": ("*/mean", "spread", "counts/pairs", "counts/dropped_*"),
    "privacy": (
        *("verdict", "gap/report_share/*", "train/report_share/mean", "holdout/report_share/mean"),
        *("gap/containment", "train/containment", "holdout/containment"),
        "train/longest_run_words/max",
    ),
    "compare": (
        "differences/*/macro_f1/difference/mean",
        "train_coder/differences/*/macro_f1/difference/mean",
    ),
    "train_coder": ("seeds", "validation/*/macro_f1/mean", "validation/*/map/mean"),
    "augment": (
        *("relabelled/kept_labels", "minus_public/*/difference/mean"),
        "mixed/*/macro_f1/mean",
    ),
    "noise": ("none/macro_f1/mean", "*/share_*/macro_f1/mean"),
    "errors": (
        *("noise/nearest/*/mean", "noise/kind/*", "noise/own"),
        *("*/frequency/spearman/mean", "*/length/spearman/mean"),
    ),
    "fidelity": (
        *("faithfulness/code_recall", "faithfulness/wrong_codes", "faithfulness/well_formed"),
        *("keyword_recall/synthetic", "distinct_3/synthetic", "words_mean/synthetic"),
        *("discriminator/auc/synthetic/mean", "embedding/frechet/synthetic/mean"),
        *("own_codes/probability/synthetic", "diversity/self_bleu/synthetic"),
    ),
}
# of a step, what the family's parent shows as a series over the rounds; without a slash, or MLflow
# would draw it in a section of its own, above that of macro-F1
SERIES = {
    "f1_macro": "f1_macro",
    "map": "map",
    "gain/f1_macro": "gain_f1_macro",
    "gain/map": "gain_map",
    "faithfulness/code_recall": "faithfulness_code_recall",
    "faithfulness/wrong_codes": "faithfulness_wrong_codes",
    "fidelity/keyword_recall": "fidelity_keyword_recall",
    "fidelity/distinct_3": "fidelity_distinct_3",
    "privacy/train/report_share/mean": "privacy_train_report_share",
    "privacy/gap/report_share/mean": "privacy_gap_report_share",
}


@dataclass(frozen=True)
class Figures:
    """What the summary of a step should show of what some stages measured.

    `round`: DPO rounds that the step has behind it, its place on the x axis of the family's series;
    None for what stands beside the steps. `settings`: how the step was trained. `data`: MD5 of its
    data set.
    """

    step: str
    values: Mapping[str, float]
    stages: tuple[str, ...] = STEP_STAGES  # all that `values` could come from
    round: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    data: str | None = None


def metric_name(name: object) -> str:
    """`name` as MLflow takes it: ``size=1000`` becomes ``size_1000``."""
    return _NOT_IN_NAMES.sub("_", str(name))


def flat_numbers(tree: Mapping[str, Any]) -> dict[str, float]:
    """Nested numbers of a metrics file (None: not defined) flat, under MLflow's names."""
    flat = flatten(tree).items()
    return {metric_name(name): float(value) for name, value in flat if value is not None}


def shown_as(name: str) -> str:
    """A coder's metric under the name that MLflow shows it by."""
    return _SHOWN_AS.get(name, name)


def of_run(stage: str, metrics: Mapping[str, float]) -> dict[str, float]:
    """Headline figures of a stage's flat `metrics`, for its own run; ten at most."""
    if stage in _JUDGES:
        alone = {name: one for name, one in metrics.items() if not name.startswith(_MIXED)}
        return _best_cell(alone)
    patterns = _HEADLINES.get(stage, ("*",))
    named = [name for one in patterns for name in sorted(metrics) if fnmatchcase(name, one)]
    return {name: metrics[name] for name in list(dict.fromkeys(named))[:_A_RUN]}


def of_step(stage: str, metrics: Mapping[str, float]) -> dict[str, float]:
    """A stage's share in the summary of its step; empty for stages that measure no data set.

    `metrics` are flat, named as MLflow has them (``size_1000/top_k_20/macro_f1/mean``, which
    becomes ``f1_macro/size_1000/top_20``); the largest cell stands under ``f1_macro`` and ``map``
    too. What is the same for every step is left out.
    """
    found = {_summary_name(stage, name): value for name, value in metrics.items()}
    own = {name: value for name, value in found.items() if name is not None}
    if stage in ("classify", "judge_coder"):
        best = _best_cell(metrics)
        before = "" if stage == "classify" else f"{stage}/"
        own |= {f"{before}{name}": best[name] for name in ("f1_macro", "map") if name in best}
    return own


def writer(name: str) -> str:
    """The stage that a summary's metric comes from."""
    if name.startswith(_FAITHFULNESS):
        return "fidelity"
    if name.startswith("judge_coder/"):
        return "judge_coder"
    group = name.partition("/")[0].partition("_")[0]
    if group == _GAIN:
        return "headline"
    return group if group in ("privacy", "fidelity") else "classify"


def _best_cell(metrics: Mapping[str, float]) -> dict[str, float]:
    """macro-F1, mAP and micro-F1 of the largest size with the largest top k that is there; of each
    coder of several (``private_train/f1_macro``).
    """
    from synthfr.pipeline.page.results import largest

    found = [(match, value) for name, value in metrics.items() if (match := _CELL.fullmatch(name))]
    best = largest((int(match["size"]), int(match["top_k"])) for match, _ in found)
    shown = {
        f"{match['before']}{_SHOWN_AS[match['metric']]}{_limit(match['part'])}": value
        for match, value in found
        if (int(match["size"]), int(match["top_k"])) == best
    }
    several = any(match["before"] for match, _ in found)  # then without the limits
    return {
        name: value
        for name, value in sorted(shown.items())
        if not (several and name.endswith(("_low", "_high")))
    }


def _summary_name(stage: str, name: str) -> str | None:
    if stage == "classify" and (match := _CELL.fullmatch(name)) and not match["before"]:
        limit = _limit(match["part"])
        metric = _SHOWN_AS[match["metric"]] + limit
        # limits apart, or MLflow's charts would begin with the upper ones
        return f"{'limits/' if limit else ''}{metric}/{match['cell']}{match['top']}"
    if stage == "privacy" and not name.startswith("run/"):
        shown = not name.startswith("tests/") or _OF_TEST.fullmatch(name)
        return f"privacy/{name}" if shown else None
    if stage == "headline" and name.startswith(f"{_GAIN}_"):
        return f"{_GAIN}/{shown_as(name.removeprefix(f'{_GAIN}_'))}"
    if stage == "fidelity" and name.startswith(_FAITHFULNESS):
        return name
    feature, _, part = name.rpartition("/")
    return f"{_FIDELITY[part]}/{feature}" if stage == "fidelity" and part in _FIDELITY else None


def _limit(part: str) -> str:
    return "" if part == "mean" else f"_{part}"
