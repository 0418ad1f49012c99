"""The price of k-anonymous keyword sets (`keywords.min_set_documents`): what is exported, and how
well a coder learns from what the loop then writes.

``python -m benchmarks.set_anonymity [--k 1 --k 2 --k 5]`` exports the keywords of the data of this
checkout (or, where it has none, of the demo) once for each k: prompts kept, terms a prompt, how far
sets tell documents apart.

``python -m benchmarks.set_anonymity --loop [--seed 0 --seed 1 --seed 2] [--jobs 2]`` also runs the
whole loop in clones, one for each k and seed, and prints macro-F1 of the last step: hours.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from synthfr.keywords.export import Export
    from synthfr.pipeline.cli.clones import Job

ALL_K = (1, 2, 5)
SEEDS = (0, 1, 2)


def main(
    k: Annotated[list[int] | None, typer.Option(help="Patients that share each set.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds of the loop.")] = None,
    loop: Annotated[bool, typer.Option(help="Run the loop as well.")] = False,
    jobs: Annotated[int, typer.Option(help="Clones that run at once.")] = 1,
) -> None:
    """Print a line for each k."""
    print(f"{'k':>3} {'prompts':>8} {'terms a prompt':>15} {'terms lost':>11} "
          f"{'unique sets':>12} {'unique lists':>14} {'a pair of its own':>18}")  # fmt: skip
    before, all_k = 0, sorted(k or ALL_K)
    for one in all_k:
        done = exported(one)
        terms = sum(map(len, done.prompts["keywords"]))
        before = before or terms
        sets: Any = done.counts["prompt_sets"]
        shares = [sets[f"unique_{what}share"] for what in ("", "in_order_", "pair_")]
        print(
            f"{one:>3} {len(done.prompts):>8} {terms / len(done.prompts):>15.2f} "
            f"{1 - terms / before:>11.1%} "
            + " ".join(
                f"{'few' if share is None else f'{share:.1%}':>{width}}"
                for share, width in zip(shares, (12, 14, 18), strict=True)
            )
        )
    if loop:
        print("\nmacro-F1 of the last step, most reports and codes, by seed")
        for one, by_seed in in_the_loop(all_k, seed or list(SEEDS), jobs).items():
            shown = ", ".join(f"{seed}: {figure:.3f}" for seed, figure in by_seed.items())
            print(f"{one:>3} mean {fmean(by_seed.values()):.3f} ({shown})")


def exported(k: int) -> Export:
    """The export of the keywords stage with this `min_set_documents`."""
    from synthfr import corpora, records
    from synthfr.keywords.export import export
    from synthfr.pipeline import layout
    from synthfr.pipeline.parameters import load_params

    params = load_params()
    if layout.PRIVATE_TRAIN.exists():
        public = records.read_table(layout.SEED, records.REPORTS)
        private = records.read_table(layout.PRIVATE_TRAIN, records.REPORTS)
        codes = records.read_table(layout.CODES, records.CODES)
    else:
        corpus = corpora.demo.corpus(params.seed.demo, params.random_seed)
        public, private, codes = corpus.public, corpus.private_train, corpus.codes
    keywords = params.keywords.model_copy(update={"min_set_documents": k})
    return export(public, private, codes, keywords, params.prompt.template, params.random_seed)


def in_the_loop(all_k: list[int], seeds: list[int], jobs: int) -> dict[int, dict[int, float]]:
    """Macro-F1 of a coder trained on the last step's data set, by k and seed."""
    from synthfr.disk import read_json
    from synthfr.pipeline.cli import clones
    from synthfr.pipeline.parameters import load_params

    params = load_params()
    last, classify = params.steps[-1], params.classify
    runs = {(k, seed): clone(k, seed, last) for k in all_k for seed in seeds}
    clones.reproduce(list(runs.values()), jobs)
    found: dict[int, dict[int, float]] = {k: {} for k in all_k}
    for (k, seed), one in runs.items():
        tree = read_json(one.metrics / "classify" / f"{last}.json")
        cell = tree[f"size={max(classify.sizes)}"][f"top_k={max(classify.top_k)}"]
        found[k][seed] = cell["macro_f1"]["mean"]
    return found


def clone(k: int, seed: int, last_step: str) -> Job:
    """The loop with such keyword sets, evaluated at its last step; whatever its preferences do."""
    from synthfr.pipeline.cli import clones, control_runs

    overlay = {
        "random_seed": seed,
        "keywords": {"min_set_documents": k},
        **control_runs.UNGUARDED,
    }
    targets = tuple(f"{stage}@{last_step}" for stage in ("classify", "fidelity", "privacy"))
    return clones.Job(f"seed-{seed}-sets-{k}", overlay, targets)


if __name__ == "__main__":
    typer.run(main)
