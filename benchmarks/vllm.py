"""Writing reports with vLLM: our engine against vLLM's own `generate`, and against the original's
way of asking it.

``python -m benchmarks.vllm [--base FOLDER] [--prompts 50]``

Four reports for each prompt, at temperatures 0.7, 0.9, 1.0 and 1.1. The first peer is
``vllm.LLM.generate`` with the same settings, called once with the same prompts, seeds and
temperatures. The second is how the original asks: one call for each temperature, with all prompts
and no seeds. Our transformers engine is shown beside. Each runs in a process of its own with one
thread, one after the other; seconds are CPU seconds (on a GPU: wall seconds), so that other work on
the machine does not count, and loading does not either; of three passes the fastest counts. Then
our engine and vLLM write the same greedy texts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import machine
from benchmarks.generation import (
    BATCH_SIZE,
    MAX_NEW_TOKENS,
    TEMPERATURES,
    prompts_of_demo,
    shipped_base,
)

_PASSES = 3
_GREEDY = 20  # texts compared

Texts = list[str]
Write = Callable[[Texts], int]
"""Writes all reports, returns the number of tokens with end-of-text tokens."""
Greedy = Callable[[Texts], Texts]


def main(
    base: Annotated[Path | None, typer.Option(help="Folder of a provided base model.")] = None,
    prompts: int = 50,
    only: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Compare tokens per second and peak memory."""
    if only and base:
        print(json.dumps(_measure(only, base, prompts_of_demo(prompts))))
        return
    result = compare(base, prompts)
    for name in CONTENDERS:
        row = result[name]
        print(
            f"{name:12} {row['tokens']:7} tokens in {row['seconds']:6.1f} s  "
            f"{row['tokens_per_s']:7.0f} tokens/s  peak {row['peak_memory_mib']:6.0f} MiB"
        )
    print(f"of raw vLLM    {result['of_raw']:.2f} (aim: at least 0.90)")
    print(f"to four calls  {result['to_four_calls']:.2f} (aim: above 1)")
    print(f"greedy texts   {result['same_greedy']} of {_GREEDY} are the same")


def compare(base: Path | None, prompts: int) -> dict[str, Any]:
    """Run all contenders on the same prompts; ratios are of tokens a second, ours to theirs."""
    with tempfile.TemporaryDirectory() as folder:
        base = base or shipped_base(Path(folder) / "base")
        result: dict[str, Any] = {name: measure(name, base, prompts) for name in CONTENDERS}
    greedy = [result[name].pop("greedy") for name in CONTENDERS]
    result["same_greedy"] = sum(ours == theirs for ours, theirs in zip(*greedy[:2], strict=True))
    rate = {name: result[name]["tokens_per_s"] for name in CONTENDERS}
    result["of_raw"] = rate["engine"] / rate["raw vLLM"]
    result["to_four_calls"] = rate["engine"] / rate["four calls"]
    return result


def measure(name: str, base: Path, prompts: int) -> dict[str, Any]:
    """One contender, in a process of its own: its rate, memory and greedy texts."""
    one_thread = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.vllm", "--only", name]
    command += ["--base", str(base), "--prompts", str(prompts)]
    done = subprocess.run(command, check=True, env=one_thread, stdout=subprocess.PIPE)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _measure(name: str, base: Path, prompts: Texts) -> dict[str, Any]:
    """One contender: its rate, memory, and its greedy texts (not counted)."""
    import resource

    passes = []
    with CONTENDERS[name](base) as (write, greedy):
        write(prompts[:1])  # what is set up once is set up before
        for _ in range(_PASSES):
            begin = machine.clock()
            tokens = write(prompts)
            passes.append((tokens, machine.clock() - begin))
        texts = greedy(prompts[:_GREEDY])
    tokens, seconds = max(passes, key=lambda one: one[0] / one[1])
    return {
        "tokens": tokens,
        "seconds": seconds,
        "tokens_per_s": tokens / seconds,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "greedy": texts,
    }


@contextmanager
def _engine(base: Path, name: str = "vllm") -> Iterator[tuple[Write, Greedy]]:
    from synthfr.engines import Request, open_engine
    from synthfr.models import policy_files
    from synthfr.pipeline.parameters import load_params

    params = load_params()
    how = params.generate.model_copy(update={"engine": name, "batch_size": BATCH_SIZE})

    with open_engine(how, params.engines, policy_files(base, []), Path("none")) as engine:

        def write(prompts: Texts) -> int:
            requests = [
                Request(f"{i}/{t}", prompt, i, t, max_new_tokens=MAX_NEW_TOKENS)
                for i, prompt in enumerate(prompts)
                for t in TEMPERATURES
            ]
            made = engine.generate(requests)
            return sum(one.n_tokens + (one.finish_reason == "stop") for one in made)

        def greedy(prompts: Texts) -> Texts:
            requests = [Request(str(i), prompt, 0, 0.0) for i, prompt in enumerate(prompts)]
            return [one.text for one in sorted(engine.generate(requests), key=lambda o: int(o.id))]

        yield write, greedy


@contextmanager
def _transformers(base: Path) -> Iterator[tuple[Write, Greedy]]:
    with _engine(base, "transformers") as made:
        yield made


@contextmanager
def _raw(base: Path, calls: bool = False) -> Iterator[tuple[Write, Greedy]]:
    """vLLM as anyone would call it, started with our settings."""
    from synthfr.engines.vllm import vllm_setup
    from synthfr.pipeline.parameters import load_params

    settings = load_params().engines.vllm
    with vllm_setup.environment():
        from vllm import SamplingParams

        llm = vllm_setup.load(base, None, settings, BATCH_SIZE)

        def ask(prompts: Texts, sampling: Any) -> list[Any]:
            answers = llm.generate(prompts, sampling, use_tqdm=False)
            return [answer.outputs[0] for answer in answers]

        def write(prompts: Texts) -> int:
            llm.reset_prefix_cache()
            if calls:
                made = []
                for t in TEMPERATURES:
                    made += ask(prompts, SamplingParams(temperature=t, max_tokens=MAX_NEW_TOKENS))
            else:
                each = [(i, prompt, t) for i, prompt in enumerate(prompts) for t in TEMPERATURES]
                made = ask(
                    [prompt for _, prompt, _ in each],
                    [
                        SamplingParams(seed=i, temperature=t, max_tokens=MAX_NEW_TOKENS)
                        for i, _, t in each
                    ],
                )
            return sum(len(one.token_ids) for one in made)

        def greedy(prompts: Texts) -> Texts:
            made = ask(prompts, SamplingParams(temperature=0, max_tokens=MAX_NEW_TOKENS))
            return [one.text for one in made]

        yield write, greedy
        llm.llm_engine.engine_core.shutdown()


@contextmanager
def _four_calls(base: Path) -> Iterator[tuple[Write, Greedy]]:
    with _raw(base, calls=True) as made:
        yield made


CONTENDERS = {
    "engine": _engine,
    "raw vLLM": _raw,
    "four calls": _four_calls,
    "transformers": _transformers,
}

if __name__ == "__main__":
    typer.run(main)
