"""PRIVATE. Tells what kind of errors a coder trained on a step's data set makes.

``python -m stages.errors dpo2``
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("errors")


@app.command()
def main(step: str) -> None:
    """Compare the errors of coders trained on a step's data set and on private reports."""
    with stage_run("errors", item=step) as run:
        from synthfr import coding, records
        from synthfr.coding import error_analysis
        from synthfr.coding.kept import read_judged

        run.input(layout.synthetic_reports(step), "synthetic")
        measures = error_analysis.analyse(
            records.read_table(layout.synthetic_reports(step), records.SYNTHETIC),
            *records.read_sides(layout.PRIVATE_TRAIN, layout.PRIVATE_HOLDOUT),
            records.read_table(layout.DECISIONS, records.DECISIONS),
            run.params.classify,
            run.params.errors,
            coding.exported_space(records.read_table(layout.CODE_SETS, records.CODE_SETS)),
            run.params.keywords.min_documents,
            run.seed,
            run.scratch(),
            read_judged(layout.kept_answers(step)),
        )
        run.log(measures)


if __name__ == "__main__":
    app()
