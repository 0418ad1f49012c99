"""What coders that fine-tune a pre-trained model have in common: their parameters, how the trainer
runs, when it stops, and how a killed run goes on.

Binary cross-entropy over all codes at once, the evaluation that is best on validation reports kept,
early stopping. A coder that is trained leaves its scores in `scratch`, and its checkpoints while it
is being trained: a killed run goes on there, and ends with the same scores.
"""

from __future__ import annotations

import math
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from synthfr import hub, resume, seeding
from synthfr.coding import epochs, selection
from synthfr.coding.coder import Rows, Validation
from synthfr.coding.metrics import Bools, Floats
from synthfr.disk import atomic_dir, atomic_path, digest, sha256_file
from synthfr.errors import UserError
from synthfr.section import NOTHING_TO_WATCH, Count, NonNegative, Positive, Section, Share


class FineTuning(Section):
    """Parameters of every coder that is fine-tuned: see the comments in params.yaml."""

    renamed: ClassVar[dict[str, str]] = {"warmup_share": "warmup_ratio"}
    section: ClassVar[str]  # where they stand in params.yaml, for messages

    model: str | None = None
    watch: str = NOTHING_TO_WATCH
    learning_rate: Positive
    epochs: Positive
    min_steps: Annotated[int, Field(ge=0)]
    batch_size: Count
    device_batch_size: Count
    max_length: Annotated[int, Field(ge=8)]
    warmup_ratio: Share
    weight_decay: NonNegative
    max_gradient_norm: NonNegative = 1.0
    evaluate_every_steps: Count | None = None
    patience: Count
    precision: Literal["float32", "bfloat16"] = "float32"

    @model_validator(mode="after")
    def _divides(self) -> FineTuning:
        if self.batch_size % self.device_batch_size:
            raise ValueError(
                f"batch_size {self.batch_size} must be a multiple of "
                f"device_batch_size {self.device_batch_size}"
            )
        return self

    def epochs_of(self, reports: int) -> float:
        """Of a training on so many reports: `epochs`, or where these hold fewer than `min_steps`
        optimiser steps, the whole epochs that hold as many.
        """
        an_epoch = -(-reports // self.batch_size)
        enough = self.epochs * an_epoch >= self.min_steps
        return self.epochs if enough else -(-self.min_steps // an_epoch)

    def steps_of(self, reports: int) -> int:
        """Optimiser steps of a training on so many reports that is not stopped early."""
        return math.ceil(self.epochs_of(reports) * -(-reports // self.batch_size))


class FineTunedCoder(ABC):
    """Fine-tunes a model anew for every training set; scores are logits (log-odds).

    A smaller label space of the same training set takes its columns from the larger one's model
    when that came first, so that three sizes of a space cost one training. `kept`: the folder below
    `keep` of the model that all of the latest scores come from; None where nothing is kept, or they
    come from several.
    """

    kind: ClassVar[str]  # as `classify.coder.kind` names it
    schedule: ClassVar[str]  # of the learning rate after the warm-up, as transformers names it

    def __init__(
        self,
        texts: Sequence[str],
        params: FineTuning,
        seed: int,
        scratch: Path,
        keep: Path | None = None,
        select_by: selection.Metric = "loss",
    ) -> None:
        self._params = params
        self._seed = seed
        self._scratch = scratch
        self._keep = keep
        self._select_by = select_by
        self._folder = hub.resolve(params.model or "", self._where)
        self._tokenizer = tokenizer(self._folder, self._where)
        encoded = self._tokenizer(
            list(texts), truncation=True, max_length=params.max_length, verbose=False
        )
        # a text without tokens (white space alone) is one padding token: nothing cannot be read
        nothing = [self._tokenizer.pad_token_id]
        self._ids: list[list[int]] = [ids or nothing for ids in encoded["input_ids"]]
        self._model_digest = digest(
            {file.name: sha256_file(file) for file in sorted(self._folder.glob("*.safetensors"))}
        )
        self._trained_on = b""
        self._columns: dict[bytes, Floats] = {}
        self._models: dict[bytes, Path | None] = {}
        self.kept: Path | None = None

    def scores(
        self, train: Rows, truth: Bools, rows: Rows, validation: Validation | None = None
    ) -> Floats:
        """See `Coder.scores`. Without validation reports all epochs are trained and the last one
        counts.
        """
        trained_on = train.tobytes() + b"|" + rows.tobytes()
        if self._trained_on != trained_on:
            self._trained_on, self._columns, self._models = trained_on, {}, {}
        keys = [column.tobytes() for column in truth.T]
        if not set(keys) <= set(self._columns):
            learnt, model = self._learn(train, truth, rows, validation)
            self._columns |= dict(zip(keys, learnt.T, strict=True))
            self._models |= dict.fromkeys(keys, model)
        models = {self._models[key] for key in keys}
        self.kept = models.pop() if len(models) == 1 else None
        scores = np.stack([self._columns[key] for key in keys], axis=1)
        scores[:, truth.all(axis=0)] = np.inf
        scores[:, ~truth.any(axis=0)] = -np.inf
        return scores

    @property
    def _where(self) -> str:
        """The parameter that names the model, for messages."""
        return f"{self._params.section}.model"

    @abstractmethod
    def _model(self, n_labels: int) -> Any:
        """The module to train: its forward gives ``logits``, shape (n, n_labels)."""

    @abstractmethod
    def _collator(self) -> Any:
        """Makes a batch of examples (``input_ids``, ``labels``)."""

    @abstractmethod
    def _save(self, model: Any, folder: Path) -> None:
        """Write a trained model into an empty folder."""

    def _positive_weights(self, truth: Bools) -> np.ndarray | None:
        """Weight of each label's positives in the loss; None: all weigh alike."""
        return None

    def _learn(
        self, train: Rows, truth: Bools, rows: Rows, validation: Validation | None
    ) -> tuple[Floats, Path | None]:
        """Logits of `rows`, shape (n, n_labels), read from `scratch` when a run that was killed
        had them, and where the model is kept.
        """
        import torch

        told = [self.kind, self._seed, self._model_digest, self._params.model_dump()]
        arrays = [train, truth, rows, *([validation.rows, validation.truth] if validation else [])]
        key = digest([*told, *(array.tobytes().hex() for array in arrays), self._ids])[:24]
        finished = self._scratch / f"coder-{key}.npy"
        kept = self._keep / key if self._keep else None
        if not finished.is_file() or not (kept is None or kept.is_dir()):
            place = self._scratch / f"coder-{key}"
            place.mkdir(parents=True, exist_ok=True)
            try:
                logits, model = self._train(train, truth, rows, validation, place)
            except torch.OutOfMemoryError as error:
                section = self._params.section
                raise UserError(
                    f"{section.partition('.')[0]}: the GPU's memory does not hold the model and "
                    f"{self._params.device_batch_size} reports at once: lower "
                    f"{section}.device_batch_size, or name a smaller model."
                ) from error
            if kept is not None:
                with atomic_dir(kept) as folder:
                    self._save(model, folder)
            with atomic_path(finished) as partial:
                np.save(partial, logits, allow_pickle=False)
            shutil.rmtree(place)
        return np.load(finished, allow_pickle=False), kept

    def _train(
        self, train: Rows, truth: Bools, rows: Rows, validation: Validation | None, place: Path
    ) -> tuple[Floats, Any]:
        """Logits of `rows`, and the model."""
        import torch
        from transformers import PrinterCallback, Trainer, TrainingArguments, set_seed
        from transformers.utils import logging

        logging.set_verbosity_error()  # a fresh head is meant
        if not sys.stderr.isatty():
            logging.disable_progress_bar()
        params = self._params
        seed = seeding.derive(self._seed, self.kind) % 2**32
        set_seed(seed)
        cuda = torch.cuda.is_available()
        weights = self._positive_weights(truth)
        pos_weight = None if weights is None else torch.from_numpy(weights)

        def loss(outputs: Any, labels: Any, **_: Any) -> Any:
            return torch.nn.functional.binary_cross_entropy_with_logits(
                outputs["logits"].float(),
                labels,
                pos_weight=None if pos_weight is None else pos_weight.to(labels.device),
            )

        watched = selection.watched(validation, self._select_by)
        every = params.evaluate_every_steps
        rhythm = "epoch" if every is None else "steps"
        trainer = Trainer(
            model=self._model(truth.shape[1]),
            args=TrainingArguments(
                output_dir=str(place),
                seed=seed,
                num_train_epochs=params.epochs_of(len(train)),
                learning_rate=params.learning_rate,
                lr_scheduler_type=self.schedule,
                warmup_steps=round(params.warmup_ratio * params.steps_of(len(train))),
                weight_decay=params.weight_decay,
                max_grad_norm=params.max_gradient_norm,
                per_device_train_batch_size=params.device_batch_size,
                per_device_eval_batch_size=2 * params.device_batch_size,
                gradient_accumulation_steps=params.batch_size // params.device_batch_size,
                # as the rows come: `_by_length` sorts them, `epochs.order` those of the training
                train_sampling_strategy="sequential",
                bf16=params.precision == "bfloat16",
                use_cpu=not cuda,
                dataloader_pin_memory=cuda,
                save_strategy=rhythm,
                save_steps=every or 1,
                save_total_limit=2,
                eval_strategy=rhythm if watched else "no",
                eval_steps=every,
                load_best_model_at_end=watched is not None,
                metric_for_best_model=f"eval_{self._select_by}" if watched else None,
                greater_is_better=self._select_by != "loss" if watched else None,
                label_names=["labels"],
                report_to="none",
                disable_tqdm=True,
            ),
            train_dataset=self._examples(train, truth),
            eval_dataset=self._examples(*self._by_length(watched.rows, watched.truth))
            if watched
            else None,
            data_collator=self._collator(),
            compute_loss_func=loss,
            compute_metrics=selection.metrics(self._select_by),
        )
        trainer.loss_is_scaled_for_ga = False  # `loss` is a mean over the reports held at once
        trainer.remove_callback(PrinterCallback)
        order = epochs.order([len(self._ids[row]) for row in train], params.batch_size, seed)
        trainer._get_train_sampler = lambda *_: order
        if watched:
            patience = epochs.patience(params.patience, self._select_by, params.min_steps)
            trainer.add_callback(patience)
        resume.train(trainer, place)
        sorted_rows, places = self._by_length(rows, np.arange(len(rows)))
        predicted = trainer.predict(self._examples(sorted_rows, None)).predictions
        logits = np.empty(predicted.shape)
        logits[places] = predicted
        return logits, trainer.model

    def _by_length(self, rows: Rows, beside: np.ndarray) -> tuple[Rows, np.ndarray]:
        """Rows by their number of tokens, which leaves little padding, and what belongs to them."""
        order = np.argsort([len(self._ids[row]) for row in rows], kind="stable")
        return rows[order], beside[order]

    def _examples(self, rows: Rows, truth: Bools | None) -> Any:
        from datasets import Dataset

        columns: dict[str, Any] = {"input_ids": [self._ids[row] for row in rows]}
        if truth is not None:
            columns["labels"] = truth.astype(np.float32).tolist()
        return Dataset.from_dict(columns)


def tokenizer(folder: Path, where: str) -> Any:
    """The tokenizer of a model's folder; `where` is the parameter that names it.

    UserError when there is none, or it has no padding token.
    """
    from transformers import AutoTokenizer

    try:
        loaded = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except (ValueError, OSError, KeyError) as error:
        raise UserError(
            f"{where}: {folder} has no tokenizer that can be loaded ({type(error).__name__}): "
            "check the folder, or fetch it again with `synth-fr prefetch`."
        ) from None
    if loaded.pad_token_id is None:
        raise UserError(f"{where}: {folder} has no padding token: choose an encoder model.")
    return loaded


def unusable(folder: Path, where: str, error: Exception) -> UserError:
    """The error for a folder whose weights cannot be loaded."""
    return UserError(
        f"{where}: {folder} cannot be loaded as an encoder with safetensors weights "
        f"({type(error).__name__}): check the folder, or fetch it again with `synth-fr prefetch`."
    )
