"""Fine-tunes the first step's LoRA adapter on the public reports: ``python -m stages.sft``."""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("sft")


@app.command()
def main() -> None:
    """Fine-tune a LoRA adapter of the base on the public reports."""
    with stage_run("sft") as run:
        from synthfr import prompts, records
        from synthfr.corpora import teacher
        from synthfr.disk import digest_tree
        from synthfr.models.adapters import FIRST_STEP
        from synthfr.training import launch
        from synthfr.training.sft import SftJob

        params, language = run.params.sft, run.params.seed.language
        template = run.params.prompt.template
        inputs = [layout.SFT_TABLE, layout.BASE, *teacher.inputs(params.teacher)]
        run.input(layout.SFT_TABLE, "sft")
        job = SftJob(
            step=FIRST_STEP,
            base=layout.BASE,
            adapters=[],
            rows=records.read_table(layout.SFT_TABLE, records.SFT),
            teacher=teacher.rows(params.teacher, template, language),
            params=params,
            seed=run.seed,
            scratch=run.scratch(
                prompts.template_text(template, language), *map(digest_tree, inputs)
            ),
            merged=layout.MERGED,
        )
        adapter = layout.adapter(FIRST_STEP)
        result = launch.train(job, adapter)
        run.log(result.metrics)
        run.series(result.history)
        run.adapter(adapter)


if __name__ == "__main__":
    app()
