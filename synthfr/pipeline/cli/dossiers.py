"""``synth-fr dossier``: the signed privacy dossier of a step, of exactly the data set here."""

from __future__ import annotations

from pathlib import Path

import typer

from synthfr.disk import sha256_file
from synthfr.errors import UserError
from synthfr.pipeline import audited, layout, origins, private_files
from synthfr.pipeline.parameters import load_params


def write(step: str, language: str, key: Path, out: Path) -> None:
    """Write it to `out`, its signature beside it."""
    params = load_params()
    if step not in params.steps:
        raise UserError(f"There is no step '{step}': params.yaml knows {', '.join(params.steps)}.")
    private_files.refuse_published(out, params.seed if params.has("seed") else None)

    from synthfr.privacy import gate
    from synthfr.publishing import dossier

    figures = audited.audit_of(step)
    if figures is None or gate.verdict(figures) is None:
        raise UserError(
            f"There is no privacy verdict of exactly the data set {layout.synthetic(step)}: run "
            f"`dvc repro privacy@{step}` first."
        )
    origin = origins.origin_of(step)
    reports = sha256_file(layout.synthetic_reports(step))
    linked = {one: audited.figures_of("linkage", one) for one in origin.releases}
    facts = dossier.Facts(
        step,
        figures,
        origin.as_dict() | {"reports_sha256": reports},
        {one: found for one, found in linked.items() if found},
    )
    dossier.write(dossier.render(facts, language), out, key)
    typer.echo(f"{out}, signed in {dossier.signature_of(out)}: give both, and the public key.")
