"""PRIVATE. Extracts keywords from all reports; exports those that many documents share.

``python -m stages.keywords``
"""

from __future__ import annotations

import sys

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("keywords")


@app.command()
def main() -> None:
    """Extract keywords; write training rows, prompts, code sets and the documents behind them."""
    with stage_run("keywords") as run:
        from synthfr import records
        from synthfr.keywords.coverage import summary
        from synthfr.keywords.export import export, exposure

        run.input(layout.SEED, "seed")
        done = export(
            records.read_table(layout.SEED, records.REPORTS),
            records.read_table(layout.PRIVATE_TRAIN, records.REPORTS),
            records.read_table(layout.CODES, records.CODES),
            run.params.keywords,
            run.params.prompt.template,
            run.seed,
        )
        records.write_table(done.sft, layout.SFT_TABLE, records.SFT)
        records.write_table(done.prompts, layout.PROMPTS, records.PROMPTS)
        records.write_table(done.code_sets, layout.CODE_SETS, records.CODE_SETS)
        records.write_table(done.keyed, layout.KEYED, records.KEYED, private=True)
        run.log(done.counts)
        for note in (*exposure(run.params.keywords), *done.notes):
            print(f"keywords: {note}", file=sys.stderr)
        print(f"keywords: {summary(done.counts)}")


if __name__ == "__main__":
    app()
