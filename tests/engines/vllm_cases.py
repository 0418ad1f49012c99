"""What the tests of the vLLM engine share: a policy, requests and settings."""

from pathlib import Path
from typing import Any

from synthfr.engines import Completion, Engine, Request
from synthfr.engines.engine_settings import Engines, Sampling
from synthfr.models import ModelFiles, policy_files
from synthfr.pipeline.parameters import load_params
from tests import tiny

PROMPTS = [
    "Patient de 67 ans",
    "fièvre",
    "Mots-clés : hypertension artérielle, diabète de type 2",
    "L'examen retrouve une pression artérielle élevée.",
    "é",
]
HIDDEN = 128  # four heads of 32, the smallest that vLLM's attention takes on the CPU


def policy(folder: Path) -> ModelFiles:
    """A base in `folder` and two adapters, one on the other."""
    base = tiny.base(folder / "base", hidden=HIDDEN)
    step0 = tiny.adapter(folder / "step0", base, "step0", seed=1)
    dpo1 = tiny.adapter(folder / "dpo1", base, "dpo1", step0, seed=2)
    return policy_files(base, [step0, dpo1])


def settings(batch_size: int = 8, **vllm: Any) -> tuple[Sampling, Engines]:
    params = load_params()
    how = params.generate.model_copy(update={"engine": "vllm", "batch_size": batch_size})
    own = params.engines.vllm.model_copy(update=vllm)
    return how, params.engines.model_copy(update={"vllm": own})


def requests(n: int = 20, **sampling: Any) -> list[Request]:
    given = {"temperature": 0.9, "max_new_tokens": 24} | sampling
    return [Request(f"r{i:02}", PROMPTS[i % len(PROMPTS)], seed=i, **given) for i in range(n)]


def write(engine: Engine, asked: list[Request]) -> dict[str, Completion]:
    return {done.id: done for done in engine.generate(asked)}


def greedy() -> list[Request]:
    return requests(temperature=0.0, max_new_tokens=40)
