"""What an adversary makes of evidence: was this document used, and which prompt is it behind?

Two adversaries. One holds a suspect's text and all prompts of a round. The other one already knows
which prompt would be the suspect's, and only asks whether it was used; of a suspect that was not
it takes one whose keywords are likely.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthfr.privacy.comparison import (
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
        self, evidence: Floats, by_prompts: Floats, of_others: Sequence[Floats]
    ) -> list[Finding]:
        """Of what was released: do the prompts, and do the scores, single out documents that were
        used, and link them to their prompts? Do the scores tell more than the prompts do?

        `of_others`: evidence of the scores dealt out to other prompts, at least once. A used
        document fits its own prompt better than another one does, whatever the scores: who knows
        the prompt is told only what the prompt's own scores add to that.
        """
        found = [
            self._above(test, auc_of(scores), 0.5, {"tpr_at_fpr_1": self._tpr(scores)})
            for test, scores in (
                ("prompt_membership", among_all(by_prompts)),
                ("score_membership", among_all(evidence)),
            )
        ]
        own = self._known(evidence)
        found.append(
            self._gain(
                "score_membership_known_prompt",
                auc_of(own),
                _mean([auc_of(self._known(one)) for one in of_others]),
                {"tpr_at_fpr_1": self._tpr(own)},
            )
        )
        chance = {"chance": 1 / evidence.shape[1]}
        for test, told in (("prompt_linking", by_prompts), ("score_linking", evidence)):
            first = compare(self.sides, mean_of(self._first(told)), self.random_seed)
            found.append(Finding.of(test, "correlation", first, measures=chance))
        both, alone = (auc_of(among_all(one)) for one in (evidence + by_prompts, by_prompts))
        found.append(self._gain("score_membership_beside_prompts", both, alone))
        return found

    def _gain(
        self,
        test: str,
        of: Contrast,
        control: Contrast,
        measures: Mapping[str, object] | None = None,
    ) -> Finding:
        """An AUC against a `control` that the same patients are drawn anew for."""
        at = float(control(*side_weights(self.sides))[0])
        return self._above(
            test,
            lambda used, unused: at + of(used, unused) - control(used, unused),
            at,
            measures,
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


def _mean(contrasts: Sequence[Contrast]) -> Contrast:
    return lambda used, unused: np.asarray(
        np.mean([one(used, unused) for one in contrasts], axis=0)
    )


def among_all(evidence: Floats) -> Floats:
    """Evidence that a suspect is behind any of the prompts, each as likely as the next before it is
    seen: the log of the mean likelihood ratio. Shape (n_suspects,).
    """
    from scipy.special import logsumexp

    return np.asarray(logsumexp(evidence, axis=1) - np.log(evidence.shape[1]))
