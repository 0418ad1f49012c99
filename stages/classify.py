"""PRIVATE. Judges coders trained on a step's data set.

``python -m stages.classify dpo2``
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("classify")


@app.command()
def main(step: str) -> None:
    """Train coders on a step's data set and judge them on private holdout reports."""
    with stage_run("classify", item=step) as run:
        from synthfr import coding, records
        from synthfr.coding.kept import Keeper, write_judged

        run.input(layout.synthetic_reports(step), "synthetic")
        keeper = Keeper()
        cells = coding.evaluate_grid(
            records.read_table(layout.synthetic_reports(step), records.SYNTHETIC),
            records.read_table(layout.PRIVATE_HOLDOUT, records.REPORTS),
            run.params.classify,
            coding.exported_space(records.read_table(layout.CODE_SETS, records.CODE_SETS)),
            run.seed,
            run.scratch(),
            keeper,
            min_documents=run.params.keywords.min_documents,
        )
        write_judged(layout.kept_answers(step), keeper.answers)
        run.cells(coding.counting(cells, run.params.classify.decision_rule))
        run.log(coding.summarise(cells, run.params.classify.decision_rule))


if __name__ == "__main__":
    app()
