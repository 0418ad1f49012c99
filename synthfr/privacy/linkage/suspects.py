"""Who is suspected, and what an adversary can compute of each suspect beside a round's prompts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.icd10.names import entries
from synthfr.keywords.export import Keywords
from synthfr.keywords.matchers import open_matcher
from synthfr.keywords.report_terms import report_terms, terms_of
from synthfr.privacy.linkage import public_means
from synthfr.privacy.linkage.evidence import Suspicion, of_prompts
from synthfr.privacy.sides import Sides, TooFewReports
from synthfr.scoring.raters import Encoder
from synthfr.scoring.scores import Score
from synthfr.section import Count, Section
from synthfr.text import strip_headings

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


class Linkage(Section):
    """Parameters `linkage`: see the comments in params.yaml."""

    suspects: Count = 250
    prompts: Count = 500


@dataclass(frozen=True)
class Round:
    """Tables of a round and of its surroundings, as in `synthfr.records`: what is public, and what
    only the auditor has (`scores`, all of them, `keyed` and `holdout`).
    """

    name: str
    candidates: pd.DataFrame
    prompts: pd.DataFrame
    released: pd.DataFrame  # SCORES or ORDERS
    seed: pd.DataFrame
    codes: pd.DataFrame
    scores: pd.DataFrame
    keyed: pd.DataFrame
    holdout: pd.DataFrame


@dataclass(frozen=True)
class Suspects:
    """The suspects, and the prompts among which they are looked for.

    Attributes:
        sides: the suspects, documents behind prompts (train) and others (holdout).
        prompt_ids: of the prompts that are searched.
        suspicion: see there.
        by_prompts: evidence of the prompts' keywords, shape (n_suspects, n_prompts).
        known: each suspect's own prompt; of the others one with likely keywords: see `_likest`.
    """

    sides: Sides
    prompt_ids: list[str]
    suspicion: Suspicion
    by_prompts: Floats
    known: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, int]:
        """Prompts, and candidates of each."""
        return self.suspicion.means.shape[2], self.suspicion.means.shape[3]


def suspects(
    round_: Round, settings: Linkage, score: Score, keywords: Keywords, random_seed: int
) -> Suspects | None:
    """Draw the suspects of a round, and compute what an adversary can; None where either side is
    too small (`TooFewReports`). Documents that were not used are suspects only where they
    hold a term that may leave: those that were used have a prompt, and to tell who has none is no
    attack.
    """
    behind = round_.keyed[round_.keyed["prompt_id"].isin(set(round_.candidates["prompt_id"]))]
    behind = drawn(behind, "report_id", settings.suspects, random_seed)
    prompts = round_.prompts[round_.prompts["prompt_id"].isin(set(round_.candidates["prompt_id"]))]
    exported = {term for terms in round_.prompts["keywords"] for term in terms}
    terms = _terms(_without_given(round_.holdout), round_.codes, keywords)
    holdout = round_.holdout[[bool(own & exported) for own in terms]]
    try:
        sides = Sides.of(behind, holdout, random_seed)
    except TooFewReports:
        return None
    prompt_of = dict(zip(behind["report_id"], behind["prompt_id"], strict=True))
    own_ids = [
        prompt_of[name] if used else None
        for name, used in zip(sides.ids, sides.is_train, strict=True)
    ]
    others = prompts[~prompts["prompt_id"].isin({one for one in own_ids if one})]
    room = max(settings.prompts - sum(one is not None for one in own_ids), 0)
    others = drawn(others, "prompt_id", room, random_seed)
    prompt_ids = sorted({*others["prompt_id"], *(one for one in own_ids if one)})
    place = {one: at for at, one in enumerate(prompt_ids)}
    own = np.array([place[one] if one else -1 for one in own_ids], dtype=np.int64)
    reports = _as_they_are(sides, behind, holdout)
    half = seeding.rng(random_seed, "halves of the suspects").permutation(sides.n_patients) % 2
    suspicion = Suspicion(
        _means(round_, reports, prompt_ids, score), own, half[sides.patients], random_seed
    )
    asked = dict(zip(prompts["prompt_id"], map(frozenset, prompts["keywords"]), strict=True))
    by_prompts = of_prompts(
        _terms(reports, round_.codes, keywords), [asked[one] for one in prompt_ids]
    )
    known = _likest(by_prompts, own, random_seed)
    return Suspects(sides, prompt_ids, suspicion, by_prompts, known)


def drawn(table: pd.DataFrame, key: str, most: int, random_seed: int) -> pd.DataFrame:
    """At most so many rows, by a draw that depends on their ids alone."""
    ranked = sorted(table[key], key=lambda one: seeding.derive(random_seed, "linkage", one))
    return table[table[key].isin(set(ranked[:most]))]


def _as_they_are(sides: Sides, *tables: pd.DataFrame) -> pd.DataFrame:
    """The suspects' reports in their order, texts as they were scored (not composed anew)."""
    import pandas as pd

    names = ["report_id", "text", "keywords", "language"]
    reports = pd.concat([table[names] for table in tables]).set_index("report_id", drop=False)
    return _without_given(reports.loc[list(sides.ids)].reset_index(drop=True))


