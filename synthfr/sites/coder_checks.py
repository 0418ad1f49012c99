"""Whether kept coders belong to the question that they came with.

All that a coder says of its training follows from the question's reports and parameters; and its
thresholds from its weights and those reports, so that the coder of another step, or changed
weights, are told although their files are in order. What a network does besides cannot be told.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synthfr.coding import decisions, labels
from synthfr.coding.plm_icd import SETTINGS, WEIGHTS
from synthfr.coding.sampling import sample_of
from synthfr.coding.saved import DECISIONS
from synthfr.disk import digest
from synthfr.errors import UserError
from synthfr.sites import coders
from synthfr.sites.coders import CONFIG, FILES, TOKENIZER

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.coding.grid import Classify
    from synthfr.coding.metrics import Floats
    from synthfr.coding.saved import TrainCoder

# names by which the libraries would fetch code or kernels, or read another file
_LEADS_ELSEWHERE = re.compile(
    r"auto_map|custom_.*|.*(implementation|quantization|kernel).*|.+_file"
)
_AGAIN = "train it again outside (`dvc repro`), and ask anew."
# a threshold found again lies this near, in standard deviations of the scores: 1e-7 on the same
# processor, more where a GPU trained in bfloat16. Of another step's coder a tenth of them do.
_NEAR, _ROUNDING = 0.02, 1e-6


@dataclass(frozen=True)
class Training:
    """What the question's coders must have been trained on (SYNTHETIC), and how.

    `code_sets`: CODE_SETS, whose label space has all of their labels.
    """

    reports: pd.DataFrame
    code_sets: pd.DataFrame
    params: TrainCoder
    classify: Classify
    random_seed: int


def check(parts: Mapping[str, bytes], training: Training) -> None:
    """Refuse coders (files as `coders.packed` names them) that were not trained so. No coder at all
    is in order.

    Raises:
        UserError: what is wrong with the first such coder.
    """
    if not parts:
        return
    found, wanted = coders.by_seed(parts), training.params.seeds
    if sorted(found) != sorted(wanted):
        raise UserError(
            f"the question has coders of the seeds {_listed(found)}, and train_coder.seeds asks "
            f"for {_listed(wanted) or 'none'}: {_AGAIN}"
        )
    for seed, files in found.items():
        which = f"the coder of seed {seed}"
        if missing := [name for name in FILES if name not in files]:
            raise UserError(f"{which} has no {missing[0]}: ask for the question again.")
        read = {
            name: coders.json_of(files[name], f"{which}: {name}")
            for name in (SETTINGS, CONFIG, DECISIONS, TOKENIZER)
        }
        for name in (CONFIG, TOKENIZER):
            if any(_LEADS_ELSEWHERE.fullmatch(key) for key in _names(read[name])):
                raise UserError(
                    f"{which}: {name} names code, kernels or files that lie elsewhere, and a coder "
                    "is read from its own alone: do not use it, and ask its sender."
                )
        _check_parameters(which, read[SETTINGS], read[CONFIG], training.params)
        _check_decisions(which, read[DECISIONS], seed, training)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "coders"
        coders.unpack(parts, folder)
        for seed, files in found.items():
            told = coders.json_of(files[DECISIONS], DECISIONS)
            _check_weights(f"the coder of seed {seed}", folder / f"seed={seed}", told, training)


def _check_parameters(which: str, how: Any, config: Any, params: TrainCoder) -> None:
    wanted = params.model_dump(include={"head", "published", "chunk_tokens", "max_length"})
    if digest(how) != digest(wanted):
        name = next((one for one in wanted if how.get(one) != wanted[one]), SETTINGS)
        raise UserError(
            f"{which} was not trained with the parameters of the question (train_coder.{name}): "
            f"{_AGAIN}"
        )
    if params.layers is not None and config.get("num_hidden_layers") != params.layers:
        raise UserError(f"{which} has not as many layers as train_coder.layers says: {_AGAIN}")


def _check_decisions(which: str, told: Any, seed: int, training: Training) -> None:
    """All of ``decisions.json`` but thresholds."""
    own, space = told.get("labels"), set(labels.exported_space(training.code_sets))
    most = max(training.classify.top_k)
    own = own if isinstance(own, list) else []
    if strange := sum(not isinstance(one, str) or one not in space for one in own[:most]):
        raise UserError(
            f"{which} has {strange} labels that are not in the label space of the question's code "
            f"sets: {_AGAIN}"
        )
    if len(own) != min(most, len(space)):  # fewer would be labels of somebody's choice
        raise UserError(
            f"{which} has not the number of labels that classify.top_k asks for: {_AGAIN}"
        )
    truth = _sample(training, own, seed).truth
    found = {
        "labels": list(dict.fromkeys(own)),
        "seed": seed,
        "size": max(training.classify.sizes),
        "trained_reports": len(truth),
        "labels_never_seen": _where(own, ~truth.any(axis=0)),
        "labels_always_seen": _where(own, truth.all(axis=0)),
        "labels_per_document": max(1, round(float(truth.sum(axis=1).mean()))),
        "prevalence": truth.mean(axis=0).tolist(),
    }
    if digest(found) != digest({name: told.get(name) for name in found}):
        raise _other_reports(which)


def _check_weights(which: str, place: Path, told: Any, training: Training) -> None:
    """They can be read, and the thresholds are those of these weights on these reports."""
    import torch
    from safetensors.torch import load_file

    from synthfr.coding import trained

    own = told["labels"]
    sample = _sample(training, own, told["seed"])
    try:
        weights = load_file(place / WEIGHTS)
        coder = trained.load(place, own)
        thresholds = _numbers(
            [told["threshold"], told["micro_threshold"], *told["label_thresholds"]]
        )
        scores = coder.scores(sample.texts)
    # three libraries read these public files, and each has errors of its own
    except Exception as error:
        raise UserError(
            f"{which} cannot be read as PLM-ICD with safetensors weights ({type(error).__name__}): "
            "do not use it, and ask for the question again."
        ) from None
    if not all(one.is_floating_point() and torch.isfinite(one).all() for one in weights.values()):
        raise UserError(f"{which} has weights that are no finite numbers: {_AGAIN}")
    finite = scores[np.isfinite(scores)]
    scores[:, [name in told["labels_never_seen"] for name in own]] = -np.inf
    scores[:, [name in told["labels_always_seen"] for name in own]] = np.inf
    if np.isnan(scores).any():
        raise UserError(f"{which} gives scores that are no numbers: {_AGAIN}")
    fitted = decisions.fit(sample.truth, sample.validation_truth, scores)
    again = np.array([fitted.threshold, fitted.micro_threshold, *fitted.label_thresholds])
    if again.shape != thresholds.shape:
        raise _other_reports(which)
    known = ~(np.isnan(again) & np.isnan(thresholds))
    near = np.abs(again - thresholds) <= max(_ROUNDING, _NEAR * float(finite.std()))
    if near[known].mean() <= 0.5:
        raise _other_reports(which)


@dataclass(frozen=True)
class _Sample:
    """Label matrices of the reports to fit on and of those to validate on, and the latter's
    texts.
    """

    truth: Any
    validation_truth: Any
    texts: list[str]


def _sample(training: Training, own: list[str], seed: int) -> _Sample:
    reports, size = training.reports, max(training.classify.sizes)
    split = sample_of(reports, training.classify, size, seed, training.random_seed)
    truth = labels.matrix(labels.categories(reports["codes"]), own)
    texts = reports["text"].iloc[split.validation].tolist()
    return _Sample(truth[split.fit], truth[split.validation], texts)


def _other_reports(which: str) -> UserError:
    return UserError(
        f"{which} was trained on other reports than the question's (another step's, or an earlier "
        f"data set), or changed since: {_AGAIN}"
    )


def _numbers(values: list[Any]) -> Floats:
    return np.array([np.nan if one is None else one for one in values], dtype=np.float64)


def _where(own: list[str], which: Any) -> list[str]:
    return [name for name, one in zip(own, which, strict=True) if one]


def _names(tree: Any) -> list[str]:
    """All names in nested JSON, of any depth."""
    found, level = [], [tree]
    while level:
        found += [key for one in level if isinstance(one, dict) for key in one]
        inner = [one.values() if isinstance(one, dict) else one for one in level]
        level = [one for values in inner for one in values if isinstance(one, dict | list)]
    return found


def _listed(seeds: Iterable[int]) -> str:
    return ", ".join(str(seed) for seed in sorted(seeds))
