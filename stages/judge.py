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
        from synthfr.engines.asking import open_respondent

        run.input(layout.candidates(round_), "candidates")
        with open_respondent(
            "judge",
            run.params.judge,
            run.params.engines,
            seed=(run.seed, "judge", round_),
            merged=layout.MERGED,
            scratch=run.scratch(),
        ) as respondent:
            judged = judging.judge(
                records.read_table(layout.candidates(round_), records.CANDIDATES),
                records.read_table(layout.PROMPTS, records.PROMPTS),
                run.params.judge.kind,
                respondent,
                run.params.judge.unparsable,
            )
        records.write_table(judged.table, layout.judgements(round_), records.JUDGEMENTS)
        run.log(judged.measures)


if __name__ == "__main__":
    app()
