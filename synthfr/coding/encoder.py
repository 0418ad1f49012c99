"""The second coder: a pre-trained encoder (ModernBERT, CamemBERT, ...) with one output per code, as
the original Synth-FR trains it.

Binary cross-entropy with each code's positives weighted by negatives / positives, cosine schedule,
the evaluation with the lowest loss on validation reports kept, early stopping. A coder that is
trained leaves its scores in `scratch`, and its checkpoints while it is being trained: a killed run
goes on there, and ends with the same scores.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from synthfr import hub, resume, seeding
from synthfr.coding.coder import Rows, Validation
from synthfr.coding.metrics import Bools, Floats
from synthfr.disk import atomic_path, digest, sha256_file
from synthfr.errors import UserError
from synthfr.section import NOTHING_TO_WATCH, Count, NonNegative, Positive, Section, Share


class EncoderSettings(Section):
    """Parameters `classify.coder.encoder`: see the comments in params.yaml."""

    renamed: ClassVar[dict[str, str]] = {"warmup_share": "warmup_ratio"}

    model: str | None = None
    watch: str = NOTHING_TO_WATCH
    learning_rate: Positive = 0.0001
    epochs: Positive = 8.0
    batch_size: Count = 32
    device_batch_size: Count = 32
    max_length: Annotated[int, Field(ge=8)] = 2048
    warmup_ratio: Share = 0.1
    weight_decay: NonNegative = 0.01
    max_gradient_norm: NonNegative = 1.0
    evaluate_every_steps: Count | None = None
    patience: Count = 5
    precision: Literal["float32", "bfloat16"] = "float32"


WHERE = "classify.coder.encoder.model"


class EncoderCoder:
    """Fine-tunes the encoder anew for every training set; scores are logits (log-odds).

    A smaller label space of the same training set takes its columns from the larger one's model
    when that came first, so that three sizes of a space cost one training.
    """

    def __init__(
        self, texts: Sequence[str], params: EncoderSettings, seed: int, scratch: Path
    ) -> None:
        self._params = params
        self._seed = seed
        self._scratch = scratch
        self._folder = hub.resolve(params.model or "", WHERE)
        self._tokenizer = _tokenizer(self._folder)
        encoded = self._tokenizer(
            list(texts), truncation=True, max_length=params.max_length, verbose=False
        )
        self._ids: list[list[int]] = encoded["input_ids"]
        self._model_digest = digest(
            {file.name: sha256_file(file) for file in sorted(self._folder.glob("*.safetensors"))}
        )
        self._trained_on = b""
        self._columns: dict[bytes, Floats] = {}

    def scores(
        self, train: Rows, truth: Bools, rows: Rows, validation: Validation | None = None
    ) -> Floats:
        """See `Coder.scores`. Without validation reports all epochs are trained and the last one
        counts.
        """
        trained_on = train.tobytes() + b"|" + rows.tobytes()
        if self._trained_on != trained_on:
            self._trained_on, self._columns = trained_on, {}
        keys = [column.tobytes() for column in truth.T]
        if not set(keys) <= set(self._columns):
            learnt = self._learn(train, truth, rows, validation)
            self._columns |= dict(zip(keys, learnt.T, strict=True))
        scores = np.stack([self._columns[key] for key in keys], axis=1)
        scores[:, truth.all(axis=0)] = np.inf
        scores[:, ~truth.any(axis=0)] = -np.inf
        return scores

    def _learn(
        self, train: Rows, truth: Bools, rows: Rows, validation: Validation | None
    ) -> Floats:
        """Logits of `rows`, shape (n, n_labels), read from `scratch` when a run that was killed
        had them.
        """
        told = [self._seed, self._model_digest, self._params.model_dump()]
        arrays = [train, truth, rows, *([validation.rows, validation.truth] if validation else [])]
        key = digest([*told, *(array.tobytes().hex() for array in arrays), self._ids])[:24]
        finished = self._scratch / f"coder-{key}.npy"
        if not finished.is_file():
            place = self._scratch / f"coder-{key}"
            place.mkdir(parents=True, exist_ok=True)
            logits = self._train(train, truth, rows, validation, place)
            with atomic_path(finished) as partial:
                np.save(partial, logits, allow_pickle=False)
            shutil.rmtree(place)
        logits_read: Floats = np.load(finished, allow_pickle=False)
        return logits_read

    def _train(
        self, train: Rows, truth: Bools, rows: Rows, validation: Validation | None, place: Path
    ) -> Floats:
        import torch
        from transformers import (
            DataCollatorWithPadding,
            PrinterCallback,
            Trainer,
            TrainingArguments,
            set_seed,
        )
        from transformers.utils import logging

        logging.set_verbosity_error()  # a fresh head is meant
        if not sys.stderr.isatty():
            logging.disable_progress_bar()
        params = self._params
        seed = seeding.derive(self._seed, "encoder") % 2**32
        set_seed(seed)
        cuda = torch.cuda.is_available()
        pos_weight = torch.from_numpy(positive_weights(truth))

        def loss(outputs: Any, labels: Any, **_: Any) -> Any:
            return torch.nn.functional.binary_cross_entropy_with_logits(
                outputs["logits"].float(), labels, pos_weight=pos_weight.to(labels.device)
            )

        watched = validation if validation is not None and len(validation.rows) else None
        steps = -(-len(train) // params.batch_size) * params.epochs
        every = params.evaluate_every_steps
        rhythm = "epoch" if every is None else "steps"
        trainer = Trainer(
            model=self._model(truth.shape[1]),
            args=TrainingArguments(
                output_dir=str(place),
                seed=seed,
                num_train_epochs=params.epochs,
                learning_rate=params.learning_rate,
                lr_scheduler_type="cosine",
                warmup_steps=round(params.warmup_ratio * steps),
                weight_decay=params.weight_decay,
                max_grad_norm=params.max_gradient_norm,
                per_device_train_batch_size=params.device_batch_size,
                per_device_eval_batch_size=2 * params.device_batch_size,
                gradient_accumulation_steps=params.batch_size // params.device_batch_size,
                train_sampling_strategy="group_by_length",
                bf16=params.precision == "bfloat16",
                use_cpu=not cuda,
                dataloader_pin_memory=cuda,
                save_strategy=rhythm,
                save_steps=every or 1,
                save_total_limit=2,
                eval_strategy=rhythm if watched else "no",
                eval_steps=every,
                load_best_model_at_end=watched is not None,
                metric_for_best_model="eval_loss" if watched else None,
                greater_is_better=False if watched else None,
                label_names=["labels"],
                report_to="none",
                disable_tqdm=True,
            ),
            train_dataset=self._examples(train, truth),
            eval_dataset=self._examples(watched.rows, watched.truth) if watched else None,
            data_collator=DataCollatorWithPadding(self._tokenizer),
            compute_loss_func=loss,
        )
        trainer.remove_callback(PrinterCallback)
        order = _order([len(self._ids[row]) for row in train], params.batch_size, seed)
        trainer._get_train_sampler = lambda *_: order
        if watched:
            trainer.add_callback(_patience(params.patience))
        try:
            resume.train(trainer, place)
            # grouping by length would also shuffle what is predicted: here the rows are sorted
            trainer.args.train_sampling_strategy = "sequential"
            order = np.argsort([len(self._ids[row]) for row in rows], kind="stable")
            predicted = trainer.predict(self._examples(rows[order], None)).predictions
        except torch.OutOfMemoryError as error:
            raise UserError(
                f"classify: the GPU's memory does not hold {params.device_batch_size} reports at "
                "once: lower classify.coder.encoder.device_batch_size."
            ) from error
        logits = np.empty(predicted.shape)
        logits[order] = predicted
        return logits

    def _examples(self, rows: Rows, truth: Bools | None) -> Any:
        from datasets import Dataset

        columns: dict[str, Any] = {"input_ids": [self._ids[row] for row in rows]}
        if truth is not None:
            columns["labels"] = truth.astype(np.float32).tolist()
        return Dataset.from_dict(columns)

    def _model(self, n_labels: int) -> Any:
        from transformers import AutoModelForSequenceClassification

        try:
            return AutoModelForSequenceClassification.from_pretrained(
                self._folder,
                num_labels=n_labels,
                problem_type="multi_label_classification",
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
            )
        except (ValueError, OSError, KeyError) as error:
            raise _unusable(self._folder, error) from None


def _order(lengths: Sequence[int], batch_size: int, seed: int) -> Any:
    """A sampler of row numbers, of like `lengths` together, in an order that the seed and the epoch
    alone give: transformers' own draws from the global state at the start of an epoch, which a run
    that goes on in the middle of one does not have.
    """
    import torch
    from transformers.trainer_pt_utils import LengthGroupedSampler

    class Order(LengthGroupedSampler):  # type: ignore[misc]
        def set_epoch(self, epoch: int) -> None:
            """Called by the data loader before each epoch."""
            self.generator = torch.Generator().manual_seed(seeding.derive(seed, "order", epoch))

    return Order(batch_size, lengths=list(lengths))


def _patience(evaluations: int) -> Any:
    """A callback that ends the training after so many evaluations in a row without a new lowest
    validation loss.

    It counts in the trainer's log, which checkpoints keep (transformers' own begins anew in a run
    that goes on). Where the run was killed after its last evaluation, one more step is made, and
    never looked at.
    """
    from transformers import TrainerCallback

    def exhausted(state: Any) -> bool:
        losses = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
        if not losses:
            return False
        since = len(losses) - 1 - int(np.argmin(np.nan_to_num(losses, nan=np.inf)))
        return since >= evaluations

    class Patience(TrainerCallback):  # type: ignore[misc]
        def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            control.should_training_stop = control.should_training_stop or exhausted(state)

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if exhausted(state):
                control.should_training_stop = True
                control.should_evaluate = control.should_save = False

        on_epoch_end = on_step_end

    return Patience()


def positive_weights(truth: Bools) -> np.ndarray:
    """Weight of each label's positives, shape (n_labels,), float32: negatives / positives; 1 for a
    label that no report has.
    """
    positives = truth.sum(axis=0)
    weights = np.divide(len(truth) - positives, positives, where=positives > 0)
    return np.where(positives > 0, weights, 1.0).astype(np.float32)


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except (ValueError, OSError, KeyError) as error:
        raise _unusable(folder, error) from None
    if tokenizer.pad_token_id is None:
        raise UserError(f"{WHERE}: {folder} has no padding token: choose an encoder model.")
    return tokenizer


def _unusable(folder: Path, error: Exception) -> UserError:
    return UserError(
        f"{WHERE}: {folder} cannot be loaded as an encoder with safetensors weights "
        f"({type(error).__name__}): check the folder, or fetch it again with `synth-fr prefetch`."
    )
