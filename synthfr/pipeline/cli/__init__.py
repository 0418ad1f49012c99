"""``synth-fr``: tools for people. The pipeline itself is run by ``dvc repro``.

Commands work from anywhere in a checkout. Each one's work stands in its own module and is loaded
when it is called, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from synthfr.errors import UserError
from synthfr.pipeline.cli import privacy_commands, sites, slurm, steps


class Commands(TyperGroup):
    """A mistake that the user can mend is one line on stderr and status 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            from synthfr.pipeline import dvc_remote

            typer.echo(f"synth-fr: {dvc_remote.told(error)}", err=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: rich costs 0.15 s
    pretty_exceptions_enable=False,
    help="Tools around the pipeline; `dvc repro` runs it.",
)
profile = typer.Typer(no_args_is_help=True, help="Scales of the pipeline: overlays of params.yaml.")
app.add_typer(profile, name="profile")
app.add_typer(slurm.cluster, name="cluster")
app.command()(slurm.submit)
app.add_typer(sites.bundle, name="bundle")
for command in (steps.sample, steps.export, steps.publish, *sites.COMMANDS):
    app.command()(command)
for check_ in (privacy_commands.gate, privacy_commands.dossier, privacy_commands.verify):
    app.command()(check_)

Name = Annotated[str, typer.Argument(help="As `synth-fr profile list` has it.")]


@app.callback()
def in_recipe(
    recipe: Annotated[
        str | None,
        typer.Option(help="Work in this recipe (loop, or a folder of recipes/), wherever we are."),
    ] = None,
) -> None:
    """Work in the folder of the recipe that is named, or that the current folder is in."""
    from synthfr.pipeline import recipe as recipes

    if recipe is not None:
        os.chdir(recipes.named(recipe).folder)
        return
    with suppress(UserError):  # some commands need no recipe
        os.chdir(recipes.current().folder)


@profile.command("list")
def list_profiles() -> None:
    """Name the profiles and what each is for."""
    from synthfr.pipeline.cli import profile_commands

    profile_commands.list_all()


@profile.command("show")
def show_profile(name: Name) -> None:
    """Print a profile's notes and what it would change."""
    from synthfr.pipeline.cli import profile_commands

    profile_commands.show(name)


@profile.command("apply")
def apply_profile(name: Name) -> None:
    """Lay a profile over params.yaml (`git restore params.yaml` takes it off)."""
    from synthfr.pipeline.cli import profile_commands

    profile_commands.apply(name)


@app.command()
def secret() -> None:
    """Make the secret that a hospital draws its noise with (score.release: population), once."""
    from synthfr.pipeline.cli import private_side

    private_side.make_secret()


@app.command()
def plan(
    profile: Annotated[
        str | None, typer.Option(help="Of a profile; default: of params.yaml as it is.")
    ] = None,
    gpu_gb: Annotated[
        float | None,
        typer.Option(min=1, help="Of a GPU's memory; default: 24, 48, 80 and 141."),
    ] = None,
) -> None:
    """Tell time, disk and GPU memory of each stage, and what to change where a GPU is too small."""
    from synthfr.pipeline.cli import planning

    raise typer.Exit(planning.run(profile, gpu_gb))


@app.command()
def results() -> None:
    """Print macro-F1 and mAP of every step, with intervals, as far as they are of this state."""
    from synthfr.pipeline.cli import tables

    tables.show_results()


@app.command()
def docs(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail on drift.")] = False,
    snapshot: Annotated[
        bool,
        typer.Option("--snapshot", help="Before: copy the figures of the run here to docs/demo."),
    ] = False,
) -> None:
    """Write the README's tables anew from dvc.yaml, params.yaml, docs/demo, docs/seeds.json and
    docs/gpu.json.
    """
    from synthfr.pipeline.cli import readme

    if check and snapshot:
        raise UserError("--check changes nothing, --snapshot does: choose one of them.")
    readme.update(Path("README.md"), check, snapshot)


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 5000,
    host: Annotated[str, typer.Option(help="0.0.0.0: open to the network.")] = "127.0.0.1",
) -> None:
    """Open MLflow's pages on this checkout's runs."""
    from synthfr.pipeline.cli import tracking_commands

    tracking_commands.ui(host, port)


