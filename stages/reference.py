"""PRIVATE. Judges coders trained on real reports: what to compare the steps with.

``python -m stages.reference``
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("reference")


@app.command()
def main() -> None:
    """Train coders on the public seed and on private reports, and judge them on the holdout."""
    with stage_run("reference") as run:
        from synthfr import coding, records

        holdout = records.read_table(layout.PRIVATE_HOLDOUT, records.REPORTS)
        space = coding.exported_space(records.read_table(layout.CODE_SETS, records.CODE_SETS))
        scratch = run.scratch()
        run.input(layout.SEED, "public_seed")
        for name, path in (("public_seed", layout.SEED), ("private_train", layout.PRIVATE_TRAIN)):
            training = records.read_table(path, records.REPORTS)
            cells = coding.evaluate_real(
                training, holdout, run.params.classify, space, run.seed, scratch
            )
            run.log({name: coding.summarise(cells, run.params.classify.decision_rule)})


if __name__ == "__main__":
    app()
