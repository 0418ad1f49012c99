"""What a round's candidates have in common with the private corpus as a whole: the sums that
`score.release: population` puts noise on (Hou et al. 2025, "POPri", arXiv 2504.16438: preferences
from scores that all clients' data give together).

Every patient gives one vector over all candidates of the round: their documents' similarities to
the candidates of those documents' strata, and 0 elsewhere. From each the mean over the candidates
of its prompt is taken away: a pair is chosen within a prompt, and what its candidates share would
use up the vector's length for nothing. Then it is brought to Euclidean norm 1, and rounded to
integers towards 0. So whoever comes, or goes, moves the sum over all patients, over all candidates
at once, by at most 1 in Euclidean norm, however many documents they have; whoever is replaced, by
at most 2: a patient's vector is of that patient's documents alone, to the last bit
(`DocumentSimilarity.with_all`). Each vector keeps its own order of the candidates, which cutting
each number at what the bound leaves to it would not.

A candidate's stratum is a public function of its prompt, so that it tells nothing of the corpus
that the prompt does not: the codes that its keywords are names of in the public code list. A
document is in it that has one of these codes. A prompt that names no code has the whole corpus.

The encoder must know nothing of the private documents: what is fitted on them changes with each of
them, and then no bound holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthfr.dp.noise import GRID, GRID_BITS
from synthfr.icd10.names import names
from synthfr.text import language as resources

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.scoring.raters import Documents
    from synthfr.scoring.similarity import DocumentSimilarity

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Strata = Mapping[str, frozenset[str]]

MOST_PATIENTS = 1 << (62 - GRID_BITS)  # their sum stays within 64 bits, with room for noise
# a vector shorter than this is the rounding of similarities that are all alike: it is not made 1
_LEAST_NORM = 1e-3
# a norm of n doubles is computed to within n * 2.3e-16 of itself: vectors are made so much shorter
# than 1 that rounding lifts none above it, up to 4e9 candidates
_SHORTER = 1 - 2.0**-20
_NUMBERS_AT_ONCE = 1 << 24  # similarities in memory: 128 MiB


def strata(prompts: pd.DataFrame, codes: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Codes of the code list (CODES) that each prompt (PROMPTS) names, by prompt_id; none: the
    whole corpus. Names are compared in their language's normal form.
    """
    codes_called = {one: _codes_called(one, codes) for one in prompts["language"].unique()}
    found = {}
    rows = zip(prompts["prompt_id"], prompts["keywords"], prompts["language"], strict=True)
    for prompt_id, keywords, one in rows:
        known, normalise = codes_called[one], resources(one).normalise
        named = (known.get(normalise(keyword), frozenset()) for keyword in keywords)
        found[prompt_id] = frozenset[str]().union(*named)
    return found


def _codes_called(language: str, codes: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Codes by the normal form of each of their names."""
    called: dict[str, set[str]] = {}
    for code, terms in names(codes).items():
        for term in terms:
            called.setdefault(resources(language).normalise(term), set()).add(code)
    return {term: frozenset(found) for term, found in called.items() if term}


def sums(
    similarity: DocumentSimilarity,
    texts: Sequence[str],
    prompt_ids: Sequence[str],
    of_prompt: Strata,
    private: Documents,
    of_document: Strata,
) -> Integers:
    """Sum over patients of their vectors, in steps of 2^-40 (`noise.GRID`), shape (n_candidates,).

    Args:
        texts, prompt_ids: of the candidates.
        of_prompt: see `strata`.
        private: all private documents, by the ids that `of_document` has their codes by.
    """
    if len(set(private.owners.values())) > MOST_PATIENTS:
        raise ValueError(f"64 bits do not hold the sum over more than {MOST_PATIENTS} patients")
    prompts = sorted(set(prompt_ids))
    number = {prompt_id: at for at, prompt_id in enumerate(prompts)}
    prompt_of = np.array([number[one] for one in prompt_ids], dtype=np.int64)
    size = np.bincount(prompt_of, minlength=len(prompts))
    corpus_wide = np.array([not of_prompt[one] for one in prompts], dtype=np.bool_)
    naming: dict[str, list[int]] = {}  # a code -> the prompts that name it
    for prompt_id, at in number.items():
        for code in of_prompt[prompt_id]:
            naming.setdefault(code, []).append(at)

    # documents of a patient follow each other
    keys = sorted(private.texts, key=lambda key: (private.owners[key], key))
    at_once = max(1, _NUMBERS_AT_ONCE // max(1, len(texts)))
    rows = similarity.with_all(texts, [private.texts[key] for key in keys], at_once)
    total = np.zeros(len(texts), dtype=np.int64)
    documents = zip(keys, rows, strict=True)
    for _, of_patient in groupby(documents, key=lambda one: private.owners[one[0]]):
        vector = np.zeros(len(texts))
        for key, row in of_patient:
            compared = corpus_wide.copy()
            for code in of_document[key]:
                compared[naming.get(code, [])] = True
            vector += np.where(compared[prompt_of], row, 0.0)
        means = np.bincount(prompt_of, weights=vector, minlength=len(prompts)) / size
        total += on_grid(vector - means[prompt_of])
    return total


def on_grid(vector: Floats) -> Integers:
    """The vector brought to norm 1, in whole steps of 2^-40: exactly no longer than 2^40 steps."""
    norm = float(np.sqrt(vector @ vector))
    if not np.isfinite(norm):
        raise ValueError("a similarity is no finite number")
    # a double times a power of two is exact, and rounding towards 0 shortens
    steps = vector * (_SHORTER / max(norm, _LEAST_NORM)) * GRID
    return np.asarray(np.trunc(steps), dtype=np.int64)
