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
        from synthfr.icd10.names import names
        from synthfr.privacy import review
        from synthfr.privacy.examination import Private, examine
        from synthfr.privacy.rewording import Reworder

        run.input(layout.synthetic_reports(step), "synthetic")
        settings = run.params.privacy
        codes = records.read_table(layout.CODES, records.CODES)
        examined = examine(
            records.read_table(layout.synthetic_reports(step), records.SYNTHETIC),
            Private(
                *records.read_sides(layout.PRIVATE_TRAIN, layout.PRIVATE_HOLDOUT),
                run.params.keywords.min_documents,
                records.read_table(layout.CANARIES, records.CANARIES),
            ),
            settings,
            Reworder(settings.rewording, names(codes).values()),
            run.seed,
        )
        run.log(examined.as_dict())
        run.plot(examined.limits(), "detection")
        review.write(
            examined.pairs, layout.review(step), step, settings.review, private=layout.PRIVATE
        )


if __name__ == "__main__":
    app()
