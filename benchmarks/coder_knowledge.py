"""How much of the rounds' gain a coder needs that has read such texts before.

``python -m benchmarks.coder_knowledge [--step step0 --step dpo3] [--seeds 3] [--epochs 12]``

After a run of the demo, in the checkout: the coder of `train_coder`, trained on the data sets of
some steps and judged on the private holdout, once with the model that the parameters name, and once
with the same architecture and tokenizer and random weights, which has read nothing. Where the gain
is there without knowledge and gone with it, the rounds taught what the model had read elsewhere.

The random model is trained `--epochs` times over the reports (the other as the parameters say):
with as many as the other it has hardly begun to learn.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import machine
from synthfr import coding, hub, records
from synthfr.coding import saved
from synthfr.models.adapters import FIRST_STEP
from synthfr.pipeline import layout
from synthfr.pipeline.parameters import load_params


def main(
    step: Annotated[list[str] | None, typer.Option(help="Default: step0 and the last.")] = None,
    seeds: int = 3,
    epochs: float = 12.0,
) -> None:
    """Print macro-F1 and mAP of each model, step and coder's seed."""
    params = load_params()
    steps = step or [FIRST_STEP, params.steps[-1]]
    holdout = records.read_table(layout.PRIVATE_HOLDOUT, records.REPORTS)
    space = coding.exported_space(records.read_table(layout.CODE_SETS, records.CODE_SETS))
    print(f"largest size and top k of classify; {machine.name()}")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        unread = _random(
            hub.resolve(params.train_coder.model or "", "train_coder.model"), place / "random"
        )
        own = params.train_coder.model_copy(update={"seeds": list(range(seeds))})
        fresh = own.model_copy(update={"model": str(unread), "epochs": epochs})
        for name, how in (("as the parameters name it", own), ("random weights", fresh)):
            for one in steps:
                reports = records.read_table(layout.synthetic_reports(one), records.SYNTHETIC)
                rest = (params.random_seed, place / "scratch", place / "saved")
                saved.train(reports, how, params.classify, space, *rest)
                cells, _ = saved.judge(place / "saved", holdout, params.classify)
                for cell in cells:
                    if cell["rule"] == params.classify.decision_rule:
                        told = f"macro-F1 {cell['macro_f1']:.3f}  mAP {cell['map']:.3f}"
                        print(f"{name:<26}{one:<8}seed {cell['seed']}  {told}", flush=True)


def _random(model: Path, folder: Path) -> Path:
    """The same configuration and tokenizer with random weights."""
    import torch
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(model, local_files_only=True, trust_remote_code=False)
    AutoModel.from_config(config, trust_remote_code=False).float().save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True, trust_remote_code=False)
    tokenizer.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    typer.run(main)
