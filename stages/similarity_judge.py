"""PRIVATE. Has a language model compare candidates with their private documents, where one is
configured: ``python -m stages.similarity_judge dpo2``.
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("similarity_judge")


@app.command()
def main(round_: str) -> None:
    """Judge how similar a round's candidates are to their private documents; grades alone stay."""
    with stage_run("similarity_judge", item=round_) as run:
        from synthfr import records
        from synthfr.scoring.similarity_judge import judge_similarity, open_similarity_judge

        run.input(layout.candidates(round_), "candidates")
        with open_similarity_judge(
            run.params.similarity_judge,
            run.params.engines,
            random_seed=run.seed,
            merged=layout.MERGED,
            scratch=run.scratch(),
        ) as respondent:
            judged = judge_similarity(
                records.read_table(layout.candidates(round_), records.CANDIDATES),
                records.read_table(layout.KEYED, records.KEYED),
                respondent,
                strip_headings=run.params.score.strip_headings,
                control=run.params.score.control,
                random_seed=run.seed,
                round_name=round_,
            )
        similarities = layout.similarities(round_)
        records.write_table(judged.table, similarities, records.SIMILARITIES, private=True)
        run.log(judged.measures)


if __name__ == "__main__":
    app()
