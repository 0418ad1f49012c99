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

        for step, figures in headline.figures(layout.METRICS, run.params.steps).items():
            write_json(layout.metrics("headline", step), figures)
        run.plot(headline.rows(layout.METRICS, run.params.steps), "utility")


if __name__ == "__main__":
    app()
