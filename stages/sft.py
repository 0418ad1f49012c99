"""Fine-tunes the first step's LoRA adapter on the public reports: ``python -m stages.sft``."""

from __future__ import annotations

from stages import layout
from stages.runner import stage_app, stage_run

app = stage_app("sft")


@app.command()
def main() -> None:
    """Fine-tune a LoRA adapter of the base on the public reports."""
    with stage_run("sft") as run:
        from synthfr import models, records
        from synthfr.files import digest_tree
        from synthfr.params import FIRST_STEP
        from synthfr.training import sft

        run.input(layout.SFT_TABLE, "sft")
        result = sft.train(
            records.read_table(layout.SFT_TABLE, records.SFT),
            models.load_policy(layout.BASE, []),
            run.params.sft,
            run.seed,
            run.scratch(digest_tree(layout.SFT_TABLE), digest_tree(layout.BASE)),
        )
        adapter = layout.adapter(FIRST_STEP)
        models.save_adapter(result.model, adapter, FIRST_STEP, None, layout.BASE, None)
        run.log(result.metrics)
        run.series(result.history)
        run.adapter(adapter)


if __name__ == "__main__":
    app()
