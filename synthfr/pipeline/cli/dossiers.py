"""``synth-fr dossier``: the signed privacy dossier of a step, of exactly the data set here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from synthfr.disk import digest_tree, read_json, sha256_file
from synthfr.errors import UserError
from synthfr.pipeline import audited, layout, private_files
from synthfr.pipeline.parameters import load_params


def write(step: str, language: str, key: Path, out: Path) -> None:
    """Write it to `out`, its signature beside it."""
    params = load_params()
    if step not in params.steps:
        raise UserError(f"There is no step '{step}': params.yaml knows {', '.join(params.steps)}.")
    private_files.refuse_published(out, params.seed if params.has("seed") else None)

    from synthfr import models
    from synthfr.privacy import gate
    from synthfr.publishing import dossier
    from synthfr.publishing.origin import Origin

    figures = audited.audit_of(step)
    if figures is None or gate.verdict(figures) is None:
        raise UserError(
            f"There is no privacy verdict of exactly the data set {layout.synthetic(step)}: run "
            f"`dvc repro privacy@{step}` first."
        )
    chain = models.adapter_chain(layout.MODELS, step)
    base = models.read_provenance(layout.BASE)
    adapters = {folder.name: digest_tree(folder) for folder in chain}
    left, guaranteed = audited.scores_left(adapters), audited.guarantees(adapters)
    origin = Origin(step, base, adapters, left, guaranteed, audited.run_of(step))
    reports = sha256_file(layout.synthetic_reports(step))
    rounds = [name for name in adapters if name in params.rounds]
    facts = dossier.Facts(
        step,
        figures,
        origin.as_dict() | {"reports_sha256": reports},
        {one: found for one in rounds if (found := _figures("linkage", one))},
        list(guaranteed.values())[-1] if guaranteed else {},
    )
    dossier.write(dossier.render(facts, language), out, key)
    typer.echo(f"{out}, signed in {dossier.signature_of(out)}: give both, and the public key.")


def _figures(stage: str, item: str) -> dict[str, Any]:
    path = layout.metrics(stage, item)
    return read_json(path) if path.is_file() else {}
