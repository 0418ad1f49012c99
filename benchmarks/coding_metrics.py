"""The metrics of coding: how fast against scikit-learn, document by document.

``python -m benchmarks.coding_metrics [--documents 20000] [--labels 5000] [--compared 1000]``

Every document has 1 to 23 true labels, 12 in the mean; scores are normal, two higher where true, in
double precision. First F1@5 and average precision of every document: ours in one pass, which gives
P@k, R@k, F1@k for every k and R-precision too; scikit-learn's `f1_score` and
`average_precision_score` called for each of `compared` documents, whose time is taken
documents / compared times. The two must be equal on those. Then `of_rankings`, which has the
metrics per label and AUC beside these; and macro-F1 of two steps of three seeds by the bootstrap.

CPU seconds of one thread, so that other work on the machine does not count. Memory is what the
process took beyond truth and scores while ours ran.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import typer

from synthfr import seeding
from synthfr.coding import metrics
from synthfr.coding.comparison import compare
from synthfr.coding.judged import Judged

AIM = 100  # times as fast as scikit-learn
MOST_LABELS = 23
K = 5


def main(
    documents: int = 20_000,
    labels: int = 5_000,
    compared: int = 1_000,
    bootstrap_documents: int = 10_000,
    bootstrap_labels: int = 100,
    seed: int = 0,
) -> None:
    """Compare with scikit-learn; measure time and memory."""
    truth, scores = _case(documents, labels, seed)
    before = _peak_mib()
    ours_s, ours = _timed(lambda: metrics.of_documents(truth, scores))
    memory = _peak_mib() - before
    _row_by_row(truth[:1], scores[:1])  # imports do not count
    sklearn_s, theirs = _timed(lambda: _row_by_row(truth[:compared], scores[:compared]))
    sklearn_s *= documents / compared
    equal = all(np.allclose(ours[name][:compared], theirs[name]) for name in theirs)
    print(
        f"F1@{K} and average precision of {documents} documents x {labels} labels: scikit-learn "
        f"{sklearn_s:.1f} s (from {compared} documents), ours {ours_s:.2f} s and {memory:.0f} MiB "
        f"beside {truth.nbytes + scores.nbytes >> 20} MiB of truth and scores: "
        f"{sklearn_s / ours_s:.0f} times as fast (aim: {AIM}); equal: {equal}"
    )
    before = _peak_mib()
    all_s, _ = _timed(lambda: metrics.of_rankings(truth, scores))
    print(f"all metrics of rankings: {all_s:.1f} s and {_peak_mib() - before:.0f} MiB more")
    size = (bootstrap_documents, bootstrap_labels)
    steps = {"x": (_step(*size, 1), _step(*size, 0))}
    owners = {name: name for name in steps["x"][0][0].document_ids}
    compared_s, _ = _timed(lambda: compare(steps, owners, seed, ("macro_f1",)))
    print(
        f"difference of macro-F1, 2000 draws of {bootstrap_documents} documents x "
        f"{bootstrap_labels} labels x 3 seeds: {compared_s:.1f} s"
    )
    if not equal or sklearn_s / ours_s < AIM:
        raise typer.Exit(1)


def _case(documents: int, labels: int, seed: int) -> tuple[metrics.Bools, metrics.Floats]:
    rng = seeding.rng(seed, "coding metrics")
    row = np.repeat(np.arange(documents), rng.integers(1, MOST_LABELS + 1, documents))
    truth = np.zeros((documents, labels), dtype=np.bool_)
    truth[row, rng.integers(0, labels, len(row))] = True
    scores = rng.normal(size=truth.shape)
    scores[truth] += 2
    return truth, scores


def _row_by_row(truth: metrics.Bools, scores: metrics.Floats) -> dict[str, list[float]]:
    from sklearn.metrics import average_precision_score, f1_score

    found: dict[str, list[float]] = {f"f1_at_{K}": [], "map_document": []}
    for true, score in zip(truth, scores, strict=True):
        top = np.zeros_like(true)
        top[np.argpartition(-score, K)[:K]] = True
        found[f"f1_at_{K}"].append(float(f1_score(true, top)))
        found["map_document"].append(float(average_precision_score(true, score)))
    return found


def _step(documents: int, labels: int, step: int) -> list[Judged]:
    """Three seeds' answers about the same documents; the second step's are a little better."""
    truth = seeding.rng(0, "truth").random((documents, labels)) < 0.1
    answers = []
    for seed in range(3):
        noise = seeding.rng(0, "noise", step, seed).normal(0, 0.4 - 0.01 * step, truth.shape)
        scores = truth - 0.5 + noise
        one = Judged(
            document_ids=tuple(map(str, range(documents))),
            label_space=tuple(map(str, range(labels))),
            truth=truth,
            decided=scores > 0,
            scores=scores,
            size=documents,
            top_k=labels,
            seed=seed,
            evaluation="unbiased",
            rule="fixed_threshold",
        )
        answers.append(one)
    return answers


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    typer.run(main)
