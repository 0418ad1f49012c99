"""Unpacks what hospitals answered in place of a private stage, in a clone that has no private
documents: ``python -m stages.answer release dpo2``.
"""

from __future__ import annotations

from typing import Annotated

import typer

from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("answer")


@app.command()
def main(stage: str, item: Annotated[str | None, typer.Argument()] = None) -> None:
    """Write what the stage would have written for the public side, as the answers have it."""
    with stage_run(stage, item=item) as run:
        from synthfr.pipeline import unpacking

        unpacked = unpacking.unpack(stage, item, run.params)
        run.log(unpacked.measures)
        for name, rows in unpacked.plots.items():
            run.plot(rows, name)


if __name__ == "__main__":
    app()
