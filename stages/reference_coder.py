"""PRIVATE. Judges the coders of train_coder, trained on real reports instead: what to compare with.

``python -m stages.reference_coder``
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("reference_coder")


@app.command()
def main() -> None:
    """Train coders on the public seed and on private reports, and judge them on the holdout."""
    with stage_run("reference_coder") as run:
        from synthfr import coding, records
        from synthfr.coding.kept import write_judged
        from synthfr.coding.saved_on_real import train_and_judge

        params, classify = run.params.train_coder, run.params.classify
        private, holdout = records.read_sides(layout.PRIVATE_TRAIN, layout.PRIVATE_HOLDOUT)
        space = coding.exported_space(records.read_table(layout.CODE_SETS, records.CODE_SETS))
        rest = (params, classify, space, run.seed, run.scratch())
        run.input(layout.SEED, "public_seed")
        public = records.read_table(layout.SEED, records.REPORTS)
        for name, training in zip(layout.REFERENCES, (public, private), strict=True):
            cells, answers = train_and_judge(training, holdout, *rest)
            write_judged(layout.kept_answers(name, "train_coder"), answers)
            run.log({name: coding.summarise(cells, classify.decision_rule)})


if __name__ == "__main__":
    app()