@app.command()
def sync() -> None:
    """Bring MLflow up to date with the versioned metrics, curves and adapters."""
    from synthfr.pipeline.cli import tracking_commands

    tracking_commands.sync()


@app.command()
def check() -> None:
    """Check params.yaml and that the files are there which it names, in about a second, before DVC
    makes stages of it.
    """
    from synthfr.pipeline import inputs, recipe
    from synthfr.pipeline.parameters import load_params

    load_params()
    recipe.check_sections(Path())
    inputs.refuse_missing()


@app.command("check-data")
def check_data() -> None:
    """Read your files once and tell all that would stop a run, and how to mend it."""
    from synthfr.pipeline.cli import data_check

    raise typer.Exit(data_check.report())


@app.command()
def init(
    public: Annotated[
        Path | None, typer.Option(help="Reports that may be shared: Parquet, CSV or JSONL.")
    ] = None,
    private: Annotated[
        Path | None,
        typer.Option(help="Reports that may not: below data/private, or outside the checkout."),
    ] = None,
    codes: Annotated[
        Path | None,
        typer.Option(help="Code list; default: the language's own, or what data/public/codes has."),
    ] = None,
    language: Annotated[str | None, typer.Option(help="Of the reports: fr, en, ...")] = None,
    base: Annotated[
        str | None, typer.Option(help="tiny, a folder, or owner/name@commit of the hub.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(help="ours=theirs, or private.ours=theirs; once for each column."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; take what is guessed.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also over changes of your own; a copy is kept.")
    ] = False,
) -> None:
    """Write params.yaml for your own data: files, columns, language, base, and values that fit."""
    from synthfr.pipeline.cli import initialising as work

    work.run(
        {"public": public, "private": private, "codes": codes},
        language,
        base,
        columns or [],
        ask=not yes,
        force=force,
    )


@app.command()
def doctor(
    clear: Annotated[
        bool, typer.Option("--clear", help="First remove what DVC left half-written.")
    ] = False,
) -> None:
    """Tell what is installed and set up here, and what would stop a run."""
    from synthfr.pipeline import half_files
    from synthfr.pipeline.cli import diagnosis

    if clear:
        typer.echo(half_files.clear())
    raise typer.Exit(diagnosis.report())


@app.command()
def prefetch(
    profile: Annotated[
        str | None, typer.Option(help="Of a profile; default: of params.yaml as it is.")
    ] = None,
    pin: Annotated[
        bool, typer.Option("--pin", help="Write the present commit of what has none.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="No network: is everything here, and whole?")
    ] = False,
) -> None:
    """Fetch and verify all models and data sets that the parameters name, for nodes without a
    network.
    """
    from synthfr.pipeline.cli import prefetching

    prefetching.run(profile, pin, check)


Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        min=1,
        help="Clones that run side by side, each with runtime.threads threads: set that to the "
        "cores divided by it.",
    ),
]


@app.command()
def seeds(
    seed: Annotated[list[int], typer.Argument(min=0, help="Seeds, such as 0 1 2.")],
    jobs: Jobs = 1,
) -> None:
    """Run the whole loop once per seed, aside from this checkout, and print the table over them."""
    from synthfr.pipeline.cli import seed_runs as work

    work.run(seed, jobs)


@app.command()
def controls(
    seed: Annotated[
        list[int] | None, typer.Argument(min=0, help="Seeds; default: those of docs/seeds.json.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="A control, and no other but those named.")
    ] = None,
    jobs: Jobs = 1,
    list_: Annotated[
        bool, typer.Option("--list", help="Name the controls and what each is for.")
    ] = False,
) -> None:
    """Run the loop with one part of it taken out, once per seed, beside what `seeds` measured."""
    from synthfr.pipeline.cli import control_runs as work

    if list_:
        work.show_all()
    else:
        work.run(seed or [], only or [], jobs)


@app.command("tiny-base")
def tiny_base(
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Pre-train, audit and pack the tiny base model that the package ships."""
    from synthfr.pipeline.cli import pretrain as work

    work.build(out, seed)
