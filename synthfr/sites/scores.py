"""The exchange of scores: a round's candidates go in, and what `score.release` lets out comes back.

Inside, the scores are those of the stages `score` and `release`, by the same functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synthfr import records, redact, seeding
from synthfr.errors import UserError
from synthfr.scoring import release
from synthfr.scoring.patients import patient_known
from synthfr.scoring.scores import Score, score
from synthfr.sites.exchanges import Answer, Question, check_asked
from synthfr.sites.manifest import Manifest

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.preferences import Pair


@dataclass(frozen=True)
class Scored:
    """`scores` (PRIVATE_SCORES) stay on the private side; `answer` leaves. `told`: a line about it
    for who sends it.
    """

    scores: pd.DataFrame
    answer: Answer
    told: str

    @property
    def entry(self) -> int:
        """Of the ledger, that the answer's noise is written down under; without noise 0."""
        return int(self.answer.measures["release"].get("dp", {}).get("ledger_entry", 0))


def question(
    round_: str,
    counted: Mapping[str, Any],
    params: Score,
    *,
    candidates: pd.DataFrame,
    prompts: pd.DataFrame,
    judgements: pd.DataFrame,
    seed: pd.DataFrame,
    codes: pd.DataFrame,
) -> Question:
    """About the candidates (CANDIDATES) of a round, of those `prompts` (PROMPTS) that are given;
    the answer follows from the parameters `counted`.

    The public `seed` (REPORTS) goes along only where the evaluator learns from it, the code list
    (CODES) only where it says whose documents a candidate is compared with.
    """
    of_them = set(prompts["prompt_id"])
    asked = {"candidates": _of(candidates, of_them)}
    asked["judgements"] = _of(judgements, of_them)
    asked["prompts"] = _of(prompts, set(asked["candidates"]["prompt_id"]))
    if asked["candidates"].empty:
        raise UserError(
            f"None of {round_}'s candidates are of these prompts: run this round's generate stage, "
            "or name another site."
        )
    evaluator = params.evaluator
    if evaluator.kind == "discriminator" or evaluator.local.fit == "public":
        asked["seed"] = seed
    if params.dp.stratum == "codes":
        asked["codes"] = codes
    return Question("scores", round_, counted, asked)


def answer(
    question: Question,
    keyed: pd.DataFrame,
    params: Score,
    pair: Pair,
    random_seed: int,
    secret_file: Path,
    min_documents: int,
    known_entries: int = 0,
) -> Scored:
    """Score the question's candidates against the private documents of their prompts (KEYED). A
    guarantee (`population`) is paid in the ledger beside the hospital's `secret_file`, which has
    `known_entries` at least: those that earlier answers were given with. Counts below
    `min_documents` stay.

    Raises:
        UserError: a prompt is not one of these documents', or has other keywords than they let out.
    """
    round_, asked = str(question.item), question.tables
    _check_prompts(asked["prompts"], asked["candidates"], keyed)
    if params.weights.similarity_judge > 0:
        raise UserError(
            "score.weights.similarity_judge is above 0, and a language model that compares with "
            "private documents does not run across two sites: set it to 0."
        )
    scored = score(
        asked["candidates"],
        keyed,
        asked["prompts"],
        asked["judgements"],
        _not_judged(asked["candidates"]),
        asked.get("seed", records.empty(records.REPORTS)),
        params,
        codes=asked.get("codes"),
        random_seed=random_seed,
        round_name=round_,
    )
    released = release.release(
        scored.scores,
        asked["candidates"],
        params,
        pair,
        seeding.derive(random_seed, round_),
        release.Books(round_, secret_file, known_entries, any(patient_known(keyed))),
        min_documents=min_documents,
    )
    measures = {"score": scored.measures, "release": released.measures}
    answered = Answer({"released": released.table}, len(keyed), measures)
    return Scored(scored.scores, answered, released.told)


def check(answer: Answer, manifest: Manifest, whole: Question, params: Score) -> None:
    """Refuse an answer that is not about the round's candidates as they are now (`whole`, or some
    of its prompts), or holds something that `score.release` does not let out.
    """
    table = answer.tables["released"]
    of_them = set(table["prompt_id"])
    candidates = whole.tables["candidates"]
    if unknown := sorted(of_them - set(candidates["prompt_id"])):
        raise UserError(
            f"the answer names {len(unknown)} prompts that were not asked about, such as "
            f"{redact.shown_id(unknown[0])}: do not use it, and ask its sender."
        )
    part = {
        name: _of(frame, of_them) if "prompt_id" in frame else frame
        for name, frame in whole.tables.items()
    }
    check_asked(manifest, Question("scores", whole.item, whole.params, part))
    kind = records.kind_of(table, records.ORDERS, records.SCORES)
    if (kind is records.ORDERS) != (params.release == "order"):
        raise UserError(
            f"the answer holds {kind.name}, and score.release is {params.release}: both sides must "
            "have agreed on one way of release."
        )
    try:
        if kind is records.ORDERS:
            release.gate.orders_may_leave(table, part["candidates"])
        else:
            weighted = {name for name, weight in params.weights if weight > 0}
            release.gate.scores_may_leave(table, part["candidates"], weighted)
    except release.NotReleasable as error:
        raise UserError(
            f"the answer holds what may not leave a hospital ({error}): do not use it, and ask its "
            "sender."
        ) from None


def complete(table: pd.DataFrame, candidates: pd.DataFrame) -> None:
    """Refuse a table (ORDERS or SCORES) that says nothing of some prompts of the candidates."""
    missing = set(candidates["prompt_id"]) - set(table["prompt_id"])
    if missing:
        raise UserError(
            f"{len(missing)} of the {candidates['prompt_id'].nunique()} prompts asked about have "
            "no answer yet: accept the other hospitals' bundles too."
        )


def _check_prompts(prompts: pd.DataFrame, candidates: pd.DataFrame, keyed: pd.DataFrame) -> None:
    own = dict(zip(keyed["prompt_id"], keyed["keywords"], strict=True))
    for frame, what in ((prompts, "prompts"), (candidates, "candidates")):
        unknown = sorted(set(frame["prompt_id"]) - own.keys())
        if unknown:
            raise UserError(
                f"the bundle's {what} name {len(unknown)} prompts that no private document here is "
                f"behind, such as {redact.shown_id(unknown[0])}: it is another hospital's, or was "
                "made before the last run of `synth-fr keywords`: ask for one of yours."
            )
    if set(prompts["prompt_id"]) != set(candidates["prompt_id"]):
        raise UserError("the bundle's prompts are not those of its candidates: ask for it again.")
    for prompt_id, keywords in zip(prompts["prompt_id"], prompts["keywords"], strict=True):
        if keywords != own[prompt_id]:
            raise UserError(
                f"the bundle's keywords of prompt {redact.shown_id(prompt_id)} are not those that "
                "were let out for it: ask for it again."
            )


def _of(frame: pd.DataFrame, prompt_ids: set[str]) -> pd.DataFrame:
    return frame[frame["prompt_id"].isin(prompt_ids)].reset_index(drop=True)


def _not_judged(candidates: pd.DataFrame) -> pd.DataFrame:
    """SIMILARITIES without one."""
    return candidates[["prompt_id", "candidate"]].assign(
        similarity=np.full(len(candidates), np.nan, dtype=np.float32)
    )
