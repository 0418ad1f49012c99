"""Writing reports: our transformers engine against transformers' own `generate`.

``python -m benchmarks.generation [--base FOLDER] [--prompts 50]``

Four reports for each prompt, at temperatures 0.7, 0.9, 1.0 and 1.1, from the shipped base or a
provided one. The peer is a loop that calls `generate` once for every report, as scripts commonly
do; it writes a share of the reports, as its rate does not depend on their number. `generate` on
batches of 200, which can only have one temperature each, is shown beside. Each runs in a process of
its own with one thread, one after the other; seconds are CPU seconds (on a GPU: wall seconds), so
that other work on the machine does not count, and loading does not either. Then both write the same
greedy texts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmarks import machine

if TYPE_CHECKING:
    from synthfr.models import Policy

TEMPERATURES = (0.7, 0.9, 1.0, 1.1)
MAX_NEW_TOKENS = 256
BATCH_SIZE = 200
KEYWORDS = 3
_GREEDY = 20  # texts compared

Texts = list[str]


@dataclass(frozen=True)
class Task:
    """What is written: reports of up to so many tokens for each prompt, one a temperature."""

    prompts: Texts
    max_new_tokens: int = MAX_NEW_TOKENS
    loop_share: int = 10  # of the reports, one in so many is written by the loop


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
            f"{name:16} {row['tokens']:7} tokens in {row['seconds']:6.1f} s  "
            f"{row['tokens_per_s']:7.0f} tokens/s  peak {row['peak_memory_mib']:6.0f} MiB"
        )
    print(f"ratio            {result['ratio']:.1f} (aim: at least 5)")
    print(f"greedy texts     {result['same_greedy']} of {_GREEDY} are the same")


def compare(base: Path | None, prompts: int) -> dict[str, Any]:
    """Run all contenders on the same prompts; ratio: ours to the loop's, in tokens a second."""
    with tempfile.TemporaryDirectory() as folder:
        base = base or shipped_base(Path(folder) / "base")
        result: dict[str, Any] = {}
        one_thread = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        for name in CONTENDERS:
            command = [sys.executable, "-m", "benchmarks.generation", "--only", name]
            command += ["--base", str(base), "--prompts", str(prompts)]
            done = subprocess.run(command, check=True, env=one_thread, stdout=subprocess.PIPE)
            result[name] = json.loads(done.stdout.splitlines()[-1])
    texts = [result[name].pop("greedy") for name in CONTENDERS]
    result["same_greedy"] = sum(ours == theirs for ours, theirs in zip(*texts[:2], strict=True))
    result["ratio"] = result["engine"]["tokens_per_s"] / result["generate loop"]["tokens_per_s"]
    return result


def shipped_base(out: Path) -> Path:
    """The base that ships with the package, provided at `out`."""
    from synthfr.models.base import Base, provide

    provide(Base(source="tiny", path=None, repo_id=None, revision=None, allow_download=False), out)
    return out


def prompts_of_demo(n: int) -> Texts:
    """Prompts for random synonyms of the demo's codes."""
    from synthfr import prompts, seeding
    from synthfr.corpora.demo.knowledge import knowledge

    terms = [name for category in knowledge() for name in category.names]
    made = []
    for index in range(n):
        drawn = seeding.rng(0, "benchmark", index).choice(terms, KEYWORDS, replace=False)
        made.append(prompts.render([str(term) for term in drawn], "plain", "fr"))
    return made


def _measure(name: str, base: Path, prompts: Texts) -> dict[str, Any]:
    """One contender: its rate, memory, and its greedy texts (not counted)."""
    import torch

    from synthfr.models import load_policy

    torch.set_num_threads(1)
    policy = load_policy(base, [])
    figures = measure(name, policy, Task(prompts))
    greedy = GREEDY[name](policy, prompts[:_GREEDY]) if name in GREEDY else None
    return figures | {"greedy": greedy}


def measure(name: str, policy: Policy, task: Task) -> dict[str, Any]:
    """One contender's seconds, tokens and memory, in this process."""
    contender = CONTENDERS[name]
    contender(policy, replace(task, prompts=task.prompts[:1]))  # what is set up once comes before
    begin = machine.now()
    tokens = contender(policy, task)
    seconds = machine.now() - begin
    return {
        "tokens": tokens,
        "seconds": seconds,
        "tokens_per_s": tokens / seconds,
        "peak_memory_mib": machine.peak_gib() * 1024,
    }


def _engine(policy: Policy, task: Task) -> int:
    from synthfr.engines import Request
    from synthfr.engines.transformers.transformers_engine import TransformersEngine

    requests = [
        Request(f"{i}/{t}", prompt, i, t, max_new_tokens=task.max_new_tokens)
        for i, prompt in enumerate(task.prompts)
        for t in TEMPERATURES
    ]
    made = TransformersEngine(policy, BATCH_SIZE).generate(requests)
    return sum(one.n_tokens + (one.finish_reason == "stop") for one in made)


def _engine_greedy(policy: Policy, prompts: Texts) -> Texts:
    from synthfr.engines import Request
    from synthfr.engines.transformers.transformers_engine import TransformersEngine

    requests = [Request(str(i), prompt, 0, 0.0) for i, prompt in enumerate(prompts)]
    made = TransformersEngine(policy, BATCH_SIZE).generate(requests)
    return [one.text for one in sorted(made, key=lambda one: int(one.id))]


def _loop(policy: Policy, task: Task) -> int:
    import torch

    torch.manual_seed(0)
    asked = [(prompt, t) for prompt in task.prompts for t in TEMPERATURES][:: task.loop_share]
    return sum(
        len(_generate(policy, [prompt], task.max_new_tokens, **_sampled(t))[0])
        for prompt, t in asked
    )


def _loop_greedy(policy: Policy, prompts: Texts) -> Texts:
    return [
        policy.tokenizer.decode(
            _generate(policy, [prompt], MAX_NEW_TOKENS, do_sample=False)[0],
            skip_special_tokens=True,
        )
        for prompt in prompts
    ]


def _batched(policy: Policy, task: Task) -> int:
    import torch

    torch.manual_seed(0)
    asked = sorted(task.prompts * len(TEMPERATURES), key=len)
    tokens = 0
    for start in range(0, len(asked), BATCH_SIZE):
        batch = asked[start : start + BATCH_SIZE]
        written = _generate(policy, batch, task.max_new_tokens, **_sampled(TEMPERATURES[1]))
        tokens += sum(map(len, written))
    return tokens


def _sampled(temperature: float) -> dict[str, Any]:
    return {"do_sample": True, "top_k": 0, "temperature": temperature}


def _generate(
    policy: Policy, prompts: Texts, max_new_tokens: int, **sampling: Any
) -> list[list[int]]:
    """New tokens of each prompt, with the first end-of-text token and without what follows it."""
    given = policy.tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left")
    written = policy.model.generate(
        input_ids=given["input_ids"].to(policy.model.device),
        attention_mask=given["attention_mask"].to(policy.model.device),
        max_new_tokens=max_new_tokens,
        pad_token_id=policy.tokenizer.pad_token_id,
        **sampling,
    )
    end = policy.tokenizer.eos_token_id
    rows: list[list[int]] = written[:, given["input_ids"].shape[1] :].tolist()
    return [row[: row.index(end) + 1] if end in row else row for row in rows]


CONTENDERS = {"engine": _engine, "generate loop": _loop, "generate batched": _batched}
GREEDY = {"engine": _engine_greedy, "generate loop": _loop_greedy}

if __name__ == "__main__":
    typer.run(main)
