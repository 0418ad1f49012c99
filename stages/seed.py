"""Collect the public seed reports, the code list, and the private reports, split by patient.

``python -m stages.seed``
"""

from __future__ import annotations

from stages import layout
from stages.runner import stage_app, stage_run

app = stage_app("seed")


@app.command()
def main() -> None:
    """Collect public and private seed reports and the code list."""
    with stage_run("seed") as run:
        from synthfr import corpora, records

        corpus = corpora.load(run.params.seed, run.seed)
        for table, path in (
            (corpus.public, layout.SEED),
            (corpus.private_train, layout.PRIVATE_TRAIN),
            (corpus.private_holdout, layout.PRIVATE_HOLDOUT),
        ):
            records.write_table(table, path, records.REPORTS)
        records.write_table(corpus.codes, layout.CODES, records.CODES)
        run.log(corpus.counts())


if __name__ == "__main__":
    app()
