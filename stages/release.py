"""PRIVATE. Lets out of a round's scores what `score.release` says: ``python -m stages.release
dpo2``.
"""

from __future__ import annotations

import typer

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("release")


@app.command()
def main(round_: str) -> None:
    """Let out which candidates are chosen, or scores; all else stays."""
    with stage_run("release", item=round_) as run:
        from synthfr import records, seeding
        from synthfr.pipeline import guarantees
        from synthfr.scoring import release
        from synthfr.scoring.patients import patient_known

        run.input(layout.candidates(round_), "candidates")
        released = release.release(
            records.read_table(layout.private_scores(round_), records.PRIVATE_SCORES),
            records.read_table(layout.candidates(round_), records.CANDIDATES),
            run.params.score,
            run.params.pair,
            seeding.derive(run.seed, round_),
            release.Books(
                round_,
                layout.SECRET,
                guarantees.known_entries(),
                any(patient_known(records.read_table(layout.KEYED, records.KEYED))),
            ),
            min_documents=run.params.keywords.min_documents,
        )
        guarantees.remember(released.measures)
        records.write_table(released.table, layout.scores(round_), released.kind)
        run.log(released.measures)
        typer.echo(released.told)


if __name__ == "__main__":
    app()
