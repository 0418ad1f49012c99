"""PRIVATE. Scores each candidate against its private document: ``python -m stages.score dpo2``."""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("score")


@app.command()
def main(round_: str) -> None:
    """Score a round's candidates; all scores stay on the private side."""
    with stage_run("score", item=round_) as run:
        from synthfr import records, scoring

        run.input(layout.candidates(round_), "candidates")
        run.input(layout.judgements(round_), "judgements")
        scored = scoring.score(
            records.read_table(layout.candidates(round_), records.CANDIDATES),
            records.read_table(layout.KEYED, records.KEYED),
            records.read_table(layout.PROMPTS, records.PROMPTS),
            records.read_table(layout.judgements(round_), records.JUDGEMENTS),
            records.read_table(layout.similarities(round_), records.SIMILARITIES),
            records.read_table(layout.SEED, records.REPORTS),
            run.params.score,
            codes=records.read_table(layout.CODES, records.CODES),
            random_seed=run.seed,
            round_name=round_,
        )
        if scored.evaluator_weights:
            run.input(scored.evaluator_weights, "evaluator")
        records.write_table(
            scored.scores, layout.private_scores(round_), records.PRIVATE_SCORES, private=True
        )
        run.log(scored.measures)


if __name__ == "__main__":
    app()
