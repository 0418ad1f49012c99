"""``synth-fr seeds``: the whole loop once per seed, in clones of this checkout, and the table."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from synthfr.errors import UserError
from synthfr.pipeline.cli import clones, seed_record, seed_tests
from synthfr.pipeline.parameters import load_params


def run(seeds: Sequence[int], jobs: int) -> None:
    """Repro every seed, `jobs` at once, write ``docs/seeds.json``, print its tables."""
    if len(set(seeds)) < len(seeds):
        raise UserError("seeds: one is named twice: name each once.")
    record = seed_record.new(seeds, load_params().steps)
    runs = {seed: loop(seed) for seed in seeds}
    clones.reproduce(list(runs.values()), jobs)
    before = seed_record.read()
    if before is not None and before.get("controls"):
        same = all(before[name] == record[name] for name in ("seeds", "steps"))
        if same and not seed_record.changed_since(before):
            seed_record.keep_controls(record, before)
        else:
            typer.echo("The controls of the last record are not of this loop: `make controls`.")
    for seed, one in runs.items():
        seed_record.put(record, seed, seed_record.of_loop(one.metrics, record["steps"]))
    seed_tests.write(record)
    show()


def loop(seed: int) -> clones.Job:
    """The loop as it is committed, with another seed."""
    return clones.Job(clones.name_of(seed), {"random_seed": seed}, has_secret=has_secret())


def has_secret() -> bool:
    """Whether the rounds release scores with noise. A clone is then a hospital of its own: what it
    spends is charged to a ledger of its own, and nothing of it leaves.
    """
    return load_params().score.release == "population"


def show() -> None:
    """Print the headline and the tables of ``docs/seeds.json``."""
    from synthfr.pipeline.cli import tables

    tables.show_seeds()
