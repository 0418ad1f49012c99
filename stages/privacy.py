"""PRIVATE. Tests what a step's data set betrays of private reports, and gives a verdict.

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
        from synthfr import records
        from synthfr.privacy.examination import examine
        from synthfr.privacy.rewording import reword

        run.input(layout.synthetic_reports(step), "synthetic")
        examined = examine(
            records.read_table(layout.synthetic_reports(step), records.SYNTHETIC)["text"].tolist(),
            records.read_table(layout.PRIVATE_TRAIN, records.REPORTS),
            records.read_table(layout.PRIVATE_HOLDOUT, records.REPORTS),
            run.params.privacy,
            reword,
            run.seed,
        )
        run.log(examined.as_dict())
        run.plot(examined.limits(), "detection")


if __name__ == "__main__":
    app()
