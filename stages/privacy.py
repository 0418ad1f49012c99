"""PRIVATE. Measures how much of private reports a step's data set repeats.

``python -m stages.privacy dpo2``
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("privacy")


@app.command()
def main(step: str) -> None:
    """Compare a data set with the private reports that the loop has used, and with others."""
    with stage_run("privacy", item=step) as run:
        from synthfr import privacy, records

        run.input(layout.synthetic_reports(step), "synthetic")
        audit = privacy.audit(
            records.read_table(layout.synthetic_reports(step), records.SYNTHETIC),
            records.read_table(layout.PRIVATE_TRAIN, records.REPORTS),
            records.read_table(layout.PRIVATE_HOLDOUT, records.REPORTS),
            run.params.privacy.ngram,
            run.seed,
        )
        run.log(audit.as_dict())


if __name__ == "__main__":
    app()
