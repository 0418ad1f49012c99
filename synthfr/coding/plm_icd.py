"""The third coder, PLM-ICD: a pre-trained model reads a report in chunks, and every code has an
attention of its own over the report's words.

No report is too long for the model, and the attention says which words a code comes from. Trained
by plain binary cross-entropy, with a linear decay of the learning rate, as published; the network
is `label_attention`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from synthfr.coding.evidence import Evidence, words_behind
from synthfr.coding.fine_tuning import FineTunedCoder, FineTuning, tokenizer, unusable
from synthfr.coding.metrics import Floats
from synthfr.disk import read_json, write_json
from synthfr.errors import UserError
from synthfr.section import Count, NonNegative, Positive, Share

if TYPE_CHECKING:
    from synthfr.coding.label_attention import PlmIcd

_WEIGHTS, _SETTINGS = "model.safetensors", "coder.json"
# a row a label
_QUERIES = {"label_attention": "head.queries.weight", "cross_attention": "head.queries"}


class PlmIcdSettings(FineTuning):
    """Parameters `classify.coder.plm_icd`: see the comments in params.yaml."""

    head: Literal["label_attention", "cross_attention"] = "label_attention"
    published: bool = False
    chunk_tokens: Annotated[int, Field(ge=8)] = 128
    learning_rate: Positive = 0.00005
    epochs: Positive = 20.0
    batch_size: Count = 16
    device_batch_size: Count = 8
    max_length: Annotated[int, Field(ge=8)] = 6000
    warmup_ratio: Share = 0.02
    weight_decay: NonNegative = 0.0
    selection: Literal["loss", "map", "micro_f1", "precision_at_8"] = "map"
    patience: Count = 6

    @model_validator(mode="after")
    def _published_is_of_label_attention(self) -> PlmIcdSettings:
        if self.published and self.head != "label_attention":
            raise ValueError(
                "published: true is how label_attention's published figures came about: "
                "set published to false, or head to label_attention"
            )
        return self


class PlmIcdCoder(FineTunedCoder):
    """Fine-tunes the model and the head together; see `FineTunedCoder`. A model that is kept is
    read by `load`.
    """

    kind = "plm_icd"
    schedule = "linear"

    def __init__(
        self,
        texts: Sequence[str],
        params: PlmIcdSettings,
        seed: int,
        scratch: Path,
        keep: Path | None = None,
    ) -> None:
        self._how = params
        super().__init__(texts, params, seed, scratch, keep, params.selection)

    def _collator(self) -> Any:
        import torch

        from synthfr.coding.label_attention import collate

        def collated(examples: list[dict[str, Any]]) -> dict[str, Any]:
            ids = [example["input_ids"] for example in examples]
            batch = collate(ids, self._how.chunk_tokens, self._tokenizer.pad_token_id)
            if "labels" in examples[0]:
                batch["labels"] = torch.tensor([example["labels"] for example in examples])
            return batch

        return collated

    def _model(self, n_labels: int) -> Any:
        from synthfr.coding.label_attention import PlmIcd

        how = self._how
        encoder = self._encoder()
        return PlmIcd(encoder, how.head, n_labels, how.chunk_tokens, how.published)

    def _encoder(self) -> Any:
        import torch
        from transformers import AutoConfig, AutoModel

        try:
            config = AutoConfig.from_pretrained(
                self._folder, local_files_only=True, trust_remote_code=False
            )
            if config.is_encoder_decoder:
                raise UserError(
                    f"{self._where}: {self._folder} is an encoder with a decoder behind it: "
                    "choose an encoder, or a decoder alone."
                )
            encoder = AutoModel.from_pretrained(
                self._folder,
                dtype=torch.float32,  # weights in half precision would lose small updates
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
            )
        except (ValueError, OSError, KeyError) as error:
            raise unusable(self._folder, self._where, error) from None
        _alone(encoder)
        positions = _positions(encoder)
        if positions is not None and self._how.chunk_tokens > positions:
            raise UserError(
                f"classify.coder.plm_icd.chunk_tokens is {self._how.chunk_tokens}, and "
                f"{self._folder} reads {positions} tokens at most: lower it."
            )
        return encoder

    def _save(self, model: Any, folder: Path) -> None:
        from safetensors.torch import save_file

        model.encoder.config.save_pretrained(folder)
        self._tokenizer.save_pretrained(folder)
        weights = {
            name: one.detach().cpu().contiguous() for name, one in model.state_dict().items()
        }
        save_file(weights, folder / _WEIGHTS)
        how = self._how.model_dump(include={"head", "published", "chunk_tokens", "max_length"})
        write_json(folder / _SETTINGS, how)


class TrainedPlmIcd:
    """A coder that was trained and kept: scores of any texts, and the words behind a code.

    Its attention over a private report tells words of that report: both stay on the private side.
    """

    def __init__(
        self, model: PlmIcd, tokenizer: Any, max_length: int, labels: Sequence[str]
    ) -> None:
        self.labels = list(labels)
        self._model = model
        self._tokenizer = tokenizer
        self._max_length = max_length

    def scores(self, texts: Sequence[str], batch_size: int = 8) -> Floats:
        """Logits, shape (n_texts, n_labels); columns are `labels`."""
        from synthfr.coding.label_attention import evaluating

        encoded = [self._encoded(text)[0] for text in texts]
        order = np.argsort([len(ids) for ids in encoded], kind="stable")
        scores = np.empty((len(texts), len(self.labels)))
        with evaluating(self._model):
            for at in range(0, len(order), batch_size):
                rows = order[at : at + batch_size]
                logits, _ = self._read([encoded[row] for row in rows])
                scores[rows] = logits.double().numpy()
        return scores

    def evidence(self, text: str, label: str) -> list[Evidence]:
        """Each word of a text, in its order, with the attention that it has from a label.

        UserError when the model knows no such label.
        """
        from synthfr.coding.label_attention import evaluating

        if label not in self.labels:
            raise UserError(
                f"evidence: the coder has no label {label}: name one it was trained on."
            )
        ids, offsets = self._encoded(text)
        with evaluating(self._model):
            _, attention = self._read([ids])
        weights = attention[0, self.labels.index(label), : len(offsets)].tolist()
        return words_behind(text, offsets, weights)

    def _encoded(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Token ids, and the characters of each; a text without tokens is one padding token."""
        encoded = self._tokenizer(
            text,
            truncation=True,
            max_length=self._max_length,
            verbose=False,
            return_offsets_mapping=True,
        )
        nothing: list[int] = [self._tokenizer.pad_token_id]
        return encoded["input_ids"] or nothing, encoded["offset_mapping"] or [(0, 0)]

    def _read(self, ids: list[list[int]]) -> Any:
        from synthfr.coding.label_attention import collate

        padding = self._tokenizer.pad_token_id
        return self._model.read(**collate(ids, self._model.chunk_tokens, padding))


