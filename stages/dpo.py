"""Trains a round's LoRA adapter on its preference pairs: ``python -m stages.dpo dpo2``."""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("dpo")


@app.command()
def main(round_: str) -> None:
    """Align a fresh LoRA adapter, on the policy of the parent step, to the round's pairs."""
    with stage_run("dpo", item=round_) as run:
        from synthfr import models, records, seeding
        from synthfr.disk import digest_tree
        from synthfr.training import launch
        from synthfr.training.dpo import DpoJob

        chain = models.adapter_chain(layout.MODELS, run.params.rounds[round_].parent)
        run.input(layout.pairs(round_), "pairs")
        job = DpoJob(
            step=round_,
            base=layout.BASE,
            adapters=chain,
            rows=records.read_table(layout.pairs(round_), records.PAIRS),
            params=run.params.dpo,
            round_=run.params.rounds[round_],
            seed=seeding.derive(run.seed, round_),
            scratch=run.scratch(*map(digest_tree, (layout.pairs(round_), layout.BASE, *chain))),
            merged=layout.MERGED,
        )
        adapter = layout.adapter(round_)
        result = launch.train(job, adapter)
        run.log(result.metrics)
        run.series(result.history)
        run.adapter(adapter)


if __name__ == "__main__":
    app()
