"""Findings as people read them: one line each, coloured by weight."""

from __future__ import annotations

from collections.abc import Iterable

import typer

from synthfr.pipeline.findings import Finding, Weight

_COLOURS = {Weight.OK: "green", Weight.NOTE: "yellow", Weight.STOP: "red"}


def show(findings: Iterable[Finding]) -> int:
    """Print each finding as soon as it is there; the number of those that stop a run."""
    stops = 0
    for found in findings:
        stops += found.weight == Weight.STOP
        mark = typer.style(f"{found.weight:<5}", fg=_COLOURS[found.weight], bold=True)
        typer.echo(f"{mark} {found.topic:<12} {found.text}")
    return stops
