"""Sections of the base model and its trainings: base, sft, dpo, rounds.

What a value means and costs is a comment in ``params.yaml``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from synthfr.params.section import Count, Name, NonNegative, Positive, Section, Share

# TRL's DPO loss terms that need no further setting
LossTerm = Literal[
    "sigmoid",
    "sigmoid_norm",
    "hinge",
    "ipo",
    "nca_pair",
    "aot",
    "apo_zero",
    "apo_down",
    "discopop",
    "sft",
]


class Base(Section):
    source: Literal["tiny", "local", "hub"]
    path: str | None
    repo_id: str | None
    revision: str | None
    allow_download: bool
    chat_template: bool = False

    @model_validator(mode="after")
    def _named(self) -> Base:
        if self.source == "local" and not self.path:
            raise ValueError("source 'local' wants 'path', the folder of the model")
        if self.source == "hub" and not (self.repo_id and self.revision):
            raise ValueError(
                "source 'hub' wants 'repo_id' and 'revision', a commit of it: always the same model"
            )
        return self


class Lora(Section):
    r: Count
    alpha: Count
    dropout: Annotated[float, Field(ge=0, lt=1)]
    target_modules: Literal["all-linear"] | list[str]


class Distributed(Section):
    processes: Count
    strategy: Literal["ddp", "fsdp", "deepspeed"]


class Training(Section):
    """What SFT and DPO have in common."""

    batch_size: Count
    device_batch_size: Count
    max_length: Annotated[int, Field(ge=8)]
    lora: Lora
    warmup_share: Share
    weight_decay: NonNegative
    validation_share: Annotated[float, Field(ge=0, lt=1)]
    checkpoint_every_steps: Count
    precision: Literal["float32", "bfloat16"]
    quantisation: Literal["none", "nf4"]
    gradient_checkpointing: bool
    liger: bool
    distributed: Distributed

    @model_validator(mode="after")
    def _divides(self) -> Training:
        held, processes = self.device_batch_size, self.distributed.processes
        if self.batch_size % (held * processes):
            times = f" x {processes} processes" if processes > 1 else ""
            raise ValueError(
                f"batch_size {self.batch_size} must be a multiple of "
                f"device_batch_size {held}{times}"
            )
        return self


class Teacher(Section):
    path: Annotated[str, Field(min_length=1)]
    columns: dict[Literal["report_id", "keywords", "text"], str]
    list_separator: Annotated[str, Field(min_length=1)]
    share: Annotated[float, Field(ge=0, lt=1)]


class Sft(Training):
    epochs: Positive
    learning_rate: Positive
    batching: Literal["padded", "padding_free", "packed"]
    teacher: Teacher


class Dpo(Training):
    beta: Positive
    loss_type: Annotated[list[LossTerm], Field(min_length=1)]
    loss_weights: list[NonNegative]
    max_truncated_share: Share
    max_chosen_logp_drop: Positive | None  # None: a round is not stopped for it
    batching: Literal["padded", "padding_free"]

    @model_validator(mode="after")
    def _one_weight_each(self) -> Dpo:
        if len(self.loss_type) != len(self.loss_weights):
            raise ValueError("loss_type and loss_weights must be equally long")
        if self.lora.dropout:
            raise ValueError("lora.dropout must be 0: a preference is measured without dropout")
        return self


class Round(Section):
    parent: Name
    prompts: Count
    learning_rate: Positive
    epochs: Positive
    beta: Positive | None = None  # None: dpo.beta
