"""How much what a round says speaks for each suspect as the document behind each prompt: a log
likelihood ratio, in nats, so that what several channels tell can be added.

Scores are weighed given the texts: the document behind a prompt explains the scores by what is
special about it, another document only by what the prompt's candidates score against any document.
Scores that have nothing to do with the suspect therefore speak for nothing, whatever the texts say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding

Floats = NDArray[np.float64]
_FINEST = 1e-6  # of a float32 score, after the roundings of its computation
_RIDGE = 1e-3  # keeps the fit finite where the order follows from the texts without an error
_WRONG_PROMPTS = 10  # of each suspect, to learn what a wrong one looks like
# of a bit of a prompt that its document does not explain: a term merged, capped or misspelt
_FLIPPED = 0.01


@dataclass(frozen=True)
class Suspicion:
    """What the adversary has computed, and what the auditor knows.

    Attributes:
        means: scores that the candidates would have against each suspect, shape (n_means,
            n_suspects, n_prompts, n_candidates); NaN where a prompt has fewer candidates.
        own: index of each suspect's own prompt, -1 of a suspect without one, shape (n_suspects,).
        folds: 0 or 1 of each suspect: what is learnt of one half is used on the other.
    """

    means: Floats
    own: NDArray[np.int64]
    folds: NDArray[np.int64]
    random_seed: int

    @property
    def base(self) -> Floats:
        """What the candidates score against an average suspect: (n_means, n_prompts, n_cand.)."""
        return np.asarray(self.means.mean(axis=1))

    def fitted_on_others(self, fit: Callable[[NDArray[np.int64]], Floats]) -> Floats:
        """Evidence, shape (n_suspects, n_prompts): `fit` gets the rows of suspects of one half
        whose prompts are known and gives that of all; kept is that of the other half.
        """
        found = np.zeros((self.means.shape[1], self.means.shape[2]))
        for fold in (0, 1):
            known = np.flatnonzero((self.own >= 0) & (self.folds != fold))
            if len(known):
                found[self.folds == fold] = fit(known)[self.folds == fold]
        return found


def of_floats(suspicion: Suspicion, released: Mapping[str, Floats]) -> Floats:
    """Evidence of released columns, each of shape (n_prompts, n_candidates), NaN where nothing is
    told. Shape (n_suspects, n_prompts).
    """
    found = np.zeros(suspicion.means.shape[1:3])
    for column in released.values():
        if np.isfinite(column).any():
            found += suspicion.fitted_on_others(partial(_floats, suspicion, column))
    return found


def of_orders(suspicion: Suspicion, best: NDArray[np.int64], worst: NDArray[np.int64]) -> Floats:
    """Evidence of which candidate is best and which worst, -1 where that is not told, each of
    shape (n_prompts,). Shape (n_suspects, n_prompts).
    """
    return suspicion.fitted_on_others(partial(_orders, suspicion, best, worst))


def of_texts(suspicion: Suspicion) -> Floats:
    """Evidence of the candidates' texts alone: how like the suspect they are. Shape (n_suspects,
    n_prompts).
    """
    return suspicion.fitted_on_others(partial(_texts, suspicion))


def of_prompts(terms: Sequence[frozenset[str]], prompts: Sequence[frozenset[str]]) -> Floats:
    """Evidence of the prompts alone, given the `terms` of each suspect and the keywords of each of
    the `prompts`: term by term, how much surer a prompt has it (or not) as the suspect has it than
    by its frequency in the prompts. Shape (n_suspects, n_prompts).
    """
    vocabulary = sorted(set().union(*prompts))
    asked, said = (
        np.array([[term in own for term in vocabulary] for own in side], dtype=np.float64)
        for side in (prompts, terms)
    )
    share = (asked.sum(axis=0) + 1) / (len(prompts) + 2)
    yes, no = (np.log((1 - _FLIPPED) / one) for one in (share, 1 - share))
    not_yes, not_no = (np.log(_FLIPPED / one) for one in (share, 1 - share))
    # of a term: what a prompt that has it says for a suspect with and without it, and so on
    return np.asarray(
        (said * yes) @ asked.T
        + ((1 - said) * not_yes) @ asked.T
        + (said * not_no) @ (1 - asked).T
        + ((1 - said) * no) @ (1 - asked).T
    )


def _floats(suspicion: Suspicion, released: Floats, known: NDArray[np.int64]) -> Floats:
    base, own = suspicion.base, suspicion.own[known]
    around = np.moveaxis(base, 0, -1)  # (n_prompts, n_candidates, n_means)
    special = np.moveaxis(suspicion.means - base[:, None], 0, -1)
    ones = np.ones((*released.shape, 1))
    target = released[own]
    told = np.isfinite(target)

    def residuals(design: Floats, of_known: Floats) -> tuple[Floats, Floats]:
        weights = np.linalg.lstsq(of_known[told], target[told], rcond=None)[0]
        return released - design @ weights, target - of_known @ weights

    plain = np.concatenate([ones, around], axis=-1)
    wrong, wrong_known = residuals(plain, plain[own])
    full = np.concatenate([np.broadcast_to(plain, (len(special), *plain.shape)), special], axis=-1)
    right, right_known = residuals(full, full[known, own])
    return _density(right, right_known) - _density(wrong, wrong_known)[None]


def _density(residuals: Floats, known: Floats) -> Floats:
    """Log density of each prompt's residuals, up to a constant: Gaussian, their mean and what
    deviates from it each with its own variance, learnt from those of known prompts.
    """

    def parts(values: Floats) -> tuple[Floats, Floats, Floats]:
        n = np.isfinite(values).sum(axis=-1)
        mean = np.nansum(values, axis=-1) / np.maximum(n, 1)
        return n, mean, np.nansum((values - mean[..., None]) ** 2, axis=-1)

    n, mean, squares = parts(known)
    used = n > 0
    of_mean = max(float((mean[used] ** 2).mean()), _FINEST**2) if used.any() else 1.0
    of_rest = max(float(squares.sum() / max((n[used] - 1).sum(), 1)), _FINEST**2)
    n, mean, squares = parts(residuals)
    density = np.log(of_mean) + mean**2 / of_mean
    density += np.maximum(n - 1, 0) * np.log(of_rest) + squares / of_rest
    return np.asarray(np.where(n > 0, -density / 2, 0.0))


def _orders(
    suspicion: Suspicion,
    best: NDArray[np.int64],
    worst: NDArray[np.int64],
    known: NDArray[np.int64],
) -> Floats:
    base, own = suspicion.base, suspicion.own[known]
    around = np.moveaxis(base, 0, -1)
    special = np.moveaxis(suspicion.means - base[:, None], 0, -1)
    there = np.asarray(np.isfinite(around).all(axis=-1))
    scale = _scale(special[known, own])
    plain = np.nan_to_num(around / scale)
    full = np.concatenate(
        [np.broadcast_to(plain, special.shape), np.nan_to_num(special / scale)], axis=-1
    )

    def told(design: Floats, of_known: Floats) -> Floats:
        """Log probability of the order of each prompt; designs (..., n_candidates, n_weights)."""
        weights = _least(
            lambda weights: -_choices(of_known @ weights, there[own], best[own], worst[own]).sum(),
            design.shape[-1],
        )
        return _choices(design @ weights, there, best, worst)

    found = told(full, full[known, own]) - told(plain, plain[own])[None]
    paired = (worst >= 0).astype(np.float64)
    if 0 < paired[own].sum() < len(own):
        found += _margins(suspicion.means, base, paired, known, own)
    return found


def _choices(
    utilities: Floats,
    there: NDArray[np.bool_],
    best: NDArray[np.int64],
    worst: NDArray[np.int64],
) -> Floats:
    """Log probability that of each prompt `best` is taken first and, of the others, `worst` as the
    last (Plackett 1975): each in proportion to exp(±utility). Shape of utilities without the last
    axis, which is over the candidates; those that are not `there` are never taken.
    """
    from scipy.special import logsumexp

    rows = np.arange(utilities.shape[-2])
    among = np.where(there, utilities, -np.inf)
    first = utilities[..., rows, np.maximum(best, 0)] - logsumexp(among, axis=-1)
    others = np.where(there, -utilities, -np.inf)
    others[..., rows[best >= 0], best[best >= 0]] = -np.inf
    last = -utilities[..., rows, np.maximum(worst, 0)] - logsumexp(others, axis=-1)
    return np.asarray(np.where(best >= 0, first, 0.0) + np.where(worst >= 0, last, 0.0))


def _margins(
    means: Floats,
    base: Floats,
    paired: Floats,
    known: NDArray[np.int64],
    own: NDArray[np.int64],
) -> Floats:
    """Evidence of whether a prompt's margin suffices: a logistic model of height and range of its
    scores.
    """

    def features(values: Floats) -> Floats:
        high, low = np.nanmax(values, axis=-1), np.nanmin(values, axis=-1)
        return np.moveaxis(np.concatenate([high, high - low], axis=0), 0, -1)

    around = features(base)
    special = features(means) - around
    scale = _scale(special[known, own][:, None])
    ones = np.ones((len(paired), 1))
    plain = np.concatenate([ones, around / scale], axis=-1)
    full = np.concatenate(
        [np.broadcast_to(plain, (len(special), *plain.shape)), special / scale], axis=-1
    )

    def told(design: Floats, fitted_on: Floats) -> Floats:
        signs = 2 * paired - 1
        weights = _least(
            lambda weights: np.logaddexp(0, -signs[own] * (fitted_on @ weights)).sum(),
            design.shape[-1],
        )
        return -np.logaddexp(0, -signs * (design @ weights))

    return told(full, full[known, own]) - told(plain, plain[own])[None]


def _texts(suspicion: Suspicion, known: NDArray[np.int64]) -> Floats:
    means, own = suspicion.means, suspicion.own[known]
    features = np.moveaxis(
        np.concatenate([np.nanmean(means, axis=-1), np.nanmax(means, axis=-1)], axis=0), 0, -1
    )
    rng = seeding.rng(suspicion.random_seed, "wrong prompts")
    n_prompts = means.shape[2]
    others = (own[:, None] + rng.integers(1, n_prompts, (len(own), _WRONG_PROMPTS))) % n_prompts
    right, wrong = (
        features[known, own],
        features[known[:, None], others].reshape(-1, features.shape[-1]),
    )
    centre, scale = wrong.mean(axis=0), np.maximum(wrong.std(axis=0), 1e-9)
    rows = np.concatenate([right, wrong])
    design = np.concatenate([np.ones((len(rows), 1)), (rows - centre) / scale], axis=-1)
    signs = np.where(np.arange(len(rows)) < len(right), 1.0, -1.0)
    weights = _least(
        lambda weights: np.logaddexp(0, -signs * (design @ weights)).sum(), design.shape[-1]
    )
    # the log odds of a prompt drawn as the fit saw them, to those of a right against a wrong one
    prior = np.log(len(right) / len(wrong))
    return np.asarray((features - centre) / scale @ weights[1:] + weights[0] - prior)


def _least(loss: Callable[[Floats], float], size: int) -> Floats:
    """Weights of the least loss, with a ridge."""
    from scipy.optimize import minimize

    best = minimize(
        lambda weights: loss(weights) + _RIDGE * float(weights @ weights),
        np.zeros(size),
        method="L-BFGS-B",
    )
    return np.asarray(best.x)


def _scale(special: Floats) -> Floats:
    """Spread of what is special about the right documents, of each feature."""
    spread = np.nanstd(special, axis=tuple(range(special.ndim - 1)))
    return np.asarray(np.maximum(spread, 1e-9))
