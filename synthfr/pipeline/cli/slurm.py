"""The command line of a SLURM cluster: ``synth-fr submit`` and ``synth-fr cluster init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synthfr.errors import UserError

cluster = typer.Typer(no_args_is_help=True, help="A SLURM cluster: see slurm/README.md.")


def submit(
    target: Annotated[
        str | None,
        typer.Argument(help="A stage of this recipe, such as page or dpo@dpo2. Default: all."),
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="How the last chain fares.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="End the last chain.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until the last job has ended.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print sbatch's command lines.")
    ] = False,
    one_job: Annotated[bool, typer.Option("--one-job", help="All in one allocation.")] = False,
    resources: Annotated[Path, typer.Option(help="What each stage asks for.")] = Path(
        "slurm/resources.yaml"
    ),
    account: Annotated[str | None, typer.Option(help="As sbatch's, for every job.")] = None,
    qos: Annotated[str | None, typer.Option(help="The same.")] = None,
    constraint: Annotated[str | None, typer.Option(help="The same.")] = None,
    partition: Annotated[str | None, typer.Option(help="The same.")] = None,
    time: Annotated[str | None, typer.Option(help="The same: limit of one run.")] = None,
    mail_user: Annotated[str | None, typer.Option(help="The same.")] = None,
    mail_type: Annotated[str | None, typer.Option(help="The same.")] = None,
    sbatch: Annotated[
        list[str] | None, typer.Option(help="Another option, such as --sbatch=--exclude=n1.")
    ] = None,
) -> None:
    """Submit a SLURM job for every stage that is not up to date, each after those it needs."""
    from synthfr.pipeline.cli import submitting

    if sum((status, cancel, dry_run)) > 1:
        raise UserError("--status, --cancel and --dry-run: choose one of them.")
    if cancel:
        raise typer.Exit(submitting.cancel())
    if status:
        raise typer.Exit(submitting.status(wait=wait))
    named = {"account": account, "qos": qos, "constraint": constraint, "partition": partition}
    named |= {"time": time, "mail-user": mail_user, "mail-type": mail_type}
    options = [f"--{name}={value}" for name, value in named.items() if value is not None]
    raise typer.Exit(
        submitting.submit(
            target,
            [*options, *(sbatch or [])],
            resources,
            one_job=one_job,
            dry_run=dry_run,
            wait=wait,
        )
    )


@cluster.command("init")
def init_cluster(
    cache: Annotated[
        Path | None, typer.Option(help="DVC's cache for the whole group, on scratch.")
    ] = None,
    group: Annotated[str | None, typer.Option(help="Unix group that owns the cache.")] = None,
    hardlink_lock: Annotated[
        bool, typer.Option("--hardlink-lock", help="Where nodes share no flock: ask the site.")
    ] = False,
) -> None:
    """Make this checkout ready for many jobs at once; do it once, on a login node."""
    from synthfr.pipeline.cli import cluster_commands

    cluster_commands.init(cache, group, hardlink_lock)
