"""Scores with a guarantee: how many pairs keep their order, and what the loop reaches by them.

``python -m benchmarks.population order [--private FILE --public FILE]``: pairs of a prompt's
candidates that noise leaves in the order of the same scores without noise, for scores beside a
candidate's own document (`paired`) and scores of the whole corpus with each number cut at what the
bound leaves to it (`cut`), with each patient's vector brought to norm 1 (`normalised`), and so
after the mean of each prompt's candidates is taken away (`centred`, which is `score.release:
population`). Without files: demo reports, with the strata of their codes. FILEs are Parquet with a
column text and perhaps codes. Candidates are public reports, for a private report with codes those
that share one.

``python -m benchmarks.population loop``: macro-F1 of the last round's data set on the shipped demo,
the whole loop once for each epsilon and seed in clones of this checkout (hours).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.dp import accounting, noise
from synthfr.scoring import population

if TYPE_CHECKING:
    import pandas as pd

DELTA, ROUNDS, PER_PROMPT = 1e-5, 3, 4
Floats = NDArray[np.float64]
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def order(
    private: Annotated[Path | None, typer.Option(help="Default: demo reports.")] = None,
    public: Annotated[Path | None, typer.Option(help="Default: demo reports.")] = None,
    language: str = "fr",
    documents: int = 500,
    prompts: int = 250,
    draws: int = 5,
    random_seed: int = 0,
) -> None:
    """Print the share of pairs in true order, mean over draws of the noise."""
    ours = _table(private, "private", documents, language, random_seed)
    theirs = _table(public, "public", 1000, language, random_seed)
    learnt_from, offered = theirs.iloc[::2], theirs.iloc[1::2]
    asked = list(range(min(prompts, len(ours))))
    taken = _candidates(ours.iloc[asked], offered, random_seed)
    similar = _similarities(ours["text"].tolist(), taken["text"], learnt_from["text"].tolist())
    prompt_of = np.repeat(np.arange(len(asked)), PER_PROMPT)
    own = similar[prompt_of, np.arange(len(prompt_of))]
    print(
        f"{len(ours)} documents, {len(prompt_of)} candidates of {len(asked)} prompts, {ROUNDS} "
        f"rounds, delta {DELTA:g}, add-remove; {draws} draws of the noise, seed {random_seed}"
    )
    print(
        f"\n{'scores':<30}{'epsilon 2':>12}{'epsilon 8':>12}{'order of own document, no noise':>34}"
    )
    for name, vectors, reference in _contenders(similar, own, prompt_of, ours, asked):
        kept = [
            np.mean(
                [
                    in_order(reference, vectors + _noise(epsilon, len(own), draw), prompt_of)
                    for draw in range(draws)
                ]
            )
            for epsilon in (2.0, 8.0)
        ]
        usable = in_order(own, reference, prompt_of)
        print(f"{name:<30}{kept[0]:>12.3f}{kept[1]:>12.3f}{usable:>34.3f}")


def _contenders(
    similar: Floats, own: Floats, prompt_of: NDArray[np.int64], ours: pd.DataFrame, asked: list[int]
) -> list[tuple[str, Floats, Floats]]:
    """Name, sum over patients before noise of sensitivity 1, and the scores that it stands for."""
    # a document's own candidates: so many numbers of at most 1 have norm at most its root
    found = [("paired", own / math.sqrt(PER_PROMPT), own)]
    strata: dict[str, Floats] = {"corpus": np.ones_like(similar)}
    if ours["codes"].map(len).all():
        strata["codes"] = np.array(
            [
                [bool(set(one) & set(ours["codes"].iloc[asked[at]])) for at in prompt_of]
                for one in ours["codes"]
            ],
            dtype=np.float64,
        )
    for stratum, member in strata.items():
        vectors = similar * member
        most = 1 / math.sqrt(vectors.shape[1])
        centred = vectors - _prompt_means(vectors, prompt_of)
        ways: dict[str, Callable[[], Floats]] = {
            "cut": lambda vectors=vectors, most=most: np.clip(vectors, -most, most).sum(axis=0),
            "normalised": lambda vectors=vectors: _on_grid(vectors),
            "centred": lambda centred=centred: _on_grid(centred),
        }
        reference = vectors.sum(axis=0)
        found += [(f"{way}, {stratum}", made(), reference) for way, made in ways.items()]
    return found


def in_order(true: Floats, noisy: Floats, prompt_of: NDArray[np.int64]) -> float:
    """Share of the pairs of a prompt's candidates, those with equal true scores apart, that `noisy`
    scores put in the order of the `true` ones.
    """
    kept = pairs = 0
    for prompt in np.unique(prompt_of):
        rows = np.flatnonzero(prompt_of == prompt)
        one, other = (rows[at] for at in np.triu_indices(len(rows), 1))
        apart = np.sign(true[one] - true[other])
        pairs += int((apart != 0).sum())
        kept += int((apart * np.sign(noisy[one] - noisy[other]) > 0).sum())
    return kept / pairs


def _on_grid(vectors: Floats) -> Floats:
    total = np.sum([population.on_grid(one) for one in vectors], axis=0)
    return np.asarray(total / noise.GRID)


def _prompt_means(vectors: Floats, prompt_of: NDArray[np.int64]) -> Floats:
    means = np.array([np.bincount(prompt_of, one) for one in vectors]) / np.bincount(prompt_of)
    return np.asarray(means[:, prompt_of])


def _noise(epsilon: float, size: int, draw: int) -> Floats:
    sigma = accounting.sigma_for(epsilon, DELTA, ROUNDS, "add_remove")
    key = seeding.rng(draw, "benchmark noise", epsilon).bytes(32)
    drawn = noise.discrete_gaussian(key, math.ceil(sigma * noise.GRID), size)
    return np.asarray(drawn / noise.GRID)


def _similarities(
    documents: Sequence[str], candidates: Sequence[str], learnt_from: Sequence[str]
) -> Floats:
    """As the stage score has them, shape (n_documents, n_candidates)."""
    from synthfr.scoring.local import LocalEvaluator, LocalSettings
    from synthfr.scoring.similarity import DocumentSimilarity

    encoder = LocalEvaluator(LocalSettings(fit="public"))
    encoder.fit(learnt_from)
    rows = DocumentSimilarity(encoder, {}, 128, 64).with_all(candidates, documents, at_once=64)
    return np.array(list(rows))


def _candidates(
    asked: pd.DataFrame, offered: pd.DataFrame, random_seed: int
) -> dict[str, list[str]]:
    texts: list[str] = []
    for at, codes in enumerate(asked["codes"]):
        sharing = [bool(set(codes) & set(one)) for one in offered["codes"]]
        pool = np.flatnonzero(sharing) if sum(sharing) >= PER_PROMPT else np.arange(len(offered))
        rng = seeding.rng(random_seed, "candidates", at)
        texts += offered["text"].iloc[rng.choice(pool, PER_PROMPT, replace=False)].tolist()
    return {"text": texts}


def _table(
    path: Path | None, side: str, size: int, language: str, random_seed: int
) -> pd.DataFrame:
    """Columns text and codes; at most `size` rows, drawn."""
    import pandas as pd

    from synthfr.text import strip_headings

    if path is None:
        from synthfr.corpora.demo import DemoSizes, corpus

        sizes = DemoSizes(public=size, private_train=size, private_holdout=1)
        both = corpus(sizes, random_seed)
        frame = both.public if side == "public" else both.private_train
    else:
        frame = pd.read_parquet(path)
        if "codes" not in frame:
            frame["codes"] = [[]] * len(frame)
    rows = seeding.rng(random_seed, "benchmark", side).permutation(len(frame))[:size]
    frame = frame.iloc[np.sort(rows)].reset_index(drop=True)
    return frame.assign(text=[strip_headings(text, language) for text in frame["text"]])


# --- the loop -----------------------------------------------------------------------------------


@app.command()
def loop(
    epsilon: Annotated[list[float] | None, typer.Option(help="0: no noise.")] = None,
    seed: Annotated[list[int] | None, typer.Option()] = None,
    stratum: str = "codes",
    jobs: int = 1,
    tiny: Annotated[bool, typer.Option(help="Minutes and no meaning: does it run?")] = False,
) -> None:
    """Run the loop for every epsilon and seed, and print macro-F1 of the last step's data set."""
    from synthfr.pipeline.cli import clones, seed_record
    from synthfr.pipeline.parameters import load_params

    last = load_params().steps[-1]
    wanted = [(one, each) for one in (epsilon or EPSILONS) for each in (seed or SEEDS)]
    runs = {point: _job(*point, stratum, last, tiny) for point in wanted}
    clones.reproduce(list(runs.values()), jobs)
    for (one, each), job in runs.items():
        figures = seed_record.of_step(job.metrics, last)
        found = {key[-1]: value for key, value in figures.items() if key[:2] == MACRO_F1}
        cells = "  ".join(f"{cell} {value:.4f}" for cell, value in sorted(found.items()))
        print(f"epsilon {one or math.inf:<5g} seed {each}: {cells}")


