"""PRIVATE. Judges coders trained on real reports: what to compare the steps with.

``python -m stages.reference``
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("reference")


@app.command()
def main() -> None:
    """Train coders on the public seed and on private reports, and judge them on the holdout."""
    with stage_run("reference") as run:
        from synthfr import coding, records
        from synthfr.coding.kept import Keeper, write_judged

        holdout = records.read_table(layout.PRIVATE_HOLDOUT, records.REPORTS)
        space = coding.exported_space(records.read_table(layout.CODE_SETS, records.CODE_SETS))
        scratch = run.scratch()
        run.input(layout.SEED, "public_seed")
        tables = (layout.SEED, layout.PRIVATE_TRAIN)
        for name, path in zip(layout.REFERENCES, tables, strict=True):
            training, keeper = records.read_table(path, records.REPORTS), Keeper()
            cells = coding.evaluate_real(
                training, holdout, run.params.classify, space, run.seed, scratch, keeper
            )
            write_judged(layout.kept_answers(name), keeper.answers)
            run.log({name: coding.summarise(cells, run.params.classify.decision_rule)})


if __name__ == "__main__":
    app()
