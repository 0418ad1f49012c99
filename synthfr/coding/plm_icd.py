"""The third coder, PLM-ICD: a pre-trained model reads a report in chunks, and every code has an
attention of its own over the report's words.

No report is too long for the model, and the attention says which words a code comes from. Trained
by plain binary cross-entropy, with a linear decay of the learning rate, as published; the network
is `label_attention`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from synthfr.coding.fine_tuning import FineTunedCoder, FineTuning, unusable
from synthfr.disk import read_json, write_json
from synthfr.errors import UserError
from synthfr.section import Count, NonNegative, Positive, Share

WEIGHTS, SETTINGS = "model.safetensors", "coder.json"  # of a model that is kept
# what libraries keep of the model that it was made of, and a kept one has no use for
_INERT = re.compile(r"auto_map|custom_.*|_attn_implementation.*|quantization_config|.+_file")


class PlmIcdSettings(FineTuning):
    """Parameters `classify.coder.plm_icd`: see the comments in params.yaml."""

    section: ClassVar[str] = "classify.coder.plm_icd"

    head: Literal["label_attention", "cross_attention"] = "label_attention"
    published: bool = False
    layers: Count | None = None
    chunk_tokens: Annotated[int, Field(ge=8)] = 128
    learning_rate: Positive = 0.00005
    epochs: Positive = 20.0
    min_steps: Annotated[int, Field(ge=0)] = 1000
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
    read by `trained.load`.
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
            self._keep_first_layers(config)
            encoder = AutoModel.from_pretrained(
                self._folder,
                config=config,
                dtype=torch.float32,  # weights in half precision would lose small updates
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
            )
        except (ValueError, OSError, KeyError) as error:
            raise unusable(self._folder, self._where, error) from None
        if "decoder_input_ids" in inspect.signature(encoder.forward).parameters:
            raise UserError(
                f"{self._where}: {self._folder} is an encoder with a decoder behind it: choose an "
                "encoder, or a decoder alone."
            )
        alone(encoder)
        positions = _positions(encoder)
        if positions is not None and self._how.chunk_tokens > positions:
            raise UserError(
                f"{self._how.section}.chunk_tokens is {self._how.chunk_tokens}, and "
                f"{self._folder} reads {positions} tokens at most: lower it."
            )
        return encoder

    def _keep_first_layers(self, config: Any) -> None:
        """Make the model that is loaded so deep: the layers behind are not read."""
        wanted, there = self._how.layers, getattr(config, "num_hidden_layers", None)
        if wanted is None:
            return
        if there is None or wanted > there:
            raise UserError(
                f"{self._how.section}.layers is {wanted}, and {self._folder} has "
                f"{'no such number' if there is None else there}: lower it, or set it to null."
            )
        config.num_hidden_layers = wanted
        if getattr(config, "layer_types", None):
            config.layer_types = config.layer_types[:wanted]

    def _save(self, model: Any, folder: Path) -> None:
        from safetensors.torch import save_file

        model.encoder.config.save_pretrained(folder)
        self._tokenizer.save_pretrained(folder)
        for name in ("config.json", "tokenizer_config.json"):
            told = read_json(folder / name)
            own = {key: value for key, value in told.items() if not _INERT.fullmatch(key)}
            write_json(folder / name, own)
        weights = {
            name: one.detach().cpu().contiguous() for name, one in model.state_dict().items()
        }
        save_file(weights, folder / WEIGHTS)
        how = self._how.model_dump(include={"head", "published", "chunk_tokens", "max_length"})
        write_json(folder / SETTINGS, how)


def alone(encoder: Any) -> None:
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
