"""PRIVATE. Compares the coders of all steps on the same holdout reports.

``python -m stages.compare``
"""

from __future__ import annotations

from typing import Any

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
        owners = dict(zip(holdout["report_id"], records.owners_of(holdout), strict=True))
        counts = labels.exported_counts(records.read_table(layout.CODE_SETS, records.CODE_SETS))

        def compared(coder: str) -> dict[str, Any]:
            return progress(
                {step: read_judged(layout.kept_answers(step, coder)) for step in run.params.steps},
                {name: read_judged(layout.kept_answers(name, coder)) for name in layout.REFERENCES},
                counts,
                owners,
                run.params.keywords.min_documents,
                run.seed,
            )

        run.log(compared(""))
        if run.params.train_coder.seeds:
            run.log({"train_coder": compared("train_coder")})


if __name__ == "__main__":
    app()
