"""``synth-fr``: tools for people. The pipeline itself is run by ``dvc repro``.

Commands work from anywhere in a checkout. Each one's work stands in its own module and is loaded
when it is called, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from synthfr.errors import UserError
from synthfr.pipeline.cli import slurm


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
def sample(
    step: Annotated[str, typer.Option(help="Whose policy writes: base, step0, dpo1, ...")],
    keywords: Annotated[str, typer.Option(help="Clinical terms, separated by commas.")],
    temperature: Annotated[
        float | None, typer.Option(min=0, help="Default: synthesize.temperature.")
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Above 0, at most 1. Default: synthesize.top_p."),
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(min=0, help="0: off. Default: synthesize.top_k.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another report.")] = 0,
) -> None:
    """Write one report from keywords, shown as it is written."""
    from synthfr.pipeline.cli import writing

    writing.sample(step, keywords, seed, temperature=temperature, top_p=top_p, top_k=top_k)


class Dtype(StrEnum):
    """Of written weights."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


@app.command()
def export(
    step: Annotated[str, typer.Option(help="Whose policy: base, step0, dpo1, ...")],
    out: Annotated[Path, typer.Option(help="A new folder.")],
    dtype: Annotated[Dtype, typer.Option(help="Of the weights.")] = Dtype.BFLOAT16,
    lora: Annotated[
        bool, typer.Option("--lora", help="One LoRA adapter instead, all steps' composed.")
    ] = False,
) -> None:
    """Write a step's policy as a plain model folder, adapters merged, as `vllm serve` wants it."""
    from synthfr.pipeline.cli import publishing

    publishing.export(step, out, dtype.value, lora=lora)


@app.command()
def publish(
    step: Annotated[str, typer.Option(help="Whose: base, step0, dpo1, ...")],
    out: Annotated[Path, typer.Option(help="A new folder.")],
    dataset: Annotated[
        bool, typer.Option("--dataset", help="Its reports (unless told otherwise).")
    ] = False,
    adapter: Annotated[
        bool, typer.Option("--adapter", help="Its policy, as one LoRA adapter on the base.")
    ] = False,
    merged: Annotated[bool, typer.Option("--merged", help="Its policy, as plain weights.")] = False,
    license_: Annotated[
        str | None,
        typer.Option("--license", help="The hub's short name of it; default: the base's own."),
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="What the adapter calls its base; default: base.repo_id.")
    ] = None,
    dtype: Annotated[Dtype, typer.Option(help="Of merged weights.")] = Dtype.BFLOAT16,
    repo: Annotated[str | None, typer.Option(help="owner/name on the hub.")] = None,
    upload: Annotated[
        bool, typer.Option("--upload", help="Also send it there, private if it is new.")
    ] = False,
) -> None:
    """Write a step's data set or policy as a folder that the Hugging Face hub takes as it is."""
    from synthfr.pipeline.cli import publishing

    if dataset + adapter + merged > 1:
        raise UserError("--dataset, --adapter and --merged are three folders: choose one of them.")
    kind: publishing.Kind = "adapter" if adapter else "merged" if merged else "dataset"
    target = publishing.Target(out, license_, base, repo, dtype.value)
    publishing.publish(step, kind, target, upload=upload)


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