EPSILONS, SEEDS = (1.0, 2.0, 4.0, 8.0, 0.0), (0, 1, 2)
MACRO_F1 = ("metrics", "macro_f1")
TINY: dict[str, Any] = {
    "seed": {"demo": {"public": 120, "private_train": 120, "private_holdout": 80}},
    "keywords": {"min_documents": 2},
    "sft": {"epochs": 1},
    "generate": {"max_new_tokens": 32},
    "synthesize": {"reports": 80, "max_new_tokens": 32},
    "classify": {"sizes": [60], "top_k": [5], "seeds": [0]},
    "dpo": {"max_truncated_share": 1.0},
}


def _job(epsilon: float, seed: int, stratum: str, last: str, tiny: bool) -> Any:
    from synthfr.pipeline.cli import clones, control_runs

    scored = {
        "release": "population",
        "evaluator": {"local": {"fit": "public"}},
        "dp": {"stratum": stratum, "epsilon": epsilon or None, "releases": ROUNDS, "budget": 20.0},
    }
    overlay: dict[str, Any] = {"random_seed": seed, "score": scored}
    for laid in (control_runs.UNGUARDED, TINY if tiny else {}):
        overlay |= {key: {**overlay.get(key, {}), **part} for key, part in laid.items()}
    name = f"seed-{seed}-epsilon-{epsilon or 'none'}-{stratum}{'-tiny' if tiny else ''}"
    targets = tuple(f"{stage}@{last}" for stage in ("classify", "fidelity", "privacy"))
    return clones.Job(name, overlay, targets, has_secret=True)


if __name__ == "__main__":
    app()
