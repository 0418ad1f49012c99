"""Puts everything on one page, reports/index.html: ``python -m stages.page``."""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("page")


@app.command()
def main() -> None:
    """Write the page: utility, rounds, over-optimisation, privacy and samples of every step."""
    with stage_run("page") as run:
        from synthfr.pipeline import page

        sources = page.Sources(
            metrics=layout.METRICS,
            plots=layout.PLOTS,
            rounds=layout.ROUNDS,
            synthetic=layout.SYNTHETIC,
            record=layout.RECORD,
        )
        page.write(
            sources,
            layout.REPORTS,
            steps=run.params.steps,
            rounds=list(run.params.rounds),
            source=run.params.seed.source,
            samples_per_step=run.params.page.samples_per_step,
            random_seed=run.seed,
        )
        run.beside(lambda: page.write_times(layout.TIMINGS))


if __name__ == "__main__":
    app()
