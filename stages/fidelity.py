"""PRIVATE. Measures how far a step's data set is from private reports.

``python -m stages.fidelity dpo2``
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("fidelity")


@app.command()
def main(step: str) -> None:
    """Compare a data set with private reports, and with the codes it was asked for."""
    with stage_run("fidelity", item=step) as run:
        from synthfr import fidelity, records
        from synthfr.corpora.faithfulness import faithfulness

        run.input(layout.synthetic_reports(step), "synthetic")
        synthetic = records.read_table(layout.synthetic_reports(step), records.SYNTHETIC)
        comparison = fidelity.compare(
            synthetic,
            records.read_table(layout.PRIVATE_HOLDOUT, records.REPORTS),
            records.read_table(layout.PRIVATE_TRAIN, records.REPORTS),
            run.seed,
        )
        faithful = faithfulness(synthetic, run.params.seed.source, run.seed)
        run.log(comparison | {"faithfulness": faithful})
        fidelity.guard(step, comparison, faithful, run.params.fidelity)


if __name__ == "__main__":
    app()
