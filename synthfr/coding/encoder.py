"""The second coder: a pre-trained encoder (ModernBERT, CamemBERT, ...) with one output per code, as
the original Synth-FR trains it.

Each code's positives weigh negatives / positives in the loss, the learning rate falls by a cosine,
the evaluation with the lowest loss on validation reports counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from synthfr.coding.fine_tuning import FineTunedCoder, FineTuning, unusable
from synthfr.coding.metrics import Bools
from synthfr.section import Count, NonNegative, Positive, Share


class EncoderSettings(FineTuning):
    """Parameters `classify.coder.encoder`: see the comments in params.yaml."""

    section: ClassVar[str] = "classify.coder.encoder"

    learning_rate: Positive = 0.0001
    epochs: Positive = 8.0
    min_steps: Annotated[int, Field(ge=0)] = 200
    batch_size: Count = 32
    device_batch_size: Count = 32
    max_length: Annotated[int, Field(ge=8)] = 2048
    warmup_ratio: Share = 0.1
    weight_decay: NonNegative = 0.01
    patience: Count = 5


class EncoderCoder(FineTunedCoder):
    """Fine-tunes the encoder and a linear head over its pooled states; see `FineTunedCoder`."""

    kind = "encoder"
    schedule = "cosine"

    def __init__(
        self,
        texts: Sequence[str],
        params: EncoderSettings,
        seed: int,
        scratch: Path,
        keep: Path | None = None,
    ) -> None:
        super().__init__(texts, params, seed, scratch, keep)

    def _collator(self) -> Any:
        from transformers import DataCollatorWithPadding

        return DataCollatorWithPadding(self._tokenizer)

    def _positive_weights(self, truth: Bools) -> np.ndarray | None:
        return positive_weights(truth)

    def _model(self, n_labels: int) -> Any:
        import torch
        from transformers import AutoModelForSequenceClassification

        try:
            return AutoModelForSequenceClassification.from_pretrained(
                self._folder,
                num_labels=n_labels,
                problem_type="multi_label_classification",
                dtype=torch.float32,  # weights in half precision would lose small updates
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
            )
        except (ValueError, OSError, KeyError) as error:
            raise unusable(self._folder, self._where, error) from None

    def _save(self, model: Any, folder: Path) -> None:
        model.save_pretrained(folder)
        self._tokenizer.save_pretrained(folder)


def positive_weights(truth: Bools) -> np.ndarray:
    """Weight of each label's positives, shape (n_labels,), float32: negatives / positives; 1 for a
    label that no report has.
    """
    positives = truth.sum(axis=0)
    weights = np.divide(len(truth) - positives, positives, where=positives > 0)
    return np.where(positives > 0, weights, 1.0).astype(np.float32)
