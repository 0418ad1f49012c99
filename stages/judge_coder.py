"""PRIVATE. Judges the coders that were trained on a step's data set and kept.

``python -m stages.judge_coder dpo2``
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("judge_coder")


@app.command()
def main(step: str) -> None:
    """Judge a step's saved coders on private holdout reports."""
    with stage_run("judge_coder", item=step) as run:
        from synthfr import coding, records
        from synthfr.coding import saved
        from synthfr.coding.kept import write_judged

        cells, answers = saved.judge(
            layout.coder(step),
            records.read_table(layout.PRIVATE_HOLDOUT, records.REPORTS),
            run.params.classify,
        )
        write_judged(layout.kept_answers(step, "train_coder"), answers)
        run.log(coding.summarise(cells, run.params.classify.decision_rule))


if __name__ == "__main__":
    app()
