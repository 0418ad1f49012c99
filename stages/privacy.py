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
        from synthfr.privacy.sides import Sides

        run.input(layout.synthetic_reports(step), "synthetic")
        synthetic = records.read_table(layout.synthetic_reports(step), records.SYNTHETIC)
        train = records.read_table(layout.PRIVATE_TRAIN, records.REPORTS)
        holdout = records.read_table(layout.PRIVATE_HOLDOUT, records.REPORTS)
        sides = Sides.of(train, holdout, run.seed)
        run.log(
            privacy.describe(
                synthetic["text"].tolist(), train, holdout, sides, run.params.privacy, run.seed
            )
        )


if __name__ == "__main__":
    app()
