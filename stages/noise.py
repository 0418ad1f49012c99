"""PRIVATE. Trains coders on private reports with noise, for `errors` to compare with.

``python -m stages.noise``
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("noise")


@app.command()
def main() -> None:
    """Train coders on private reports with more and more noise; keep what they decide."""
    with stage_run("noise") as run:
        from synthfr import coding, records
        from synthfr.coding import noise
        from synthfr.coding.kept import read_judged

        _, trained_on = layout.REFERENCES
        decisions, measures = noise.train_noisy(
            *records.read_sides(layout.PRIVATE_TRAIN, layout.PRIVATE_HOLDOUT),
            run.params.classify,
            run.params.noise,
            coding.exported_space(records.read_table(layout.CODE_SETS, records.CODE_SETS)),
            run.seed,
            run.scratch(),
            read_judged(layout.kept_answers(trained_on)),
        )
        records.write_table(decisions, layout.DECISIONS, records.DECISIONS, private=True)
        run.log(measures)


if __name__ == "__main__":
    app()
