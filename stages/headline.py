"""Puts a few figures of every step into a small file: ``python -m stages.headline``."""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("headline")


@app.command()
def main() -> None:
    """Gather each step's macro-F1, mAP and audits, for `dvc metrics diff` and `dvc plots`."""
    with stage_run("headline") as run:
        from synthfr.disk import write_json
        from synthfr.pipeline.page import headline
        from synthfr.pipeline.page.measured import Measured

        measured = Measured(layout.METRICS)
        for step, figures in headline.figures(measured, run.params.steps).items():
            write_json(layout.metrics("headline", step), figures)
        run.plot(headline.rows(measured, run.params.steps), "utility")


if __name__ == "__main__":
    app()
