"""Writes a round's candidates with the policy of its parent step: ``python -m stages.generate
dpo2``.
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import NumShards, ShardIndex, stage_app, stage_run

app = stage_app("generate")


@app.command()
def main(round_: str, shard_index: ShardIndex = None, num_shards: NumShards = None) -> None:
    """Write several candidate reports for each of the round's prompts."""
    with stage_run("generate", item=round_, shard=(shard_index, num_shards)) as run:
        from synthfr import generation, models, records
        from synthfr.disk import digest_tree
        from synthfr.engines import identity, lazy_engine, write_shard

        params, own = run.params.generate, run.params.rounds[round_]
        chain = models.adapter_chain(layout.MODELS, own.parent)
        run.input(layout.PROMPTS, "prompts")
        files = models.policy_files(layout.BASE, chain)
        requests = generation.candidate_requests(
            records.read_table(layout.PROMPTS, records.PROMPTS),
            params,
            round_name=round_,
            n_prompts=own.prompts,
            random_seed=run.seed,
        )
        scratch = run.scratch(
            identity(params, run.params.engines),
            *map(digest_tree, (layout.PROMPTS, layout.BASE, *chain)),
        )
        with lazy_engine(params, run.params.engines, files, layout.MERGED) as engine:
            if run.shard is not None:
                write_shard(engine, requests, params.chunk_size, scratch, run.shard)
                return
            candidates = generation.candidates(requests, engine, params.chunk_size, scratch)
        records.write_table(candidates, layout.candidates(round_), records.CANDIDATES)
        run.log(generation.candidates_summary(candidates) | engine.measures())


if __name__ == "__main__":
    app()
