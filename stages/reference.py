"""PRIVATE. Judges coders trained on real reports: what to compare the steps with, alone and mixed
with private reports.

``python -m stages.reference``
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("reference")


@app.command()
def main() -> None:
    """Train coders on the public seed, on private reports and on both, judge them on the holdout."""
    with stage_run("reference") as run:
        from synthfr import coding, records
        from synthfr.coding.kept import Keeper, write_judged
        from synthfr.coding.mixtures import evaluate_public

        holdout = records.read_table(layout.PRIVATE_HOLDOUT, records.REPORTS)
        space = coding.exported_space(records.read_table(layout.CODE_SETS, records.CODE_SETS))
        scratch = run.scratch()
        run.input(layout.SEED, "public_seed")
        tables = [records.read_table(path, records.REPORTS)
                  for path in (layout.SEED, layout.PRIVATE_TRAIN)]  # fmt: skip
        how = (holdout, run.params.classify, space, run.seed, scratch)
        for name, training in zip(layout.REFERENCES, tables, strict=True):
            keeper = Keeper()
            cells = coding.evaluate_real(training, *how, keeper)
            write_judged(layout.kept_answers(name), keeper.answers)
            run.log({name: coding.summarise(cells, run.params.classify.decision_rule)})
        keeper, augment = Keeper(), run.params.augment
        mixed = evaluate_public(*tables, augment.real, augment.synthetic_shares, *how, keeper)
        write_judged(layout.kept_answers(layout.MIXED_PUBLIC), keeper.answers)
        run.log({layout.MIXED_PUBLIC: mixed})


if __name__ == "__main__":
    app()
