"""A LoRA adapter in MLflow is loaded as the README shows it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from synthfr.pipeline.tracking import Tracker
from tests import tiny


def test_an_adapter_in_mlflow_can_be_loaded(
    tracker: Tracker, shown: Callable[..., list[Any]], tmp_path: Path
) -> None:
    import torch
    from mlflow.artifacts import download_artifacts
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = tiny.base(tmp_path / "models" / "base")
    folder = tmp_path / "models" / "step0"
    tiny.adapter(folder, base, "step0")
    with tracker.run("sft", {}, {}) as run:
        run.log_artifacts(folder, "adapter")
    run_id = shown("sft")[0].info.run_id
    shutil.rmtree(folder)  # what is loaded comes from MLflow

    tokens = torch.arange(1, 9)[None]
    model = AutoModelForCausalLM.from_pretrained(base)
    with torch.no_grad():
        bare = model(tokens).logits
        uri = f"runs:/{run_id}/adapter"
        adapter = download_artifacts(uri, tracking_uri=tracker.store.uri)
        model = PeftModel.from_pretrained(model, adapter)
        adapted = model(tokens).logits
        with model.disable_adapter():  # negative control: without it there is the bare base
            assert torch.equal(model(tokens).logits, bare)
    assert (adapted - bare).abs().max() > 1e-3
