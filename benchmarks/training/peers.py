"""The peers: TRL's trainers as they come, and the original's padded chunks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import machine
from benchmarks.training.meter import Meter
from benchmarks.training.scale import LORA, Scale

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.models import Policy

CHUNK = 512  # tokens, of the original


def _theirs(scale: Scale, scratch: Path) -> dict[str, Any]:
    """Arguments that make a peer's trainer comparable, and nothing else."""
    cuda = machine.device() == "cuda"
    return {
        "output_dir": str(scratch),
        "per_device_train_batch_size": scale.batch_size,
        "num_train_epochs": 1,
        "gradient_checkpointing": scale.checkpointing,
        "use_cpu": not cuda,
        "bf16": cuda,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }


def trl_sft(policy: Policy, rows: pd.DataFrame, scale: Scale, meter: Meter, scratch: Path) -> float:
    """TRL's SFT as it comes."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    trainer = SFTTrainer(
        model=policy.model,
        args=SFTConfig(max_length=scale.max_length, **_theirs(scale, scratch)),
        train_dataset=Dataset.from_pandas(rows[["prompt", "completion"]]),
        processing_class=policy.tokenizer,
        peft_config=_lora(),
    )
    meter.attach(trainer)
    trainer.train()
    return 0.0


def chunks(policy: Policy, rows: pd.DataFrame, scale: Scale, meter: Meter, scratch: Path) -> float:
    """Prompt and report cut into chunks, each padded to 512 tokens; every token is learnt."""
    from datasets import Dataset
    from peft import get_peft_model
    from transformers import DataCollatorForLanguageModeling, Trainer, TrainingArguments

    ids = policy.tokenizer((rows["prompt"] + rows["completion"]).tolist())["input_ids"]
    chunks = [one[at : at + CHUNK] for one in ids for at in range(0, len(one), CHUNK)]
    padded = policy.tokenizer.pad(
        {"input_ids": chunks}, padding="max_length", max_length=CHUNK, padding_side="right"
    )
    model = get_peft_model(policy.model, _lora())
    if scale.checkpointing:
        model.enable_input_require_grads()
    trainer = Trainer(
        model=model,
        args=TrainingArguments(**_theirs(scale, scratch)),
        train_dataset=Dataset.from_dict(dict(padded)),
        data_collator=DataCollatorForLanguageModeling(policy.tokenizer, mlm=False),
    )
    meter.attach(trainer)
    trainer.train()
    return 0.0


def trl_dpo(policy: Policy, rows: pd.DataFrame, scale: Scale, meter: Meter, scratch: Path) -> float:
    """TRL's DPO as it comes."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    trainer = DPOTrainer(
        model=policy.model,
        args=DPOConfig(max_length=scale.max_length, **_theirs(scale, scratch)),
        train_dataset=Dataset.from_pandas(rows[["prompt", "chosen", "rejected"]]),
        processing_class=policy.tokenizer,
        peft_config=_lora(),
    )
    meter.attach(trainer)
    trainer.train()
    return 0.0


def _lora() -> Any:
    from synthfr.training.common import Lora, lora_config

    return lora_config(Lora.model_validate(LORA))
