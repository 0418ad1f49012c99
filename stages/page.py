"""Puts everything on one page, reports/index.html: ``python -m stages.page``."""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("page")


@app.command()
def main() -> None:
    """Write the page: utility, rounds, over-optimisation, privacy and samples of every step."""
    with stage_run("page") as run:
        from synthfr.pipeline import page, since
        from synthfr.pipeline.standing import told

        standing = run.standing()
        sources = page.Sources(
            metrics=layout.METRICS,
            plots=layout.PLOTS,
            rounds=layout.ROUNDS,
            synthetic=layout.SYNTHETIC,
            evidence=layout.EVIDENCE,
            record=layout.RECORD,
            is_shown=standing.is_shown,
        )
        page.write(
            sources,
            layout.REPORTS,
            steps=run.params.steps,
            rounds=list(run.params.rounds),
            source=run.params.seed.source,
            samples_per_step=run.params.page.samples_per_step,
            random_seed=run.seed,
            left_out=told(standing.left_out()),
        )
        run.beside(lambda: page.write_times(layout.TIMINGS))
        run.beside(lambda: since.tell(None))


if __name__ == "__main__":
    app()
