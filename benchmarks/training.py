"""Training speed: ours against TRL's defaults and against the original's padded chunks.

``python -m benchmarks.training [--model tiny|qwen3-4b] [--rows 96]``

The same rows, LoRA (r 32 on q, k, v, o), batch size and precision for all, one process each, one
after the other: a GPU in bfloat16 where there is one, else one CPU thread in float32. Contenders,
SFT: ours without padding; ours packed; TRL's trainer as it comes; 512-token chunks, each padded, as
in the original. DPO: ours, without padding, reference log-probabilities computed beforehand; TRL's
trainer as it comes, which computes them in every step. Weights are random (`qwen3-4b`: Qwen3-4B's
architecture), lengths are log-normal like those of reports.

Only tokens that are no padding count, for everyone; loading, the first step and checkpoints do not.
MFU counts 4 N floating-point operations a token, not 6 N: LoRA needs no gradients of the N frozen
weights (those of the head count for scored tokens only), plus 6 L d l² for causal attention over a
sequence of l tokens in L layers of width d. The adapter's own, the reference's and what gradient
checkpointing computes twice are not counted. The peak is the GPU's in dense bfloat16, or what one
matrix product reaches here.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.models import Policy

PEAK_FLOPS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12}
CHUNK = 512  # tokens, of the original
QWEN3_4B = {
    "vocab_size": 151936,
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": True,
}


@dataclass(frozen=True)
class Scale:
    """What is trained: median tokens of a report, spread of their logarithm, most tokens."""

    median_tokens: int
    spread: float
    max_length: int
    checkpointing: bool
    batch_size: int = 8  # TRL's default


SCALES = {
    "tiny": Scale(250, 0.5, 1024, checkpointing=False),
    "qwen3-4b": Scale(600, 0.5, 3400, checkpointing=True),
}


@dataclass
class Meter:
    """Counts what a trainer trains on, from its second step on."""

    work: Callable[[Any, Any], float]  # lengths, scored tokens -> floating-point operations
    tokens: int = 0
    computed: int = 0
    flops: float = 0.0
    seconds: float = 0.0
    steps: int = 0
    lays_end_to_end: bool = False  # computes no padding, whatever the batch has
    _begun: float = field(default=0.0, repr=False)

    def attach(self, trainer: Any) -> None:
        """Watch the trainer's steps, by its own entry points."""
        from transformers import TrainerCallback

        step, meter = trainer.training_step, self

        def counted(model: Any, inputs: dict[str, Any], *rest: Any) -> Any:
            if meter._begun:
                meter._count(inputs)
            return step(model, inputs, *rest)

        class Clock(TrainerCallback):  # type: ignore[misc]
            def on_step_end(self, *args: Any, **kwargs: Any) -> None:
                now = _now()
                if meter._begun:
                    meter.steps += 1
                    meter.seconds = now - meter._begun
                else:
                    meter._begun = now

        trainer.training_step = counted
        trainer.add_callback(Clock())

    def _count(self, inputs: dict[str, Any]) -> None:
        if "cu_seq_lens_q" in inputs:
            lengths = inputs["cu_seq_lens_q"].diff()
        else:
            lengths = inputs["attention_mask"].sum(dim=1)
        scored = inputs.get("completion_mask")
        n_scored = (inputs["labels"] != -100 if scored is None else scored).sum()
        self.tokens += int(lengths.sum())
        own = self.lays_end_to_end
        self.computed += int(lengths.sum()) if own else inputs["input_ids"].numel()
        self.flops += self.work(lengths.tolist(), int(n_scored))


