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
    """Train coders on the public seed, private reports and both; judge them on the holdout."""
    with stage_run("reference") as run:
        from synthfr import coding, records
        from synthfr.coding.kept import Keeper, write_judged
        from synthfr.coding.mixtures import evaluate_public

        private, holdout = records.read_sides(layout.PRIVATE_TRAIN, layout.PRIVATE_HOLDOUT)
        space = coding.exported_space(records.read_table(layout.CODE_SETS, records.CODE_SETS))
        scratch = run.scratch()
        run.input(layout.SEED, "public_seed")
        public = records.read_table(layout.SEED, records.REPORTS)
        how = (holdout, run.params.classify, space, run.seed, scratch)
        for name, training in zip(layout.REFERENCES, (public, private), strict=True):
            keeper = Keeper()
            fewest = run.params.keywords.min_documents
            cells = coding.evaluate_real(training, *how, keeper, fewest, training is private)
            write_judged(layout.kept_answers(name), keeper.answers)
            run.log({name: coding.summarise(cells, run.params.classify.decision_rule)})
        keeper, shares = Keeper(), run.params.augment.synthetic_shares
        mixed = evaluate_public(public, private, run.params.augment.real, shares, *how, keeper)
        write_judged(layout.kept_answers(layout.MIXED_PUBLIC), keeper.answers)
        run.log({layout.MIXED_PUBLIC: mixed})


if __name__ == "__main__":
    app()
