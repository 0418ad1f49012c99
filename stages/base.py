"""Provides the base model, copied and verified: ``python -m stages.base``."""

from __future__ import annotations

from synthfr.pipeline import layout
from synthfr.pipeline.runner import stage_app, stage_run

app = stage_app("base")


@app.command()
def main() -> None:
    """Provide the base model: the shipped one, a local folder, or a pinned snapshot."""
    with stage_run("base") as run:
        from synthfr.models import base

        made = base.provide(run.params.base, layout.BASE)
        run.log({"parameters": made["parameters"]})


if __name__ == "__main__":
    app()