def _without_given(reports: pd.DataFrame) -> pd.DataFrame:
    """Of a private document `keywords` is what it exports, not what its author gave."""
    import pandas as pd

    return reports.assign(keywords=pd.Series([[]] * len(reports), index=reports.index))


def _means(round_: Round, reports: pd.DataFrame, prompt_ids: list[str], score: Score) -> Floats:
    """Scores by public means, shape (n_means, n_suspects, n_prompts, n_candidates)."""
    language = dict(zip(round_.prompts["prompt_id"], round_.prompts["language"], strict=True))
    place = {one: at for at, one in enumerate(prompt_ids)}
    asked = round_.candidates[round_.candidates["prompt_id"].isin(place)]
    at = (asked["prompt_id"].map(place).to_numpy(), asked["candidate"].to_numpy(dtype=np.int64))
    candidates = _compared(asked["text"], asked["prompt_id"].map(language), score)
    documents = _compared(reports["text"], reports["language"], score)
    means = [public_means.bleus(candidates, documents, score.bleu_smoothing)]
    encoder = _public_encoder(round_.seed, score)
    if encoder is not None:
        means.append(
            public_means.similarities(
                encoder,
                candidates,
                documents,
                score.window_tokens,
                score.stride_tokens,
                score.windows_within_tokens,
            )
        )
    n_candidates = int(at[1].max()) + 1
    found = np.full((len(means), len(documents), len(prompt_ids), n_candidates), np.nan)
    for number, one in enumerate(means):
        found[number][:, at[0], at[1]] = one
    return found


def _public_encoder(seed: pd.DataFrame, score: Score) -> Encoder | None:
    """The evaluator itself where it is public; in the stead of one that is fitted on private
    reports the same, fitted on the public ones; None where it compares with no document.
    """
    from synthfr.scoring.local import LocalEvaluator
    from synthfr.scoring.sentence_transformers import SentenceTransformersEvaluator

    settings = score.evaluator
    if settings.kind == "discriminator":
        return None
    if settings.kind == "sentence_transformers":
        return SentenceTransformersEvaluator(settings.sentence_transformers, score.window_tokens)
    encoder = LocalEvaluator(settings.local)
    encoder.fit(_compared(seed["text"], seed["language"], score))
    return encoder


def _compared(texts: pd.Series, languages: pd.Series, score: Score) -> list[str]:
    """Texts as the evaluator reads them."""
    if not score.strip_headings:
        return [str(text) for text in texts]
    return [strip_headings(text, one) for text, one in zip(texts, languages, strict=True)]


def _terms(reports: pd.DataFrame, codes: pd.DataFrame, keywords: Keywords) -> list[frozenset[str]]:
    """Terms of each suspect, by the very matcher that made the prompts."""
    matcher = open_matcher(entries(codes), keywords)
    named = report_terms(reports, matcher, keywords.context, keywords.form).keywords
    return [frozenset(terms_of(own)) for own in named]


def _likest(by_prompts: Floats, own: NDArray[np.int64], random_seed: int) -> NDArray[np.int64]:
    """Each suspect's own prompt. To those without one the prompts are dealt out, each to one, by
    the most evidence in all: prompts of several suspects would not be as many trials as there are
    suspects.
    """
    from scipy.optimize import linear_sum_assignment

    unused = np.flatnonzero(own < 0)
    # a draw decides between equal evidence
    ties = 1e-6 * seeding.rng(random_seed, "likest prompt").random(by_prompts.shape)
    rows, dealt = linear_sum_assignment((by_prompts + ties)[unused], maximize=True)
    known = own.copy()
    known[unused[rows]] = dealt
    # more suspects than prompts: the rest take the likest
    return np.where(known >= 0, known, by_prompts.argmax(axis=1))
