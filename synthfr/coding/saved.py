"""A coder that is trained on synthetic reports alone, outside, and kept: to be judged on the
private side, to show the words behind its codes, and to be used.

It is PLM-ICD, of another family than the evaluator's TF-IDF: where both coders find the same gain,
the gain does not hang on how texts are compared. A saved coder is a folder ``seed=0``, ``seed=1``,
... for each seed: the model as `trained.load` reads it, and what its decision rules learnt.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from synthfr import seeding
from synthfr.coding import decisions, labels
from synthfr.coding.cells import cells_of
from synthfr.coding.coder import Validation
from synthfr.coding.judged import Judged
from synthfr.coding.plm_icd import PlmIcdCoder, PlmIcdSettings
from synthfr.coding.sampling import sample_of
from synthfr.coding.summary import UNBIASED, Cell
from synthfr.disk import atomic_dir, read_json, write_json
from synthfr.errors import UserError
from synthfr.section import Count, Positive, Share, without_doubles

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.coding.grid import Classify
    from synthfr.coding.metrics import Bools, Floats

SECTION = "train_coder"
DECISIONS = "decisions.json"


class TrainCoder(PlmIcdSettings):
    """Parameters `train_coder`: see the comments in params.yaml."""

    section: ClassVar[str] = SECTION

    seeds: Annotated[list[int], AfterValidator(without_doubles)] = [0, 1, 2]
    model: str | None = "models/base"
    watch: str = "models/base"
    layers: Count | None = 1
    learning_rate: Positive = 0.002
    epochs: Positive = 4.0
    min_steps: Annotated[int, Field(ge=0)] = 0
    batch_size: Count = 8
    device_batch_size: Count = 8
    warmup_ratio: Share = 0.1
    selection: Literal["loss", "map", "micro_f1", "precision_at_8"] = "loss"
    shown_reports: Annotated[int, Field(ge=0)] = 3
    shown_words: Count = 5

    @model_validator(mode="after")
    def _named(self) -> TrainCoder:
        if self.seeds and not self.model:
            raise ValueError(
                f"{SECTION}.seeds asks for coders, and {SECTION}.model is null: name a folder or "
                "owner/name@commit, or set seeds to []"
            )
        return self


class _Learnt(BaseModel):
    """``decisions.json``: which coder it is, and what its decision rules learnt."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    labels: list[str]
    size: int
    seed: int
    trained_reports: int
    labels_never_seen: list[str]  # by the reports that it learnt from: never given
    labels_always_seen: list[str]  # always given
    threshold: float
    micro_threshold: float
    labels_per_document: int
    prevalence: list[float]
    label_thresholds: list[float | None]

    @property
    def fitted(self) -> decisions.Fitted:
        own = [math.nan if one is None else one for one in self.label_thresholds]
        return decisions.Fitted(
            self.threshold,
            self.labels_per_document,
            np.array(self.prevalence),
            self.micro_threshold,
            np.array(own),
        )

    def scores(self, place: Path, texts: Sequence[str]) -> Floats:
        """Of the coder in `place`, whose decision rules these are: shape (n_texts, n_labels)."""
        never, always = (
            np.array([name in some for name in self.labels])
            for some in (self.labels_never_seen, self.labels_always_seen)
        )
        return _scores(place, self.labels, never, always, texts)


def train(
    synthetic: pd.DataFrame,
    params: TrainCoder,
    classify: Classify,
    label_space: Sequence[str],
    random_seed: int,
    scratch: Path,
    folder: Path,
) -> list[Cell]:
    """Train and save a coder for each of `params.seeds`, on the largest size and top k of
    `classify`, whose samples and validation reports a seed draws as the grid does.

    Args:
        synthetic: columns report_id, text, codes; at least ``max(classify.sizes)`` rows.
        label_space: ranked categories that all steps share (`labels.exported_space`).
        scratch: keeps coders that are trained, for a run that is killed.
        folder: is written anew; empty where `params.seeds` is.

    Returns:
        One dict a seed and rule about the validation reports, which the thresholds were tuned on:
        what to look at when a training went wrong, and no result.

    UserError when there are too few reports, or none with a code of the label space.
    """
    size, space = max(classify.sizes), list(label_space[: max(classify.top_k)])
    if len(synthetic) < size:
        raise UserError(
            f"classify.sizes asks for {size} reports, and there are only {len(synthetic)}: "
            "lower classify.sizes or raise synthesize.reports."
        )
    truth = labels.matrix(labels.categories(synthetic["codes"]), space)
    cells: list[Cell] = []
    with atomic_dir(folder) as partial:
        if not params.seeds:
            return cells
        texts = synthetic["text"].tolist()
        coder = PlmIcdCoder(
            texts,
            params,
            seeding.derive(random_seed, "coder"),
            scratch,
            scratch / "kept",
        )
        for seed in params.seeds:
            split = sample_of(synthetic, classify, size, seed, random_seed)
            fit, told = truth[split.fit], truth[split.validation]
            if not fit.any():
                raise UserError(
                    f"{SECTION}: no report that a coder is trained on has a code of the label "
                    "space: check that all reports are coded in one code system, and that "
                    "keywords.min_documents lets codes out."
                )
            coder.scores(split.fit, fit, split.validation, Validation(split.validation, told))
            if coder.kept is None:
                raise RuntimeError("one training gives one model")
            place = partial / f"seed={seed}"
            shutil.copytree(coder.kept, place)
            never, always = np.array(~fit.any(axis=0)), np.array(fit.all(axis=0))
            # of the coder as it is kept: on a GPU, and in bfloat16, training rounds otherwise
            scores = _scores(
                place, space, never, always, texts=[texts[at] for at in split.validation]
            )
            fitted = decisions.fit(fit, told, scores)
            found, _ = cells_of(told, scores, fitted, len(fit), classify.decision_rule)
            cells += [_which(size, len(space), seed) | cell for cell in found]
            learnt = _Learnt(
                labels=space,
                size=size,
                seed=seed,
                trained_reports=len(fit),
                labels_never_seen=_named(space, never),
                labels_always_seen=_named(space, always),
                threshold=fitted.threshold,
                micro_threshold=fitted.micro_threshold,
                labels_per_document=fitted.labels_per_document,
                prevalence=fitted.prevalence.tolist(),
                label_thresholds=[
                    None if math.isnan(one) else one for one in fitted.label_thresholds.tolist()
                ],
            )
            write_json(place / DECISIONS, learnt.model_dump())
    return cells


