"""``synth-fr submit``: one job per stage that is not up to date, watched until the table."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from synthfr.disk import read_yaml
from synthfr.errors import UserError
from synthfr.pipeline import inputs, layout, recipe
from synthfr.pipeline.cluster import allocations, chain, graph, slurm
from synthfr.pipeline.dvc_graph import resolve

if TYPE_CHECKING:
    from rich.text import Text

WORKSPACE = Path()
_COLOURS = {"COMPLETED": "green", "RUNNING": "cyan", "PENDING": "yellow"}
_POLL_S = 5.0


def submit(
    target: str | None,
    options: Sequence[str],
    requests: Path,
    *,
    one_job: bool,
    dry_run: bool,
    wait: bool,
) -> int:
    """Plan, submit, tell; the exit status. `target` is a stage of the current recipe."""
    address = recipe.current().address(target)
    requests = _found(requests)
    _go_to_the_root()
    if not dry_run:
        _refuse_a_second_submit()
    plan = graph.plan(address)
    if not plan.stages:
        typer.echo(f"{target or 'Everything'} is up to date: nothing to submit.")
        return 0
    places = [recipe.folder_of(stage) for stage in plan.stages]
    for folder in {folder for folder, _ in places}:
        inputs.refuse_missing(folder, [name for own, name in places if own == folder])
    stages = _all_stages()
    wide = [stage for stage, is_wide in stages.items() if is_wide]
    wanted = allocations.read_requests(requests, stages, wide)
    mine = {stage: wanted[stage] for stage in plan.stages}
    jobs = (
        chain.in_one(address, allocations.largest(list(mine.values())), options)
        if one_job
        else chain.per_stage(plan, mine, options)
    )
    if dry_run:
        for one in jobs:
            typer.echo(shlex.join(one.command([f"<{need}>" for need in one.needs])))
        return 0
    _refuse_too_many_gpus(requests, mine, options)
    made = chain.submit(address, jobs)
    for link in made.links:
        after = f" after {', '.join(link.needs)}" if link.needs else ""
        typer.echo(f"{link.job} {link.name}{after}")
    typer.echo(f"{len(made.links)} submitted. Watch them with: synth-fr submit --status")
    return _wait_and_print() if wait else 0


def status(*, wait: bool) -> int:
    """Print the chain as a tree; 1 if a job failed."""
    _go_to_the_root()
    return _wait_and_print() if wait else _print_chain()


def cancel() -> int:
    _go_to_the_root()
    ended = chain.cancel(chain.Chain.load())
    typer.echo(f"Cancelled: {', '.join(ended)}." if ended else "No job of the chain was left.")
    return 0


def _go_to_the_root() -> None:
    """Jobs of all recipes are submitted, kept and looked for at the root of the checkout."""
    os.chdir(layout.checkout())


def _found(requests: Path) -> Path:
    """The file of requests from where it was named, else from the root."""
    here = requests.absolute()
    return here if here.is_file() else layout.checkout() / requests


def _refuse_a_second_submit() -> None:
    busy = slurm.at_work(WORKSPACE, _all_stages())
    if busy:
        shown = ", ".join(
            f"{job.name} (job {job.job}{_of_another(job.user)}, {job.state.lower()})"
            for job in busy[:3]
        )
        shown += f" and {len(busy) - 3} more" if len(busy) > 3 else ""
        raise UserError(
            f"Jobs of this workspace are still queued or running: {shown}: "
            "wait for them (synth-fr submit --status --wait) or end them (--cancel)."
        )


def _of_another(user: int) -> str:
    return "" if user == os.getuid() else f" of user {user}"


def _refuse_too_many_gpus(
    path: Path, requests: Mapping[str, allocations.Request], options: Sequence[str]
) -> None:
    given = [one.partition("=")[2] for one in options if one.startswith("--partition=")]
    for stage, request in requests.items():
        partition = given[-1] if given else request.partition
        most = slurm.most_gpus(partition) if request.gpus else None
        if most is not None and request.gpus > most:
            raise UserError(
                f"{path}: {stage} asks for {request.gpus} GPUs, and no node"
                f"{f' of partition {partition}' if partition else ''} has more than {most}: "
                "lower gpus, or name another partition."
            )


def _all_stages() -> dict[str, bool]:
    """Those of all recipes as DVC names them, without starting it; whether each is wide: can write
    a shard of its work, to be gathered.
    """
    return {
        one.address(stage): wide
        for one in recipe.recipes(Path())
        for stage, wide in _stages_in(one.folder).items()
    }


def _stages_in(folder: Path) -> dict[str, bool]:
    graph = resolve(read_yaml(folder / "dvc.yaml"), read_yaml(folder / "params.yaml"))
    return {name: stage.sharded for name, stage in graph.stages.items()}


def _wait_and_print() -> int:
    chain.wait(chain.Chain.load(), _POLL_S)
    return _print_chain()


def _print_chain() -> int:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    submitted = chain.Chain.load()
    states = chain.states(submitted)
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    root = Tree(Text(f"{submitted.target}: {_summary(states)}"))
    nodes: dict[str, Tree] = {}
    depth: dict[str, int] = {}
    for one in states:
        needs = [need for need in one.link.needs if need in nodes]
        # a graph is no tree: a job stands below the one that it waits for longest
        above = max(needs, key=lambda need: depth[need], default=None)
        depth[one.link.name] = 1 + (depth[above] if above else 0)
        nodes[one.link.name] = (nodes[above] if above else root).add(_line(one))
    console.print(root)
    if all(one.ended for one in states):
        from synthfr.pipeline.cli import tracking_commands

        tracking_commands.send_waiting()
    if any(one.failed for one in states):
        return 1
    folder, _ = recipe.folder_of(submitted.target)
    if all(one.ended for one in states) and any((folder / "metrics/classify").glob("*.json")):
        from synthfr.pipeline.cli import tables

        os.chdir(folder)
        tables.show_results()
    return 0


def _line(one: chain.State) -> Text:
    from rich.text import Text

    text = Text(one.link.name, style="bold")
    text.append(f"  {one.state}", style=_COLOURS.get(one.state, "red"))
    took = "/".join(part for part in (one.elapsed, one.limit) if part)
    text.append(f"  {took}  job {one.link.job}  {one.link.log}", style="dim")
    if one.why:
        text.append(f"\n{one.why}", style="red" if one.failed else "dim")
    return text


def _summary(states: Sequence[chain.State]) -> str:
    counts: dict[str, int] = {}
    for one in states:
        counts[one.state.lower()] = counts.get(one.state.lower(), 0) + 1
    return ", ".join(f"{count} {state}" for state, count in counts.items())
