"""Does the privacy gate cry wolf, and does it find what is there?

``python -m benchmarks.privacy_gate [REPORTS] [--seeds 60]`` puts sets of reports to all tests of
the stage `privacy`, once a seed: two private sides and a third set that none of them has to do
with, all drawn from one source; then the same set with training reports copied into it, word for
word and reworded. Printed is the share of seeds in which each test accuses the set by itself, and
in which the gate does (Holm over all tests), with Wilson's interval.

REPORTS: a file of real reports (Parquet, with columns text and --codes), divided anew by each seed;
without it the demo's hospital of that seed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthfr.stats import wilson

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.privacy.rewording import Reworder

SIDE, SET = 300, 500  # reports of each private side, and of the set, in the demo
LARGEST = 2000  # of a real corpus
GATE = "the gate"


def main(
    reports: Annotated[Path | None, typer.Argument(help="Real reports; none: the demo.")] = None,
    seeds: Annotated[int, typer.Option(help="How many draws.")] = 60,
    copies: Annotated[list[int] | None, typer.Option(help="Copied reports.")] = None,
    codes: Annotated[str, typer.Option(help="Their column of codes.")] = "codes",
    language: Annotated[str, typer.Option(help="Of real reports.")] = "fr",
) -> None:
    """Print a line for each test, and one for the gate."""
    from synthfr import corpora

    corpus = corpora.load(corpora.Seed(), 0)
    wanted = [0, *(copies if copies is not None else [5, 10, 20])]
    found: dict[tuple[int, bool], Counter[str]] = {}
    for seed in range(seeds):
        train, holdout, others = drawn(reports, codes, language, seed)
        for number in wanted:
            for reworded in (False, True) if number else (False,):
                names = accused(train, holdout, others, number, reworded, corpus.codes, seed)
                found.setdefault((number, reworded), Counter()).update(names)
    print(f"{seeds} seeds; {len(train)} and {len(holdout)} private reports, {len(others)} others")
    names = sorted({name for counts in found.values() for name in counts} | {GATE})
    for (number, reworded), counts in found.items():
        print(f"{number} copies{', reworded' if reworded else ''}:")
        for name in names:
            share = wilson(counts[name], seeds)
            print(f"  {name:28} {share.mean:6.1%} [{share.low:.1%}, {share.high:.1%}]")


def accused(
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    others: pd.DataFrame,
    copies: int,
    reworded: bool,
    codes: pd.DataFrame,
    seed: int,
) -> Iterator[str]:
    """Names of the tests that accuse the set: `others` and so many training reports. The set is put
    to them and judged as the stage does it; only detection limits, on which no accusation rests,
    are not measured.
    """
    from synthfr.icd10.names import names
    from synthfr.privacy import verdicts
    from synthfr.privacy.audits import Audited, Setup
    from synthfr.privacy.examination import put_to_tests
    from synthfr.privacy.outcome import Verdict
    from synthfr.privacy.rewording import Reworder
    from synthfr.privacy.settings import Privacy
    from synthfr.privacy.sides import Sides
    from synthfr.text.tokens import composed

    settings = Privacy()
    sides = Sides.of(train, holdout, seed)
    setup = Setup(sides, settings, seed, 5)
    reworder = Reworder(settings.rewording, names(codes).values())
    added = list(copied(sides, copies, reworder if reworded else None, seed))
    texts = [*map(composed, others["text"]), *(text for text, _ in added)]
    audited = Audited(texts, [*map(list, others["codes"]), *(list(of) for _, of in added)])
    judged = put_to_tests(audited, setup, None)
    alpha = settings.gate.alpha
    yield from (name for name, one in judged.items() if one.finding.leaks(alpha))
    if verdicts.overall(judged) is Verdict.FAIL:
        yield GATE


def copied(
    sides: Any, number: int, reworder: Reworder | None, seed: int
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """So many training reports with their codes."""
    from synthfr import seeding

    rng = seeding.rng(seed, "copies")
    for at in rng.choice(int(sides.is_train.sum()), number, replace=False).tolist():
        text = sides.texts[at]
        if reworder is not None:
            text = reworder(text, sides.languages[at], seeding.derive(seed, "reword", at))
        yield text, sides.codes[at]


def drawn(
    reports: Path | None, codes: str, language: str, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Train, holdout and others, of one source."""
    from synthfr import seeding
    from synthfr.corpora import demo

    if reports is None:
        sizes = demo.DemoSizes(public=1, private_train=SIDE + SET, private_holdout=SIDE)
        corpus = demo.corpus(sizes, seed)
        return corpus.private_train[:SIDE], corpus.private_holdout, corpus.private_train[SIDE:]
    import pandas as pd

    frame = pd.read_parquet(reports)
    frame = frame.rename(columns={codes: "codes"})[["text", "codes"]].drop_duplicates("text")
    frame = frame.assign(report_id=[f"r{at}" for at in range(len(frame))], language=language)
    order = seeding.rng(seed, "thirds").permutation(len(frame))[:LARGEST]
    third = len(order) // 3
    parts = [frame.iloc[order[part * third : (part + 1) * third]] for part in range(3)]
    return parts[0], parts[1], parts[2]


if __name__ == "__main__":
    typer.run(main)
