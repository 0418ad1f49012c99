"""PRIVATE. Judges coders trained on private and synthetic reports together.

``python -m stages.augment dpo2``
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("augment")


@app.command()
def main(step: str) -> None:
    """Train coders on mixtures of private reports and a step's data set, and on relabelled ones."""
    with stage_run("augment", item=step) as run:
        from synthfr import coding, records
        from synthfr.coding import modes
        from synthfr.coding.kept import read_judged

        run.input(layout.synthetic_reports(step), "synthetic")
        measures = modes.evaluate_modes(
            records.read_table(layout.synthetic_reports(step), records.SYNTHETIC),
            *records.read_sides(layout.PRIVATE_TRAIN, layout.PRIVATE_HOLDOUT),
            run.params.classify,
            run.params.augment,
            coding.exported_space(records.read_table(layout.CODE_SETS, records.CODE_SETS)),
            run.seed,
            run.scratch(),
            read_judged(layout.kept_answers(layout.MIXED_PUBLIC)),
        )
        run.log(measures)


if __name__ == "__main__":
    app()
