"""A prompt without a chat template is the same tokens to SFT, to DPO and to the engine, whatever
the template: shipped ones, the published form, a file of the user's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthfr import prompts
from tests import tiny
from tests.training import small

Until = Callable[[Callable[[], Any]], Any]
# the prompt may end with a newline, a blank, or in the middle of a line
FILES = {"newline": "# {keywords}\n", "blank": "{keywords} -> ", "word": "Rapport ({keywords})"}


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.base(tmp_path_factory.mktemp("roomy") / "base", context=1024)


@pytest.fixture(params=["plain", "instruct", "published", *FILES])
def template(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param not in FILES:
        return str(request.param)
    path = tmp_path / "own.txt"
    path.write_text(FILES[request.param])
    return str(path)


def _rendered(rows: pd.DataFrame, template: str) -> pd.DataFrame:
    keywords = small.reports()["keywords"]
    return rows.assign(prompt=[prompts.render(one, template, "fr") for one in keywords])


def _asked(base: Path, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """What the engine gives the model for each prompt."""
    from synthfr.engines.protocol import Request
    from synthfr.engines.transformers import transformers_engine
    from synthfr.models import load_policy

    batches: list[list[int]] = []
    decode = transformers_engine.decode

    def spied(model: Any, batch: list[list[int]], *rest: Any) -> Any:
        batches.extend(batch)
        return decode(model, batch, *rest)

    monkeypatch.setattr(transformers_engine, "decode", spied)
    engine = transformers_engine.TransformersEngine(load_policy(base, []), 1)
    asked = [Request(text, text, 0, 1.0, 1.0, 0, 1) for text in texts]
    given = {written.id: batches[-1] for written in engine.generate(asked)}
    assert len(given) == len(batches) == len(texts)
    return given


def test_training_and_generation_read_the_same_tokens(
    template: str,
    roomy: Path,
    tmp_path: Path,
    before_training: Until,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, pairs = (_rendered(one, template) for one in (small.reports(), small.pairs()))
    given = _asked(roomy, rows["prompt"].tolist(), monkeypatch)
    texts = rows.set_index("report_id")
    how = {"max_length": 900, "validation_share": 0.0}
    sft = before_training(lambda: small.train("sft", roomy, tmp_path / "sft", rows=rows, **how))
    dpo = before_training(lambda: small.train("dpo", roomy, tmp_path / "dpo", rows=pairs, **how))
    decode = sft.processing_class.decode
    for row in sft.train_dataset:
        own = texts.loc[row["report_id"]]
        n_prompt = row["labels"].count(-100)
        assert row["input_ids"][:n_prompt] == given[own["prompt"]]
        assert decode(row["input_ids"]) == f"{own['prompt']}{own['completion']}<|endoftext|>"
    for row in dpo.train_dataset:
        own = texts.loc[row["prompt_id"]]
        assert row["prompt_ids"] == given[own["prompt"]]
        assert decode(row["chosen_ids"]) == f"{own['completion']}<|endoftext|>"
    assert len(sft.train_dataset) == len(dpo.train_dataset) == len(rows)
    # the control: a prompt whose end differs by a newline is other tokens
    one = rows["prompt"].iloc[0]
    assert list(sft.processing_class(one + "\n")["input_ids"]) != given[one]


@pytest.mark.parametrize("batching", ["padded", "chunked"])
def test_the_published_form_is_trained_on(batching: str, roomy: Path, tmp_path: Path) -> None:
    rows = _rendered(small.reports(), "published")
    published = {
        "loss": "all", "batching": batching, "schedule": "cosine", "epochs": 4,
        "max_length": 128 if batching == "chunked" else 900,
    }  # fmt: skip
    history = small.train("sft", roomy, tmp_path, rows=rows, **published).history
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
