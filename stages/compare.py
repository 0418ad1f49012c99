"""PRIVATE. Compares the coders of all steps on the same holdout reports.

``python -m stages.compare``
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("compare")


@app.command()
def main() -> None:
    """Say how far apart the steps are, and how sure that is, from answers that were kept."""
    with stage_run("compare") as run:
        from synthfr import records
        from synthfr.coding import labels
        from synthfr.coding.kept import read_judged
        from synthfr.coding.progress import progress

        holdout = records.read_table(layout.PRIVATE_HOLDOUT, records.REPORTS)
        measures = progress(
            {step: read_judged(layout.kept_answers(step)) for step in run.params.steps},
            {name: read_judged(layout.kept_answers(name)) for name in layout.REFERENCES},
            labels.exported_counts(records.read_table(layout.CODE_SETS, records.CODE_SETS)),
            dict(zip(holdout["report_id"], records.owners_of(holdout), strict=True)),
            run.params.keywords.min_documents,
            run.seed,
        )
        run.log(measures)


if __name__ == "__main__":
    app()
