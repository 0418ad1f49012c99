"""PRIVATE. Attacks what a round lets out, as an outsider could.

``python -m stages.linkage dpo2``
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("linkage")


@app.command()
def main(round_: str) -> None:
    """Try to tell the documents behind a round's prompts by its scores, prompts and texts."""
    with stage_run("linkage", item=round_) as run:
        from synthfr import preferences, records
        from synthfr.privacy import linkage

        run.input(layout.candidates(round_), "candidates")
        run.input(layout.scores(round_), "scores")
        found = linkage.audit(
            linkage.Round(
                name=round_,
                candidates=records.read_table(layout.candidates(round_), records.CANDIDATES),
                prompts=records.read_table(layout.PROMPTS, records.PROMPTS),
                released=records.read_one_of(layout.scores(round_), records.SCORES, records.ORDERS),
                seed=records.read_table(layout.SEED, records.REPORTS),
                codes=records.read_table(layout.CODES, records.CODES),
                scores=records.read_table(layout.private_scores(round_), records.PRIVATE_SCORES),
                keyed=records.read_table(layout.KEYED, records.KEYED),
                holdout=records.read_table(layout.PRIVATE_HOLDOUT, records.REPORTS),
            ),
            records.read_table(layout.pairs(round_), records.PAIRS),
            records.read_table(layout.best_of(round_), preferences.BEST_OF),
            run.params.linkage,
            run.params.score,
            run.params.pair,
            run.params.keywords,
            ngram=run.params.privacy.ngram,
            gate=run.params.privacy.gate,
            random_seed=run.seed,
        )
        run.log(found.as_dict())


if __name__ == "__main__":
    app()
