"""`score.release: population`: how near each candidate comes to the private corpus, with noise that
hides whether any one patient is in it (`synthfr.dp`). The sums are those of `synthfr.scoring.
population`: no more than norm 1 of a patient.

The noise is a function of the hospital's secret and of the question: of all that the answer is made
of, the sums themselves included. So the same question has the same answer, which tells nothing new
and costs nothing; any other, be it by one candidate, one parameter, or one document of the corpus,
has noise of its own and is charged. No two answers share their noise, from whose difference it
would vanish. That the corpus changed between two answers is not hidden, only how.

What leaves is the noisy sums over the largest of them, so that they lie in [-1, 1]: what is made of
a noisy answer alone costs nothing more.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synthfr.dp import accounting, ledger, noise, secret
from synthfr.errors import UserError
from synthfr.records import SCORES
from synthfr.scoring.release.gate import Books, Released, ScoredRound, scores_may_leave

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.scoring.guarantee import Guarantee
    from synthfr.scoring.scores import Score

NOT_COVERED = (
    "the guarantee is of these scores, and of all that is made from them; it does not cover the "
    "keywords of the prompts, the exported counts of codes, or what evaluation tells (classify, "
    "privacy, fidelity)"
)
RISK = (
    "without noise (score.dp.epsilon: null) nothing is guaranteed, and who knows all private "
    "reports but one may recognise that one by them"
)
_QUESTION, _NOISE = "question", "noise"
# of `score`: what the sums depend on
_ASKED = ("strip_headings", "window_tokens", "stride_tokens", "windows_within_tokens")


def released(scored: ScoredRound) -> Released:
    """SCORES of the round with nothing but `total`; numbers about the guarantee. The charge is on
    the disk when this returns. UserError where the ledger refuses it, where `score` has summed
    nothing, and where a guarantee is asked for patients that nobody knows.
    """
    if scored.books is None:
        raise TypeError("a release with noise wants the hospital's secret and ledger")
    if "population" not in scored.scores:
        raise UserError(
            "release: the private scores hold no sums over the corpus: run this round's score "
            "stage with score.dp.stratum set."
        )
    params = scored.params
    sums = scored.scores["population"].to_numpy(dtype=np.int64)
    measures: dict[str, Any] = {}
    told = f"The scores leave as numbers: {RISK}; for comparisons only."
    if params.dp.epsilon is not None:
        if not scored.books.patients_known:
            raise UserError(
                "score.dp.epsilon protects patients, and no private document says whom it is about,"
                " so that a patient with several would not be protected: give patient_id with the "
                "private reports (seed.files.private.columns), or set score.dp.epsilon to null."
            )
        drawn, measures, told = _noise(scored, scored.books, sums, params.dp.epsilon)
        sums = sums + drawn
    table = scored.scores[list(SCORES.key)].copy()
    for name in SCORES.schema.names[len(SCORES.key) :]:
        table[name] = np.full(len(table), np.nan, dtype=np.float32)
    table["total"] = _total(sums / max(1, np.abs(sums).max(initial=0)), scored.scores, params)
    return Released(scores_may_leave(table, scored.candidates, ()), SCORES, measures, told)


def _noise(
    scored: ScoredRound, books: Books, sums: NDArray[np.int64], epsilon: float
) -> tuple[NDArray[np.int64], dict[str, Any], str]:
    """The noise, once it is paid for; numbers about it, and a line."""
    dp = scored.params.dp
    sigma = accounting.sigma_for(epsilon, dp.delta, dp.releases, dp.neighbours)
    steps = math.ceil(sigma * noise.GRID)
    sigma = steps / noise.GRID
    mu = accounting.mu_of(sigma, dp.neighbours)
    apart = noise.distance(steps, len(sums))
    key = secret.load(books.secret_file)
    question = key.digest(_QUESTION, _question(scored, sums, steps))
    spent = ledger.charge(
        ledger.Charge(
            question=question,
            what=f"release@{books.round_name}",
            sigma=sigma,
            sensitivity=accounting.SENSITIVITY[dp.neighbours],
            mu=mu,
            distance=apart,
            delta=dp.delta,
        ),
        secret_file=books.secret_file,
        neighbours=dp.neighbours,
        delta=dp.delta,
        budget=dp.budget,
        at_least=books.known_entries,
    )
    drawn = noise.discrete_gaussian(key.keyed(_NOISE, question.encode("ascii")), steps, len(sums))
    measures = _measures(dp, sigma, mu, apart, spent)
    cost = "the same question as before, at no cost" if spent.repeated else "charged"
    told = (
        f"epsilon {measures['dp']['epsilon']['round']:.3g} at delta {dp.delta:g}, {cost}; "
        f"{spent.epsilon:.3g} spent with all answers before it. {NOT_COVERED.capitalize()}."
    )
    return drawn, measures, told


def _question(scored: ScoredRound, sums: NDArray[np.int64], steps: int) -> Mapping[str, Any]:
    """All that the answer depends on, but the secret."""
    rows = scored.candidates.sort_values(list(SCORES.key))
    texts = hashlib.sha256()
    for text in rows["text"]:
        texts.update(hashlib.sha256(text.encode("utf-8")).digest())
    params = scored.params.model_dump(mode="json")
    kind = params["evaluator"]["kind"]
    return {
        "prompts": rows["prompt_id"].tolist(),
        "candidates": rows["candidate"].tolist(),
        "texts": texts.hexdigest(),
        "evaluator": {kind: params["evaluator"][kind]},
        "score": {name: params[name] for name in _ASKED},
        "stratum": params["dp"]["stratum"],
        "neighbours": params["dp"]["neighbours"],
        "sigma": steps,
        "sums": sums.tolist(),
    }


def _measures(
    dp: Guarantee, sigma: float, mu: float, apart: float, spent: ledger.Spent
) -> dict[str, Any]:
    whole = accounting.composed([mu] * dp.releases)
    return {
        "dp": {
            "epsilon": {
                "round": accounting.epsilon(mu, dp.delta, apart),
                "all_rounds": accounting.epsilon(whole, dp.delta, dp.releases * apart),
                "spent": spent.epsilon,  # with every answer before this one, of other runs too
            },
            "delta": dp.delta,
            "mu": {"round": mu, "all_rounds": whole},
            "distance": apart,
            "sigma": sigma,
            "sensitivity": accounting.SENSITIVITY[dp.neighbours],
            "neighbours": {dp.neighbours: 1},
            "ledger_entry": spent.entry,
        }
    }


def _total(
    similarity: NDArray[np.float64], scores: pd.DataFrame, params: Score
) -> NDArray[np.float32]:
    """Mean weighted by `score.weights` with the parts that no private document enters."""
    weights = params.weights
    weighted = [
        (weights.similarity, similarity),
        (weights.keyword_recall, scores["keyword_recall"].to_numpy(dtype=np.float64)),
        (weights.judge, scores["judge"].to_numpy(dtype=np.float64)),
    ]
    used = [(weight, part) for weight, part in weighted if weight > 0]
    whole = sum(weight for weight, _ in used)
    return np.asarray(sum(weight * part for weight, part in used) / whole, dtype=np.float32)
