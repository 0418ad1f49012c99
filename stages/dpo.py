"""Trains a round's LoRA adapter on its preference pairs: ``python -m stages.dpo dpo2``."""

from __future__ import annotations

from stages import layout
from stages.runner import stage_app, stage_run

app = stage_app("dpo")


@app.command()
def main(round_: str) -> None:
    """Align a fresh LoRA adapter, on the policy of the parent step, to the round's pairs."""
    with stage_run("dpo", item=round_) as run:
        from synthfr import models, records, seeding
        from synthfr.files import digest_tree
        from synthfr.training import dpo

        parent = run.params.rounds[round_].parent
        chain = models.adapter_chain(layout.MODELS, parent)
        run.input(layout.pairs(round_), "pairs")
        result = dpo.train(
            records.read_table(layout.pairs(round_), records.PAIRS),
            models.load_policy(layout.BASE, chain),
            run.params.dpo,
            run.params.rounds[round_],
            seeding.derive(run.seed, round_),
            run.scratch(*map(digest_tree, (layout.pairs(round_), layout.BASE, *chain))),
        )
        adapter = layout.adapter(round_)
        models.save_adapter(result.model, adapter, round_, parent, layout.BASE, chain[-1])
        run.log(result.metrics)
        run.series(result.history)
        run.adapter(adapter)


if __name__ == "__main__":
    app()
