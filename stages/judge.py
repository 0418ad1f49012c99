"""Has a language model judge a round's candidates, where one is configured: ``python -m
stages.judge dpo2``.
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("judge")


@app.command()
def main(round_: str) -> None:
    """Judge a round's candidates; synthetic text is all that the judge sees."""
    with stage_run("judge", item=round_) as run:
        from synthfr import judging, records

        run.input(layout.candidates(round_), "candidates")
        judged = judging.judge(
            records.read_table(layout.candidates(round_), records.CANDIDATES),
            records.read_table(layout.PROMPTS, records.PROMPTS),
            run.params.judge,
            run.params.engines,
            round_name=round_,
            random_seed=run.seed,
            merged=layout.MERGED,
            scratch=run.scratch(),
        )
        records.write_table(judged.table, layout.judgements(round_), records.JUDGEMENTS)
        run.log(judged.measures)


if __name__ == "__main__":
    app()
