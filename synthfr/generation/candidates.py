"""Candidates of a round: several reports for each of a sample of the private side's prompts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from synthfr import seeding
from synthfr.engines.chunks import complete
from synthfr.engines.engine_settings import Sampling
from synthfr.engines.protocol import Engine, Request
from synthfr.errors import UserError
from synthfr.repetition import within_groups
from synthfr.section import NonNegative, without_doubles

if TYPE_CHECKING:
    import pandas as pd


# [low, high]; YAML has no tuples
Range = Annotated[tuple[NonNegative, NonNegative], Field(strict=False)]


class Generate(Sampling):
    """Parameters `generate`: see the comments in params.yaml."""

    temperatures: Annotated[list[NonNegative | Range], Field(min_length=2, max_length=100)] = [
        0.7,
        0.9,
        1.0,
        1.1,
    ]
    temperature_draws: Literal["candidate", "column"] = "candidate"
    prompt_choice: Literal["drawn", "first"] = "drawn"

    @field_validator("temperatures")
    @classmethod
    def _one_candidate_each(cls, plan: list[float | Range]) -> list[float | Range]:
        without_doubles([entry for entry in plan if not isinstance(entry, tuple)])
        return plan

    @model_validator(mode="after")
    def _ranges_rise(self) -> Generate:
        for entry in self.temperatures:
            if isinstance(entry, tuple) and entry[0] > entry[1]:
                raise ValueError(f"temperatures: write the range {list(entry)} as [low, high]")
        return self


def candidate_requests(
    prompts: pd.DataFrame,
    params: Generate,
    *,
    round_name: str,
    n_prompts: int,
    random_seed: int,
) -> list[Request]:
    """What to ask for in a round: for `n_prompts` of the PROMPTS, a candidate for each entry of
    ``params.temperatures``.

    Which prompts, which temperatures out of a range and which sampling seeds depend on the
    round's name, the prompt's id and the candidate's number only; with ``prompt_choice: first``
    every round has the same prompts, with ``temperature_draws: column`` all candidates of one
    number in a round have the same temperature. With fewer prompts than asked for, all are used,
    and a line on stderr says so. Sorted by prompt and candidate; the id is ``prompt/candidate``.
    """
    import numpy as np

    if prompts.empty:
        raise UserError("There are no prompts to generate from: lower keywords.min_documents.")
    if len(prompts) < n_prompts:
        print(
            f"generate: rounds.{round_name}.prompts asks for {n_prompts} prompts, the private side "
            f"exports {len(prompts)}: all are used.",
            file=sys.stderr,
            flush=True,
        )
    texts = dict(zip(prompts["prompt_id"], prompts["prompt"], strict=True))
    # the table's precision: what is recorded is what is used
    top_p = float(np.float32(params.top_p))
    if params.prompt_choice == "first":
        chosen = sorted(texts)[:n_prompts]
    else:
        chosen = sample_ids(texts, n_prompts, random_seed, round_name)
    by_column = params.temperature_draws == "column"
    return [
        Request(
            id=f"{prompt_id}/{number}",
            prompt=texts[prompt_id],
            seed=seeding.derive(random_seed, "candidate", round_name, prompt_id, number),
            temperature=temperature(
                entry, random_seed, round_name, None if by_column else prompt_id, number
            ),
            top_p=top_p,
            top_k=params.top_k,
            max_new_tokens=params.max_new_tokens,
        )
        for prompt_id in chosen
        for number, entry in enumerate(params.temperatures)
    ]


def candidates(
    requests: Sequence[Request], engine: Engine, chunk_size: int, scratch: Path
) -> pd.DataFrame:
    """CANDIDATES for `candidate_requests`, in their order. `scratch` keeps finished chunks."""
    import pandas as pd

    completions = complete(engine, requests, chunk_size, scratch)
    rows = []
    for request in requests:
        prompt_id, _, number = request.id.rpartition("/")
        written = completions[request.id]
        rows.append(
            {
                "prompt_id": prompt_id,
                "candidate": int(number),
                "text": written.text,
                "seed": written.seed,
                "temperature": written.temperature,
                "top_p": written.top_p,
                "n_tokens": written.n_tokens,
                "finish_reason": written.finish_reason,
            }
        )
    return pd.DataFrame(rows)


def sample_ids(
    ids: Sequence[str] | dict[str, Any], n: int, seed: int, round_name: str
) -> list[str]:
    """`n` of the ids (all, if there are fewer), another sample in each round, sorted.

    Each id has its own random rank, so the sample does not depend on the order of the table.
    """
    ranked = sorted(ids, key=lambda name: (seeding.derive(seed, "prompts", round_name, name), name))
    return sorted(ranked[:n])


def temperature(
    entry: float | tuple[float, float],
    seed: int,
    round_name: str,
    prompt_id: str | None,
    candidate: int,
) -> float:
    """A number of the plan as it is, or one drawn evenly from its [low, high], to two digits; in
    float32, the table's precision. `prompt_id` None: one draw for the round's whole column.
    """
    import numpy as np

    if isinstance(entry, tuple):
        generator = seeding.rng(seed, "temperature", round_name, prompt_id, candidate)
        entry = round(float(generator.uniform(*entry)), 2)
    return float(np.float32(entry))


DIVERSITY_PROMPTS = 1000  # as many tell a mean to a few thousandths, in seconds
DISTINCT_WORDS = 2


def candidates_summary(table: pd.DataFrame) -> dict[str, float]:
    """What to look at after a round's generation: counts, lengths, how many were cut, and how much
    the candidates of one prompt repeat each other: ``prompt_self_bleu`` and
    ``prompt_distinct_2_words``, means over 1000 prompts at most. Candidates that are all alike give
    DPO nothing to choose from.
    """
    found = {
        "prompts": int(table["prompt_id"].nunique()),
        "candidates": len(table),
        "tokens": int(table["n_tokens"].sum()),
        "tokens_per_candidate": float(table["n_tokens"].mean()),
        "cut_share": float((table["finish_reason"] == "length").mean()),
        "empty": int((table["text"].str.strip() == "").sum()),
        "distinct_share": float(table["text"].nunique() / len(table)),
    }
    texts, prompts = table["text"].tolist(), table["prompt_id"].tolist()
    diversity = within_groups(texts, prompts, DISTINCT_WORDS, DIVERSITY_PROMPTS)
    if diversity is not None:
        found["prompt_self_bleu"], found["prompt_distinct_2_words"] = diversity
    return found
