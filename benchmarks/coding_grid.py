"""The grid of one step at a hospital's size: how long, and how much memory.

``python -m benchmarks.coding_grid [--cores 2] [--sizes 10000 ...] [--top-k 10 ...]``

Three sizes, three label spaces and three seeds of the coder `tfidf`, both evaluations, every
decision rule and metric, as the stage `classify` does it, of reports of 300 words. The text is demo
reports one behind the other; one word in ten is another, drawn from 200 000 that are as unevenly
frequent as words are (Zipf's law), because the demo's few thousand words would flatter: there are
then about as many different words and word pairs as in real cases. Codes are drawn likewise from
300 categories, five a report; of each, two of its six words stand somewhere in the text, and of one
in ten none, so that coders have something to learn and to err about.

CPU seconds are those of all processes; the seconds of the clock count other work on the machine
too. Memory is looked at once a second: what all processes hold together, shared parts counted once.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import psutil  # type: ignore[import-untyped]
import typer

from synthfr import seeding

if TYPE_CHECKING:
    import pandas as pd

AIM_S, AIM_GIB = 600, 8
WORDS = 300
DEMO_REPORTS = 4000  # that texts are made of
TAIL_WORDS, TAIL_SHARE = 200_000, 0.1
CATEGORIES = [f"{letter}{number:02}" for letter in "ABCDEFGHIJ" for number in range(30)]
CODES, UNEXPRESSED = 5, 0.1


def main(
    sizes: Annotated[list[int] | None, typer.Option(help="None: 10 000, 25 000, 50 000.")] = None,
    top_k: Annotated[list[int] | None, typer.Option(help="None: 10, 20, 30.")] = None,
    seeds: int = 3,
    cores: Annotated[int, typer.Option(help="That may be used: runtime.threads.")] = 2,
    holdout: Annotated[int, typer.Option(help="Reports judged.")] = 2000,
    seed: int = 0,
) -> None:
    """Print seconds and memory of one step's grid."""
    from synthfr.coding.grid import Classify, evaluate_grid
    from synthfr.coding.labels import categories
    from synthfr.icd10 import label_space

    params = Classify.model_validate(
        {
            "sizes": sizes or [10_000, 25_000, 50_000],
            "top_k": top_k or [10, 20, 30],
            "seeds": list(range(seeds)),
        }
    )
    training, judged = (
        made(number, seed, side)
        for number, side in ((max(params.sizes), "training"), (holdout, "holdout"))
    )
    space = label_space(categories(training["codes"]), max(params.top_k))
    os.environ["OMP_NUM_THREADS"] = str(cores)  # as a stage says it
    begun, cpu = time.perf_counter(), _cpu_s()
    with tempfile.TemporaryDirectory() as scratch, _watched() as peak_gib:
        cells = evaluate_grid(training, judged, params, space, seed, Path(scratch))
    seconds, cpu = time.perf_counter() - begun, _cpu_s() - cpu
    print(
        f"sizes {params.sizes}, top k {params.top_k}, {seeds} seeds, {holdout} holdout reports of "
        f"{WORDS} words, {cores} cores: {len(cells)} cells in {seconds:.0f} s, {cpu:.0f} s CPU "
        f"(aim: {AIM_S} s of the clock on two free cores); {max(peak_gib):.1f} GiB (aim: {AIM_GIB})"
    )


def made(reports: int, seed: int, side: str) -> pd.DataFrame:
    """Columns report_id, text, codes."""
    import pandas as pd

    from synthfr.corpora import demo

    sizes = demo.DemoSizes(public=DEMO_REPORTS, private_train=1, private_holdout=1)
    source = [text.split() for text in demo.corpus(sizes, seed).public["text"]]
    tail, frequency = _zipf(TAIL_WORDS), _zipf(len(CATEGORIES))
    rows = []
    for number in range(reports):
        rng = seeding.rng(seed, "report", side, number)
        text: list[str] = []
        while len(text) < WORDS:
            text += source[int(rng.integers(len(source)))]
        text = text[:WORDS]
        for place in np.flatnonzero(rng.random(WORDS) < TAIL_SHARE).tolist():
            text[place] = f"w{np.searchsorted(tail, rng.random())}"
        drawn = np.searchsorted(frequency, rng.random(CODES))
        codes = [CATEGORIES[one] for one in dict.fromkeys(drawn.tolist())]
        for code in codes:
            if rng.random() > UNEXPRESSED:
                for place in rng.integers(WORDS, size=2).tolist():
                    text[place] = f"{code.lower()}{'abcdef'[rng.integers(6)]}"
        rows.append((f"{side}-{number}", " ".join(text), codes))
    return pd.DataFrame(rows, columns=["report_id", "text", "codes"])


def _zipf(number: int) -> np.ndarray:
    """Cumulated shares of so many things; the first ten are about as frequent."""
    shares = 1 / np.arange(10, number + 10)
    return np.asarray(np.cumsum(shares) / shares.sum())


def _cpu_s() -> float:
    """Of this process and those that it started and that ended."""
    return sum(os.times()[:4])


@contextmanager
def _watched() -> Iterator[list[float]]:
    """GiB that this process and those it started hold together, again and again."""
    seen, over = [_held_gib()], threading.Event()

    def watch() -> None:
        while not over.wait(1):
            seen.append(_held_gib())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def _held_gib() -> float:
    this = psutil.Process()
    held = 0
    for process in (this, *this.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # ended meanwhile
            held += process.memory_full_info().pss
    return held / 2**30


if __name__ == "__main__":
    typer.run(main)
