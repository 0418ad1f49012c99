"""Makes preference pairs of what a round's scores let out: ``python -m stages.pair dpo2``."""

from __future__ import annotations

import typer

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("pair")


@app.command()
def main(round_: str) -> None:
    """Set each prompt's best candidate against its worst, and write the SFT and KTO tables."""
    with stage_run("pair", item=round_) as run:
        from synthfr import preferences, records, seeding

        run.input(layout.candidates(round_), "candidates")
        run.input(layout.scores(round_), "scores")
        result = preferences.pairs(
            records.read_table(layout.candidates(round_), records.CANDIDATES),
            records.read_one_of(layout.scores(round_), records.SCORES, records.ORDERS),
            records.read_table(layout.PROMPTS, records.PROMPTS),
            run.params.pair,
            seeding.derive(run.seed, round_),
        )
        records.write_table(result.pairs, layout.pairs(round_), records.PAIRS)
        records.write_table(result.best_of, layout.best_of(round_), preferences.BEST_OF)
        records.write_table(result.kto, layout.kto(round_), preferences.KTO)
        run.log({"counts": result.counts, "means": result.means})
        typer.echo(", ".join(f"{name} {number}" for name, number in result.counts.items()))


if __name__ == "__main__":
    app()
