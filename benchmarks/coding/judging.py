"""Coders trained and judged on one real corpus, in folds of documents or in the corpus's own parts;
and the label prior, which every coder is to beat.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from synthfr import seeding
from synthfr.bootstrap import crossed
from synthfr.coding import decisions, labels, metrics
from synthfr.coding.coders import CoderSettings, coder
from synthfr.coding.grid import Classify
from synthfr.coding.judged import Judged
from synthfr.coding.predicted import Predicted, predict
from synthfr.coding.weighted import statistic
from synthfr.stats import Interval, wilson

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.coding.coder import Rows

FOLDS = 5
MIN_DOCUMENTS = 10


@dataclass(frozen=True)
class Setup:
    """How coders are trained and judged, the same for all of them."""

    rule: decisions.Rule
    seeds: Sequence[int]
    folds: int  # of the `FOLDS` that are judged; each of them is still a fifth
    random_seed: int
    scratch: Path


def codiesp(path: Path, codes: str) -> pd.DataFrame:
    """Columns report_id, text, codes, article: the ids end in the number of the article's case."""
    import pandas as pd

    frame = pd.read_parquet(path, columns=["id", "text", codes])
    frame = frame.set_axis(["report_id", "text", "codes"], axis=1)
    article = frame["report_id"].str.replace(r"-\d+$", "", regex=True)
    return frame.assign(codes=frame["codes"].map(list), article=article)


def rumedtop3(path: Path) -> pd.DataFrame:
    """Columns report_id, text, codes, split."""
    import pandas as pd

    frame = pd.read_parquet(path).rename(columns={"id": "report_id"})
    return frame[["report_id", "text", "codes", "split"]]


def space_of(codes: Sequence[Sequence[str]], min_documents: int = MIN_DOCUMENTS) -> list[str]:
    """The categories that at least so many documents have, the most frequent first."""
    counts = Counter(one for document in labels.categories(codes) for one in document)
    frequent = [one for one, documents in counts.items() if documents >= min_documents]
    return sorted(frequent, key=lambda one: (-counts[one], one))


def folds_of(groups: Sequence[str], random_seed: int) -> list[Rows]:
    """Rows of each fold; rows of one group are in one fold."""
    names = sorted(set(groups))
    order = seeding.rng(random_seed, "folds").permutation(len(names))
    fold = {names[place]: number % FOLDS for number, place in enumerate(order)}
    of_rows = np.array([fold[group] for group in groups])
    return [np.flatnonzero(of_rows == number) for number in range(FOLDS)]


def cross_validated(
    reports: pd.DataFrame,
    space: Sequence[str],
    how: CoderSettings,
    setup: Setup,
    permuted: bool = False,
) -> tuple[list[Judged], list[Judged]]:
    """A coder's answers about the documents of all folds, one for each seed; and the prior's.

    `permuted`: training reports have each other's codes, those that are judged their own.
    """
    params = Classify(coder=how, decision_rule=setup.rule, seeds=list(setup.seeds))
    folds = folds_of(reports["article"].tolist(), setup.random_seed)
    judged = np.concatenate(folds[: setup.folds])
    both: tuple[list[Judged], list[Judged]] = ([], [])
    for seed in setup.seeds:
        of_folds = []
        for test in folds[: setup.folds]:
            training = reports.drop(index=reports.index[test]).reset_index(drop=True)
            if permuted:
                training = _with_others_codes(training, setup.random_seed)
            found = predict(
                training, reports.iloc[test], params, space, len(training), seed,
                setup.random_seed, setup.scratch,
            )  # fmt: skip
            of_folds.append((found.truth, found.predicted, found.scores, *_prior(found, setup)))
        truth, decided, scores, prior_decided, prior_scores = map(
            np.concatenate, zip(*of_folds, strict=True)
        )
        answers = Judged(
            document_ids=tuple(reports["report_id"].iloc[judged]),
            label_space=tuple(space),
            truth=truth,
            decided=decided,
            scores=scores,
            size=len(reports),
            top_k=len(space),
            seed=seed,
            evaluation="cross-validated",
            rule=setup.rule,
        )
        both[0].append(answers)
        both[1].append(replace(answers, decided=prior_decided, scores=prior_scores))
    return both


def with_limits(answers: Sequence[Judged], metric: str, random_seed: int) -> Interval:
    """A metric's mean over seeds, with limits over documents and seeds."""
    of_seeds = [statistic(metric, one) for one in answers]
    rng = seeding.rng(random_seed, "bootstrap of documents")
    return crossed(of_seeds, np.arange(len(answers[0].document_ids)), rng)


def rankings(
    reports: pd.DataFrame, how: CoderSettings, setup: Setup, permuted: bool = False
) -> tuple[dict[int, Interval], dict[int, Interval]]:
    """acc@1 and acc@3 on dev of a coder trained on train; and the prior's."""
    train, dev = (reports[reports["split"] == part] for part in ("train", "dev"))
    if permuted:
        train = _with_others_codes(train, setup.random_seed)
    known = labels.categories([*train["codes"], *dev["codes"]])
    truth = labels.matrix(known, sorted({one for of in known[: len(train)] for one in of}))
    rows = np.arange(len(known))
    learnt, test = rows[: len(train)], rows[len(train) :]
    texts = [*train["text"], *dev["text"]]
    own_seed = seeding.derive(setup.random_seed, "coder")
    scores = coder(texts, how, own_seed, setup.scratch).scores(learnt, truth[learnt], test)
    prior = np.tile(truth[learnt].mean(axis=0), (len(test), 1))
    return _accuracies(truth[test], scores), _accuracies(truth[test], prior)


def _accuracies(truth: metrics.Bools, scores: metrics.Floats) -> dict[int, Interval]:
    """A document whose category training never saw is a miss."""
    hits = {k: (metrics.top_labels(scores, k) & truth).any(axis=1).sum() for k in (1, 3)}
    return {k: wilson(int(found), len(truth)) for k, found in hits.items()}


def _prior(found: Predicted, setup: Setup) -> tuple[metrics.Bools, metrics.Floats]:
    """What the prior decides of the documents that were judged, and its scores (log-odds)."""
    share = found.learnt.mean(axis=0)
    with np.errstate(divide="ignore"):  # a label that no training document has
        log_odds = np.log(share) - np.log1p(-share)
    learnt, judged = (np.tile(log_odds, (len(one), 1)) for one in (found.learnt, found.truth))
    fitted = decisions.fit(found.learnt, found.learnt, learnt)
    return decisions.decide(setup.rule, judged, fitted), judged


def _with_others_codes(reports: pd.DataFrame, random_seed: int) -> pd.DataFrame:
    order = seeding.rng(random_seed, "permuted codes").permutation(len(reports))
    return reports.assign(codes=reports["codes"].iloc[order].tolist())
