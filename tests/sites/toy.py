"""One round's question about the toy documents of `tests.scoring.toy`, and what is around it."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from synthfr import records, signing
from synthfr.preferences import Pair
from synthfr.sites import scores
from synthfr.sites.exchanges import Question
from tests.scoring import toy as scoring_toy

SEED = 7
ROUNDS = ["dpo1", "dpo2"]
PARAMS: dict[str, Any] = {
    "random_seed": SEED,
    "pair": {"min_margin": 0.0, "max_pairs": None, "max_length_ratio": None},
    "score.release": "order",
    "score.evaluator.kind": "local",
    "score.evaluator.local": {"lsa_weight": 0.6, "lsa_dimensions": 4},
    "score.weights": {"similarity": 1.0, "bleu": 0.0},
}
PAIR = Pair.model_validate(PARAMS["pair"])


def keys(folder: Path, *names: str) -> list[Path]:
    """Private keys, their public halves beside them as ``<name>.pub``."""
    for name in names:
        signing.new_key(folder / name)
    return [folder / name for name in names]


def candidates(ids: list[str] = scoring_toy.IDS, word: str = "toux") -> pd.DataFrame:
    """Two for each prompt: the one is a piece of its document, the other is not."""
    rows = []
    for prompt_id in ids:
        document = scoring_toy.PRIVATE[scoring_toy.IDS.index(prompt_id)]
        for number, text in enumerate((document.split("Clin : ")[1], f"Examen : une {word}")):
            rows.append((prompt_id, number, text, 10 + number, 0.9, 1.0, 12, "stop"))
    names = ["prompt_id", "candidate", "text", "seed"]
    names += ["temperature", "top_p", "n_tokens", "finish_reason"]
    return pd.DataFrame(rows, columns=names).astype(
        {"candidate": "int8", "temperature": "float32", "top_p": "float32", "n_tokens": "int32"}
    )


def keyed() -> pd.DataFrame:
    """As the export makes them: their keywords are those of the prompts."""
    made = scoring_toy.keyed()
    made["keywords"] = scoring_toy.prompts()["keywords"]
    return made


def question(
    ids: list[str] = scoring_toy.IDS, word: str = "toux", round_: str = "dpo1", **params: Any
) -> Question:
    asked = candidates(ids, word)
    prompts = scoring_toy.prompts()
    made = scores.question(
        round_,
        PARAMS | params,
        scoring_toy.params(),
        candidates=asked,
        prompts=prompts[prompts["prompt_id"].isin(ids)],
        judgements=scoring_toy.judgements(asked),
        seed=scoring_toy.public(),
        codes=records.empty(records.CODES),
    )
    return replace(made, items=ROUNDS)


def answer(question: Question, keyed_: pd.DataFrame | None = None) -> scores.Scored:
    params = scoring_toy.params(release=question.params["score.release"])
    documents = keyed() if keyed_ is None else keyed_
    return scores.answer(question, documents, params, PAIR, SEED, Path("no secret"), 5)


def parts(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
