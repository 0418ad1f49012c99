"""PRIVATE. Measures how far a step's data set is from private reports.

``python -m stages.fidelity dpo2``
"""

from __future__ import annotations

import sys

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("fidelity")


@app.command()
def main(step: str) -> None:
    """Compare a data set with private reports, and with the codes it was asked for."""
    with stage_run("fidelity", item=step) as run:
        from synthfr import fidelity, records

        run.input(layout.synthetic_reports(step), "synthetic")
        synthetic = records.read_table(layout.synthetic_reports(step), records.SYNTHETIC)
        train, holdout = records.read_sides(layout.PRIVATE_TRAIN, layout.PRIVATE_HOLDOUT)
        measured = fidelity.measure(
            synthetic,
            holdout,
            train,
            records.read_table(layout.SEED, records.REPORTS),
            fidelity.Setup(
                run.params.fidelity.distances,
                run.params.keywords.min_documents,
                run.params.seed.source,
                run.seed,
            ),
        )
        for note in measured.notes:
            print(f"fidelity: {note}", file=sys.stderr)
        figures = measured.figures
        run.log(figures)
        fidelity.guard(step, figures, figures["faithfulness"], run.params.fidelity)


if __name__ == "__main__":
    app()
