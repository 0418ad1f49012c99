"""The n-gram audits of `privacy`: how fast against rouge-score; time and memory at real size.

``python -m benchmarks.overlap [REPORTS] [--text-column text] [--large]``

First the best private match of 1 000 reports among 1 000, of 800 words each: ours, and rouge-score
on all pairs of some of the reports, whose time is taken times as many; best match, recall,
precision and F must be equal on those. With `--large`: every audit at 50 000 synthetic and 20 000
private reports of 300 words (10 000 train, 10 000 holdout), the best match also with one formula of
12 words in 80 % of all reports, and all again with 50 000 reports of 1 000 words.

Reports are made of the sentences of REPORTS (Parquet, CSV or JSONL; without it, of demo reports),
drawn with replacement: nearly every n-gram of a synthetic report then stands in several private
ones, which is more than real reports share. Each measurement runs in a process of its own with one
thread; making the texts does not count, imports do not count beside rouge-score, whose seconds (and
ours there) are CPU seconds, so that other work on the machine does not count. The peak is that of
the process, with its texts.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

FORMULA = "the patient was told of these results and agreed to come again"  # 12 words
FORMULA_SHARE = 0.8
LARGE_TEXTS, LARGE_PRIVATE, LARGE_WORDS, LONG_WORDS = 50_000, 20_000, 300, 1_000
STAGE = "the whole stage"
# times; seconds, GiB
AIMS = {"ratio": 500, "best match": (300, 6), "other": (180, 6), STAGE: (900, 6)}

Texts = list[str]


def main(
    reports: Annotated[Path | None, typer.Argument(help="File with real reports.")] = None,
    text_column: str = "text",
    texts: Annotated[int, typer.Option(help="Synthetic, and as many private reports.")] = 1_000,
    words: int = 800,
    compared: Annotated[int, typer.Option(help="Reports that rouge-score takes.")] = 10,
    large: bool = False,
    seed: int = 0,
    only: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Compare with rouge-score; measure time and memory at real size."""
    if only:
        name, n_texts, n_private, length = json.loads(only)
        pool = _sentences(reports, text_column)
        print(json.dumps(MEASURED[name](pool, n_texts, n_private, length, seed)))
        return

    def run(name: str, *sizes: int) -> dict[str, Any]:
        command = [sys.executable, "-m", "benchmarks.overlap", *([str(reports)] if reports else [])]
        command += ["--text-column", text_column, "--seed", str(seed)]
        command += ["--only", json.dumps([name, *sizes])]
        told = subprocess.run(
            command,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        return dict(json.loads(told.stdout))

    pair = run("rouge", texts, compared, words)
    print(
        f"best of {texts} x {texts} reports of {words} words: rouge-score {pair['rouge_s']:.0f} s "
        f"(from {compared} of {texts} reports), ours {pair['ours_s']:.2f} s: "
        f"{pair['ratio']:.0f} times as fast (aim: {AIMS['ratio']}); "
        f"equal: {pair['equal']} of {compared}"
    )
    if not large:
        return
    for length in (LARGE_WORDS, LONG_WORDS):
        print(f"{LARGE_TEXTS} x {LARGE_PRIVATE} reports of {length} and {LARGE_WORDS} words")
        for name in LARGE:
            row = run(name, LARGE_TEXTS, LARGE_PRIVATE, length)
            kind = "best match" if name.startswith("best match") else "other"
            seconds, gib = AIMS.get(name, AIMS[kind])
            print(
                f"  {name:28} {row['seconds']:6.1f} s, {row['cpu_s']:.1f} of CPU (aim: {seconds})  "
                f"peak {row['peak_gib']:.2f} GiB (aim: {gib}), {row['before_gib']:.2f} of it texts",
                flush=True,
            )


def against_rouge(
    pool: Texts, n_texts: int, compared: int, words: int, seed: int
) -> dict[str, Any]:
    """Ours for all reports, rouge-score's all pairs for some; ASCII, which is all it can read."""
    from rouge_score.rouge_scorer import RougeScorer

    from synthfr.privacy.best_match import Index, best_matches

    synthetic, private = (
        [text.encode("ascii", "ignore").decode() for text in corpus(pool, n_texts, words, seed, k)]
        for k in range(2)
    )
    best_matches(Index(private[:1]), Index(private[:1]).coded, [(0, 1)])  # imports do not count
    begin = time.process_time()
    index = Index(private)
    coded = index.vocabulary.code(synthetic)
    (found,) = best_matches(index, coded, [(0, n_texts)])
    ours = time.process_time() - begin
    recalls, precisions, f_measures = found.recalls, found.precisions, found.f_measures
    scorer, equal = RougeScorer(["rouge5"]), 0
    begin = time.process_time()
    for row in range(compared):
        scores = [scorer.score(synthetic[row], report)["rouge5"] for report in private]
        best = max(range(n_texts), key=lambda report: scores[report].recall)  # the first on ties
        told = (recalls[row, 0], precisions[row, 0], f_measures[row, 0])
        same = all(
            abs(one - other) < 1e-12
            for one, other in zip(
                told,
                (scores[best].recall, scores[best].precision, scores[best].fmeasure),
                strict=True,
            )
        )
        found_best = int(found.reports[row, 0]) == (best if scores[best].recall else -1)
        equal += int(same and found_best)
    theirs = (time.process_time() - begin) / compared * n_texts
    return {"ours_s": ours, "rouge_s": theirs, "ratio": theirs / ours, "equal": equal}


def corpus(
    pool: Texts, n_texts: int, words: int, seed: int, part: int, formula: bool = False
) -> Texts:
    """Texts of exactly so many words, of sentences drawn from the pool."""
    from synthfr import seeding

    split = [sentence.split() for sentence in pool]
    rng = seeding.rng(seed, "benchmark texts", part)
    per_text = words // 4 + 1  # sentences are longer than 4 words on average
    texts = []
    for _ in range(n_texts):
        own: list[str] = []
        drawn = iter(rng.integers(0, len(split), per_text).tolist())
        while len(own) < words:
            own += split[next(drawn, 0)]
        del own[words:]
        if formula and rng.random() < FORMULA_SHARE:
            own += FORMULA.split()
        texts.append(" ".join(own))
    return texts


def _large(
    measured: Callable[[Texts, Any], None], formula: bool = False
) -> Callable[[Texts, int, int, int, int], dict[str, Any]]:
    def run(pool: Texts, n_texts: int, n_private: int, words: int, seed: int) -> dict[str, Any]:
        import pandas as pd

        synthetic = corpus(pool, n_texts, words, seed, 0, formula)
        private = corpus(pool, n_private, LARGE_WORDS, seed, 1, formula)
        half = n_private // 2
        names = [f"r{number}" for number in range(n_private)]
        frame = pd.DataFrame(
            {"report_id": names, "text": private, "codes": [[]] * n_private, "language": ""}
        )
        before = _peak_gib()
        begin, cpu = time.perf_counter(), time.process_time()
        measured(synthetic, (frame[:half], frame[half:]))
        seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
        return {"seconds": seconds, "cpu_s": cpu, "before_gib": before, "peak_gib": _peak_gib()}

    return run


def _best_match(synthetic: Texts, private: Any) -> None:
    from synthfr.privacy import best_match

    texts = [*private[0]["text"], *private[1]["text"]]
    index = best_match.Index(texts)
    spans = [(0, len(private[0])), (len(private[0]), len(texts))]
    best_match.best_matches(index, index.vocabulary.code(synthetic), spans)


def _overlap(synthetic: Texts, private: Any) -> None:
    from synthfr.privacy import overlap
    from synthfr.privacy.sides import Sides

    overlap.audit(synthetic, *private, Sides.of(*private, 0), 8)


def _near_duplicates(synthetic: Texts, private: Any) -> None:
    from synthfr.privacy import best_match, near_duplicates

    index = best_match.Index([*private[0]["text"], *private[1]["text"]])
    near_duplicates.near_duplicates(index, index.vocabulary.code(synthetic), 0.7, 0)


def _embedding(synthetic: Texts, private: Any) -> None:
    from synthfr.privacy import embedding_distance
    from synthfr.privacy.sides import Sides

    embedding_distance.distances(synthetic, Sides.of(*private, 0), 0)


def _verdicts(synthetic: Texts, private: Any) -> None:
    from synthfr.privacy import copied
    from synthfr.privacy.sides import Sides

    sides = Sides.of(*private, 0)
    for audit in (copied.CopiedRuns, copied.SharedNgrams8, copied.BestMatch5):
        one: Any = audit(sides, copied.Copying(), 0)
        one.finding(one.measure(synthetic))


def _examination(synthetic: Texts, private: Any) -> None:
    """The whole stage: descriptions, every test, their detection limits. Codes are drawn."""
    import pandas as pd

    from synthfr.privacy.examination import Private, examine
    from synthfr.privacy.rewording import Reworder
    from synthfr.privacy.settings import Privacy

    def coded(frame: pd.DataFrame, language: str) -> pd.DataFrame:
        codes = [[f"A{at % 40:02d}", f"B{at % 37:02d}"] for at in range(len(frame))]
        return frame.assign(codes=codes, language=language)

    settings = Privacy()
    names = [f"s{number}" for number in range(len(synthetic))]
    made = coded(pd.DataFrame({"report_id": names, "text": synthetic}), "fr")
    sides = Private(*(coded(side, "fr") for side in private), min_documents=5)
    examine(made, sides, settings, Reworder(settings.rewording, []), 0)


LARGE = {
    "best match": _large(_best_match),
    "best match, with a formula": _large(_best_match, formula=True),
    "8-grams and longest runs": _large(_overlap),
    "near-duplicates": _large(_near_duplicates),
    "embedding distances": _large(_embedding),
    "the three audits": _large(_verdicts),
    STAGE: _large(_examination),
}
MEASURED: dict[str, Callable[[Texts, int, int, int, int], dict[str, Any]]] = {
    "rouge": against_rouge,
    **LARGE,
}


def _sentences(reports: Path | None, column: str) -> Texts:
    if reports is not None:
        from synthfr.corpora.reading import read_columns

        texts = [str(text) for text in read_columns(reports)[column]]
    else:
        from synthfr.corpora import demo
        from synthfr.pipeline.parameters import load_params

        texts = demo.corpus(load_params().seed.demo, 0).public["text"].tolist()
    found = (one.strip() for text in texts for one in re.split(r"(?<=[.!?])\s+", text))
    return sorted({one for one in found if one})


def _peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    typer.run(main)
