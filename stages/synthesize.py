"""Writes a step's data set and its card: ``python -m stages.synthesize dpo2``."""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import NumShards, ShardIndex, stage_app, stage_run

app = stage_app("synthesize")


@app.command()
def main(step: str, shard_index: ShardIndex = None, num_shards: NumShards = None) -> None:
    """Write reports for code sets, by default like the private corpus', with the step's policy."""
    with stage_run("synthesize", item=step, shard=(shard_index, num_shards)) as run:
        from synthfr import generation, models, records
        from synthfr.disk import digest_tree
        from synthfr.engines import identity, lazy_engine, write_shard
        from synthfr.generation import card

        params = run.params.synthesize
        chain = models.adapter_chain(layout.MODELS, step)
        files = models.policy_files(layout.BASE, chain)
        run.input(layout.CODE_SETS, "code_sets")
        planned = generation.plan(
            records.read_table(layout.CODE_SETS, records.CODE_SETS),
            records.read_table(layout.CODES, records.CODES),
            params,
            step=step,
            template=run.params.prompt.template,
            language=run.params.seed.language,
            random_seed=run.seed,
        )
        scratch = run.scratch(
            identity(params, run.params.engines),
            *map(digest_tree, (layout.BASE, *chain)),
        )
        with lazy_engine(params, run.params.engines, files, layout.MERGED) as engine:
            if run.shard is not None:
                first = planned.attempt(0)
                write_shard(engine, first, params.chunk_size, scratch, run.shard)
                return
            made = generation.synthesis(planned, engine, params.chunk_size, scratch)
        card.save(
            made,
            params,
            layout.synthetic(step),
            step=step,
            language=run.params.seed.language,
            template=run.params.prompt.template,
            source=run.params.seed.source,
            base_dir=layout.BASE,
            lineage=files.lineage,
            completed_from_codes=run.params.keywords.complete_from_codes,
            min_documents=run.params.keywords.min_documents,
        )
        run.log(made.summary | engine.measures())


if __name__ == "__main__":
    app()