def judge(
    folder: Path, holdout: pd.DataFrame, classify: Classify
) -> tuple[list[Cell], list[Judged]]:
    """What the coders saved in `folder` say of private reports: cells as `grid.evaluate_grid` has
    them (the unbiased evaluation, one a seed and rule), and answers about every report.

    Args:
        holdout: columns report_id, text, codes.

    Both are empty where no coder was saved. UserError when there is no folder, one is no saved
    coder, or no report has a code that the coder knows.
    """
    cells: list[Cell] = []
    answers = []
    for place, learnt in _saved(folder):
        truth = labels.matrix(labels.categories(holdout["codes"]), learnt.labels)
        if not truth.any():
            raise UserError(
                f"{SECTION}: no holdout report has a code of the label space: check that all "
                "reports are coded in one code system."
            )
        scores = learnt.scores(place, holdout["text"].tolist())
        which = _which(learnt.size, len(learnt.labels), learnt.seed)
        rule = classify.decision_rule
        found, decided = cells_of(truth, scores, learnt.fitted, learnt.trained_reports, rule)
        cells += [which | cell for cell in found]
        answers.append(
            Judged(
                document_ids=tuple(holdout["report_id"]),
                label_space=tuple(learnt.labels),
                truth=truth,
                decided=decided,
                scores=scores,
                rule=rule,
                **which,
            )
        )
    return cells, answers


def evidence(folder: Path, reports: pd.DataFrame, words: int) -> pd.DataFrame:
    """The `words` with most attention behind each code that a report carries, by the first coder
    saved in `folder`.

    Args:
        reports: synthetic ones (columns report_id, text, codes).

    Returns:
        An EVIDENCE table of the labels that the coder knows; no rows where no coder was saved.
    """
    import pandas as pd

    from synthfr.coding.trained import load
    from synthfr.records import EVIDENCE

    rows: list[dict[str, Any]] = []
    for place, learnt in list(_saved(folder))[:1]:
        coder = load(place, learnt.labels)
        every = learnt.scores(place, reports["text"].tolist())
        truth = labels.matrix(labels.categories(reports["codes"]), learnt.labels)
        for report_id, text, scores, carried in zip(
            reports["report_id"], reports["text"], every, truth, strict=True
        ):
            for label, score in ((learnt.labels[at], scores[at]) for at in np.flatnonzero(carried)):
                found = sorted(coder.evidence(text, label), key=lambda one: -one.weight)[:words]
                rows += [
                    {
                        "report_id": report_id,
                        "label": label,
                        "probability": float(1 / (1 + np.exp(-score))),
                        "rank": rank,
                        "word": text[one.start : one.end],
                        "share": one.weight,
                    }
                    for rank, one in enumerate(found)
                ]
    return pd.DataFrame(rows, columns=EVIDENCE.schema.names)


def _which(size: int, top_k: int, seed: int) -> dict[str, Any]:
    return {"size": size, "top_k": top_k, "seed": seed, "evaluation": UNBIASED}


def _named(space: Sequence[str], which: Any) -> list[str]:
    return [name for name, one in zip(space, which, strict=True) if one]


def _saved(folder: Path) -> Iterator[tuple[Path, _Learnt]]:
    """Folders of the seeds, in their order, with what stands in each."""
    if not folder.is_dir():
        raise UserError(
            f"{folder} is missing: make it with `dvc repro` or fetch it with `dvc pull`."
        )
    found = []
    for path in folder.glob(f"*/{DECISIONS}"):
        try:
            found.append((path.parent, _Learnt.model_validate(read_json(path))))
        except ValidationError as error:
            raise UserError(
                f"{path} is no file of this version ({error.error_count()} faults): train the "
                "coder again with `dvc repro`."
            ) from None
    yield from sorted(found, key=lambda one: one[1].seed)


def _scores(
    place: Path, space: Sequence[str], never: Bools, always: Bools, texts: Sequence[str]
) -> Floats:
    """Logits of the coder in `place`, shape (n_texts, n_labels); without bounds for labels that it
    has never or always seen, by mask.
    """
    from synthfr.coding.trained import load

    scores = load(place, space).scores(texts)
    scores[:, never] = -np.inf
    scores[:, always] = np.inf
    return scores
