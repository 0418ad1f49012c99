"""What an adversary makes of evidence: was this document used, and which prompt is it behind?

Two adversaries. One holds a suspect's text and all prompts of a round. The other one already knows
which prompt would be the suspect's, and only asks whether it was used; of a suspect that was not
it takes one whose keywords are likely.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthfr.privacy.comparison import (
    PERMUTATIONS,
    Contrast,
    auc_of,
    compare,
    contrast,
    mean_of,
    side_weights,
    tpr_of,
)
from synthfr.privacy.findings import Finding
from synthfr.privacy.sides import Sides
from synthfr.stats import Interval

Floats = NDArray[np.float64]
FPR = 0.01


@dataclass(frozen=True)
class Adversaries:
    """`known`: the prompt of each suspect for the adversary who knows it, shape (n_suspects,);
    `sides` are the suspects.
    """

    sides: Sides
    known: NDArray[np.int64]
    random_seed: int

    def told(self, evidence: Floats, beside: Floats | None = None) -> dict[str, Any]:
        """What `evidence`, shape (n_suspects, n_prompts), tells alone; and, where there is other
        evidence `beside` it, both together and what it adds.
        """
        figures: dict[str, Any] = {
            "among_all": self._membership(among_all(evidence)),
            "known_prompt": self._membership(self._known(evidence)),
            "linked": self._linked(self._first(evidence)),
        }
        if beside is not None:
            both = evidence + beside
            one, other = among_all(both), among_all(beside)
            gain, p_value = self._contrast(one, other)
            figures["with_prompts"] = {
                **self._membership(one),
                "auc_gain": gain.as_dict() | {"p_value": p_value},
                "linked": self._linked(self._first(both)),
                "linked_gain": self._linked(self._first(both) - self._first(beside)),
            }
        return figures

    def findings(
        self, evidence: Floats, by_prompts: Floats, of_deals: Iterable[Floats]
    ) -> list[Finding]:
        """Of what was released: do the prompts, and do the scores, single out documents that were
        used, and link them to their prompts? Do the scores tell more than the prompts do?

        `of_deals`: evidence of the scores dealt out to other prompts, two or more times: see
        `_beyond_deals`.
        """
        found = [
            self._above(test, auc_of(scores), 0.5, {"tpr_at_fpr_1": self._tpr(scores)})
            for test, scores in (
                ("prompt_membership", among_all(by_prompts)),
                ("score_membership", among_all(evidence)),
            )
        ]
        found.append(self._beyond_deals(evidence, of_deals))
        chance = {"chance": 1 / evidence.shape[1]}
        for test, told in (("prompt_linking", by_prompts), ("score_linking", evidence)):
            first = compare(self.sides, mean_of(self._first(told)), self.random_seed)
            found.append(Finding.of(test, "correlation", first, measures=chance))
        alone = auc_of(among_all(by_prompts))
        both = auc_of(among_all(evidence + by_prompts))
        of_prompts = float(alone(*side_weights(self.sides))[0])
        found.append(
            self._above(
                "score_membership_beside_prompts",
                lambda used, unused: of_prompts + both(used, unused) - alone(used, unused),
                of_prompts,
            )
        )
        return found

    def _beyond_deals(self, evidence: Floats, of_deals: Iterable[Floats]) -> Finding:
        """Of who knows the prompt: is the AUC higher than with scores of other prompts?

        What the attack learns from scores of other prompts puts many a used document above the
        others, or below: in some deals by far more than a draw of patients would. So the AUC is
        compared with those of the deals: were the scores no more its own prompt's than any other's,
        it would be one more of them, and t = (AUC - mean) / (s √(1 + 1 / K)) of K deals Student's
        with K - 1 degrees of freedom. No p value is told below the smallest of a permutation test.
        The control is the mean of the deals, and the limits of the difference are over patients.
        """
        own = self._known(evidence)
        dealt = np.stack([self._known(one) for one in of_deals])
        once = side_weights(self.sides)
        aucs = np.array([auc_of(one)(*once)[0] for one in dealt])
        of, control = auc_of(own), _mean_auc_of(dealt)
        gain, _ = contrast(
            self.sides,
            lambda used, unused: of(used, unused) - control(used, unused),
            self.random_seed,
            permutations=1,
        )
        auc = float(of(*once)[0])
        return Finding(
            "score_membership_known_prompt",
            "correlation",
            auc,
            float(aucs.mean()),
            gain,
            one_more(auc, aucs),
            measures={"tpr_at_fpr_1": self._tpr(own)},
        )

    def _above(
        self,
        test: str,
        of: Contrast,
        control: float,
        measures: Mapping[str, object] | None = None,
    ) -> Finding:
        """An AUC against that of a `control`."""
        auc, p_value = contrast(self.sides, of, self.random_seed)
        beyond = Interval(auc.mean - control, auc.low - control, auc.high - control, auc.n)
        return Finding(
            test, "correlation", auc.mean, control, beyond, p_value, measures=measures or {}
        )

    def _known(self, evidence: Floats) -> Floats:
        return np.asarray(evidence[np.arange(len(evidence)), self.known])

    def _first(self, evidence: Floats) -> Floats:
        """Whether each suspect's prompt has the most evidence of all; shared where several have."""
        most = evidence.max(axis=1, keepdims=True)
        tied = evidence >= most - 1e-9 * np.maximum(1.0, np.abs(most))
        return np.where(self._known(tied.astype(np.float64)) > 0, 1 / tied.sum(axis=1), 0.0)

    def _membership(self, scores: Floats) -> dict[str, Any]:
        auc, p_value = contrast(self.sides, auc_of(scores), self.random_seed)
        return {"auc": auc.as_dict() | {"p_value": p_value}, "tpr_at_fpr_1": self._tpr(scores)}

    def _tpr(self, scores: Floats) -> dict[str, float]:
        tpr, _ = contrast(self.sides, tpr_of(scores, FPR), self.random_seed, permutations=1)
        return tpr.as_dict()

    def _contrast(self, one: Floats, other: Floats) -> tuple[Interval, float]:
        of_one, of_other = auc_of(one), auc_of(other)
        return contrast(
            self.sides,
            lambda used, unused: of_one(used, unused) - of_other(used, unused),
            self.random_seed,
        )

    def _linked(self, first: Floats) -> dict[str, float]:
        """Share of the train suspects, with its interval over their patients."""
        mean = mean_of(first)
        share, _ = contrast(
            self.sides, lambda used, unused: mean(used), self.random_seed, permutations=1
        )
        return share.as_dict()