def main(
    model: Annotated[str, typer.Option(help=f"{' or '.join(SCALES)}.")] = "",
    rows: Annotated[int, typer.Option(min=24, help="Reports, and pairs.")] = 96,
    only: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Compare tokens a second, MFU and peak memory."""
    if only:
        print(json.dumps(measure(only, model, rows)))
        return
    import torch

    model = model or ("qwen3-4b" if torch.cuda.is_available() else "tiny")
    result = compare(model, rows)
    print(f"{model}: {rows} rows, {result['ours']['device']}")
    for name in CONTENDERS:
        row = result[name]
        print(
            f"{name:14} {row['tokens']:8} tokens in {row['seconds']:7.1f} s "
            f"{row['tokens_per_s']:9.0f} tokens/s  MFU {row['mfu']:6.1%}  "
            f"padding {row['padding']:5.1%}  peak {row['peak_gib']:6.2f} GiB"
            + (f"  reference {row['reference_s']:.1f} s, once" if row["reference_s"] else "")
        )
    for peer, aim in (("TRL", None), ("512 chunks", 2.0)):
        print(f"SFT against {peer}: {_ratio(result, 'ours', peer):.2f}" + _aim(aim))
    print(f"DPO against TRL: {_ratio(result, 'DPO ours', 'DPO TRL'):.2f}" + _aim(1.5))


def _ratio(result: dict[str, Any], ours: str, theirs: str) -> float:
    ratio: float = result[ours]["tokens_per_s"] / result[theirs]["tokens_per_s"]
    return ratio


def _aim(aim: float | None) -> str:
    return f" (aim: at least {aim})" if aim else ""


def compare(model: str, rows: int) -> dict[str, Any]:
    """Figures of every contender, each measured in a process of its own."""
    one_thread = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    result = {}
    for name in CONTENDERS:
        command = [sys.executable, "-m", "benchmarks.training", "--only", name]
        command += ["--model", model, "--rows", str(rows)]
        done = subprocess.run(command, check=True, env=one_thread, stdout=subprocess.PIPE)
        result[name] = json.loads(done.stdout.splitlines()[-1])
    return result


def measure(contender: str, model: str, n_rows: int) -> dict[str, Any]:
    """One contender's figures, in this process."""
    import torch

    from synthfr.training import common

    torch.set_num_threads(1)
    common.quiet_libraries()
    scale, cuda = SCALES[model], torch.cuda.is_available()
    policy = _policy(model)
    frozen = sum(one.numel() for one in policy.model.parameters())
    config = policy.model.config
    head = config.vocab_size * config.hidden_size
    body = frozen - head if config.tie_word_embeddings else frozen - 2 * head
    width = config.num_attention_heads * config.head_dim

    def work(lengths: list[int], scored: int) -> float:
        attention = 6 * config.num_hidden_layers * width * sum(one**2 for one in lengths)
        return 4 * body * sum(lengths) + 4 * head * scored + attention

    meter = Meter(work)
    with tempfile.TemporaryDirectory() as scratch:
        reference_s = CONTENDERS[contender](
            policy, _rows(scale, n_rows), scale, meter, Path(scratch)
        )
    return {
        "device": torch.cuda.get_device_name() if cuda else "CPU, one thread",
        "tokens": meter.tokens,
        "steps": meter.steps,
        "seconds": meter.seconds,
        "tokens_per_s": meter.tokens / meter.seconds,
        "padding": 1 - meter.tokens / meter.computed,
        "mfu": meter.flops / meter.seconds / _peak_flops(),
        "peak_gib": _peak_gib(),
        "reference_s": reference_s,
    }


def _policy(model: str) -> Policy:
    """Random weights with the shipped tokenizer, whose ids any vocabulary has."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, Qwen3Config

    from synthfr.models import Policy
    from synthfr.models.base import TINY_BASE

    torch.manual_seed(0)
    shipped = model == "tiny"
    config = AutoConfig.from_pretrained(TINY_BASE) if shipped else Qwen3Config(**QWEN3_4B)
    cuda = torch.cuda.is_available()
    with torch.device("cuda" if cuda else "cpu"):
        made = AutoModelForCausalLM.from_config(
            config, dtype=torch.bfloat16 if cuda else torch.float32
        )
    tokenizer = AutoTokenizer.from_pretrained(TINY_BASE, local_files_only=True)
    return Policy(made, tokenizer, ())


def _rows(scale: Scale, n: int) -> pd.DataFrame:
    """SFT and preference columns in one table: made-up reports of random terms."""
    import pandas as pd

    from synthfr import prompts, seeding
    from synthfr.corpora.demo.knowledge import knowledge

    terms = [name for category in knowledge() for name in category.names]
    rows = []
    for number in range(n):
        draw = seeding.rng(0, "benchmark", number)
        texts = []
        for _ in range(2):
            length = scale.median_tokens * math.exp(scale.spread * draw.standard_normal())
            # a term has some 3 tokens
            texts.append(", ".join(map(str, draw.choice(terms, max(2, round(length / 3))))))
        keywords = [str(one) for one in draw.choice(terms, 3, replace=False)]
        rows.append(
            {
                "report_id": f"r{number:05d}",
                "prompt_id": f"r{number:05d}",
                "prompt": prompts.render(keywords, "plain", "fr"),
                "completion": texts[0],
                "chosen": texts[0],
                "rejected": texts[1],
            }
        )
    return pd.DataFrame(rows)


def _params(scale: Scale, batching: str) -> dict[str, Any]:
    import torch

    return {
        "batch_size": scale.batch_size,
        "device_batch_size": scale.batch_size,
        "max_length": scale.max_length,
        "lora": LORA,
        "warmup_ratio": 0.1,
        "weight_decay": 0.0,
        "validation_share": 0.0,
        "checkpoint_every_steps": 10**6,
        "precision": "bfloat16" if torch.cuda.is_available() else "float32",
        "quantisation": "none",
        "gradient_checkpointing": scale.checkpointing,
        "liger": False,
        "batching": batching,
        "distributed": {"processes": 1, "strategy": "ddp"},
    }


LORA: dict[str, Any] = {
    "r": 32,
    "alpha": 64,
    "dropout": 0.0,
    "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"],
}


def _watch(meter: Meter) -> None:
    """Let the meter see the trainers of our own trainings, just before they run."""
    from synthfr.training import common

    run = common.run
    meter.lays_end_to_end = True

    def watched(trainer: Any, *rest: Any) -> None:
        meter.attach(trainer)
        run(trainer, *rest)

    common.run = watched


def _ours(
    policy: Policy, rows: pd.DataFrame, scale: Scale, meter: Meter, scratch: Path, batching: str
) -> float:
    from synthfr.training import sft
    from synthfr.training.sft import Sft

    teacher = {"path": "none", "columns": {}, "list_separator": ",", "share": 0.0}
    own: dict[str, Any] = {"epochs": 1, "learning_rate": 1e-5, "teacher": teacher}
    if batching == "packed":  # rows are longer, so fewer make a step of as many tokens
        share = 1.2 * scale.median_tokens / scale.max_length
        own["batch_size"] = own["device_batch_size"] = max(1, round(scale.batch_size * share))
    _watch(meter)
    sft.train(rows, policy, Sft.model_validate(_params(scale, batching) | own), 0, scratch)
    return 0.0


def _ours_dpo(
    policy: Policy, rows: pd.DataFrame, scale: Scale, meter: Meter, scratch: Path
) -> float:
    from synthfr.training import dpo
    from synthfr.training.dpo import Dpo, Round
    from synthfr.training.trl_seam import dpo_trainer

    own = {
        "beta": 0.1,
        "loss_type": ["sigmoid"],
        "loss_weights": [1.0],
        "max_truncated_share": 1.0,
        "max_chosen_logp_drop": 100.0,
    }
    round_ = Round(parent="step0", prompts=1, learning_rate=5e-6, epochs=1)
    took: list[float] = []
    add_reference = dpo_trainer.add_reference

    def timed(*arguments: Any) -> None:
        begun = _now()
        add_reference(*arguments)
        took.append(_now() - begun)

    dpo_trainer.add_reference = timed
    _watch(meter)
    params = Dpo.model_validate(_params(scale, "padding_free") | own)
    dpo.train(rows, policy, params, round_, 0, scratch)
    return sum(took)


def _theirs(scale: Scale, scratch: Path) -> dict[str, Any]:
    """Arguments that make a peer's trainer comparable, and nothing else."""
    import torch

    cuda = torch.cuda.is_available()
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


def _trl_sft(
    policy: Policy, rows: pd.DataFrame, scale: Scale, meter: Meter, scratch: Path
) -> float:
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


def _chunks(policy: Policy, rows: pd.DataFrame, scale: Scale, meter: Meter, scratch: Path) -> float:
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


def _trl_dpo(
    policy: Policy, rows: pd.DataFrame, scale: Scale, meter: Meter, scratch: Path
) -> float:
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


def _now() -> float:
    """Seconds of wall clock on a GPU, of CPU time elsewhere: other work does not count there."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def _peak_flops() -> float:
    import torch

    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        known = [flops for part, flops in PEAK_FLOPS.items() if part in name]
        if known:
            return known[0]
    size = 4096 if torch.cuda.is_available() else 1024
    dtype = torch.bfloat16 if torch.cuda.is_available() else torch.float32
    one = torch.randn(size, size).to("cuda" if torch.cuda.is_available() else "cpu", dtype)
    one @ one
    begun, times = _now(), 10
    for _ in range(times):
        one @ one
    return times * 2 * size**3 / (_now() - begun)


def _peak_gib() -> float:
    import resource

    import torch

    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated() / 2**30)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


CONTENDERS: dict[str, Callable[..., float]] = {
    "ours": partial(_ours, batching="padding_free"),
    "ours packed": partial(_ours, batching="packed"),
    "TRL": _trl_sft,
    "512 chunks": _chunks,
    "DPO ours": _ours_dpo,
    "DPO TRL": _trl_dpo,
}

if __name__ == "__main__":
    typer.run(main)
