"""PRIVATE. Measures how far a step's data set is from private reports.

``python -m stages.fidelity dpo2``
"""

from __future__ import annotations

from stages import layout
from stages.runner import stage_app, stage_run

app = stage_app("fidelity")


@app.command()
def main(step: str) -> None:
    """Compare a data set's lengths, vocabulary and repetition with private reports."""
    with stage_run("fidelity", item=step) as run:
        from synthfr import fidelity, records

        run.input(layout.synthetic_reports(step), "synthetic")
        comparison = fidelity.compare(
            records.read_table(layout.synthetic_reports(step), records.SYNTHETIC),
            records.read_table(layout.PRIVATE_HOLDOUT, records.REPORTS),
            records.read_table(layout.PRIVATE_TRAIN, records.REPORTS),
            run.seed,
        )
        run.log(comparison)


if __name__ == "__main__":
    app()