def one_more(value: float, others: Floats) -> float:
    """One-sided p value of a value that is one more of the others, which are about normal."""
    from scipy.special import stdtr

    k = len(others)
    above, spread = value - float(others.mean()), float(others.std(ddof=1)) * np.sqrt(1 + 1 / k)
    if spread == 0:
        return 1.0 if above <= 0 else 1 / (PERMUTATIONS + 1)
    return max(float(stdtr(k - 1, -above / spread)), 1 / (PERMUTATIONS + 1))


def _mean_auc_of(deals: Floats) -> Contrast:
    """Contrast: mean AUC over deals of scores, shape (n_deals, n_suspects)."""
    above = np.zeros((deals.shape[1], deals.shape[1]))  # how often one suspect is above another
    for one in deals:
        above += (one[:, None] > one) + (one[:, None] == one) / 2
    above /= len(deals)

    def auc(used: Floats, unused: Floats) -> Floats:
        won = (used * (above @ unused)).sum(axis=0)
        return np.asarray(won / (used.sum(axis=0) * unused.sum(axis=0)))

    return auc


def among_all(evidence: Floats) -> Floats:
    """Evidence that a suspect is behind any of the prompts, each as likely as the next before it is
    seen: the log of the mean likelihood ratio. Shape (n_suspects,).
    """
    from scipy.special import logsumexp

    return np.asarray(logsumexp(evidence, axis=1) - np.log(evidence.shape[1]))
