"""PRIVATE. Collects public seed reports, code list, and private reports, split by patient.

``python -m stages.seed``
"""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("seed")


@app.command()
def main() -> None:
    """Collect public and private seed reports and the code list."""
    with stage_run("seed") as run:
        from synthfr import corpora, records
        from synthfr.pipeline import private_files

        private_files.refuse_exposed(run.params.seed, layout.PRIVATE)
        corpus = corpora.load(run.params.seed, run.seed)
        records.write_table(corpus.public, layout.SEED, records.REPORTS)
        for table, path in (
            (corpus.private_train, layout.PRIVATE_TRAIN),
            (corpus.private_holdout, layout.PRIVATE_HOLDOUT),
        ):
            records.write_table(table, path, records.REPORTS, private=True)
        records.write_table(corpus.canaries, layout.CANARIES, records.CANARIES, private=True)
        records.write_table(corpus.codes, layout.CODES, records.CODES)
        run.log(corpus.counts())


if __name__ == "__main__":
    app()
