"""Provides the base model, copied and verified: ``python -m stages.base``."""

from __future__ import annotations

import typer

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("base")


@app.command()
def main() -> None:
    """Provide the base model: the shipped one, a local folder, or a pinned snapshot; published
    adapters merged into it.
    """
    with stage_run("base") as run:
        from synthfr.models import base, published

        made = base.provide(run.params.base, layout.BASE)
        for note in published.notes(made):
            typer.echo(note)
        run.log({"parameters": made["parameters"]})


if __name__ == "__main__":
    app()
