"""Trains a coder on a step's data set, and keeps it.

``python -m stages.train_coder dpo2``
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("train_coder")


@app.command()
def main(step: str) -> None:
    """Train coders on a step's data set alone, save them, and show the words behind their codes."""
    with stage_run("train_coder", item=step) as run:
        from synthfr import coding, records, seeding
        from synthfr.coding import saved
        from synthfr.coding.summary import summarise
        from synthfr.disk import sha256_file

        path, folder = layout.synthetic_reports(step), layout.coder(step)
        params, classify = run.params.train_coder, run.params.classify
        run.input(path, "synthetic")
        reports = records.read_table(path, records.SYNTHETIC)
        cells = saved.train(
            reports,
            params,
            classify,
            coding.exported_space(records.read_table(layout.CODE_SETS, records.CODE_SETS)),
            run.seed,
            run.scratch(sha256_file(path)),
            folder,
        )
        drawn = seeding.first(reports["report_id"], params.shown_reports, run.seed, "report")
        shown = reports.set_index("report_id", drop=False).loc[drawn]
        records.write_table(
            saved.evidence(folder, shown, params.shown_words),
            layout.evidence(step),
            records.EVIDENCE,
        )
        run.log(
            {"seeds": len(params.seeds), "validation": summarise(cells, classify.decision_rule)}
        )


if __name__ == "__main__":
    app()