def load(folder: Path, labels: Sequence[str]) -> TrainedPlmIcd:
    """A coder kept in `folder`, which `PlmIcdCoder.kept` names, on the CPU.

    Args:
        folder: what was kept.
        labels: names of the columns that it was trained on, in their order.

    UserError when the folder is no such coder, or has another number of labels.
    """
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoModel

    from synthfr.coding.label_attention import PlmIcd

    how = read_json(folder / _SETTINGS)
    weights = load_file(folder / _WEIGHTS)
    n_labels = len(weights[_QUERIES[how["head"]]])
    if n_labels != len(labels):
        raise UserError(
            f"{folder} holds a coder of {n_labels} labels, and {len(labels)} are named: "
            "name those that it was trained on."
        )
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    encoder = AutoModel.from_config(config, trust_remote_code=False).float()
    _alone(encoder)
    model = PlmIcd(encoder, how["head"], n_labels, how["chunk_tokens"], how["published"])
    model.load_state_dict(weights)
    return TrainedPlmIcd(model, tokenizer(folder, str(folder)), how["max_length"], labels)


def _alone(encoder: Any) -> None:
    """Take off what a model has for other uses: a pooled state, a cache for writing."""
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    encoder.config.use_cache = False


def _positions(encoder: Any) -> int | None:
    """Tokens that a model can read at once; None where it knows no limit."""
    limit = getattr(encoder.config, "max_position_embeddings", None)
    table = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    first = getattr(table, "padding_idx", None)  # RoBERTa counts from the one behind it
    return limit if limit is None or first is None else limit - first - 1
