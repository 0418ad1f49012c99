"""``synth-fr docs``: the README's tables, written from the files that they describe.

A table stands between ``<!-- stages -->`` and ``<!-- /stages -->``; what is between the markers is
replaced, so that README and pipeline cannot drift apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from synthfr.disk import read_yaml, write_text
from synthfr.errors import UserError
from synthfr.pipeline import gpu_record, gpu_tables, layout
from synthfr.pipeline.cli import demo_figures, profile_tables
from synthfr.pipeline.cli.seed_record import RECORD_PATH
from synthfr.pipeline.page import (
    errors_part,
    faithfulness_figures,
    fidelity_part,
    privacy_tables,
    record,
    seed_tables,
    text_tables,
    utility_part,
)
from synthfr.pipeline.page.measured import Measured
from synthfr.pipeline.page.results import METRICS, load
from synthfr.pipeline.page.values import Table
from synthfr.pipeline.parameters import load_params

PIPELINE, PARAMS, PROFILES = Path("dvc.yaml"), Path("params.yaml"), Path("profiles")
_NONE_SHIPPED = "*No figures are shipped: `synth-fr docs --snapshot` takes them from a run.*"
_NO_SEEDS = "*Nothing is measured yet: `make repro-seeds` does it.*"


def update(path: Path, check: bool, snapshot: bool = False) -> None:
    """Write every table that `path` has markers for; with `check`, only fail (UserError) if one
    differs. `snapshot`: of the figures of the run that is here; they are copied to ``docs/demo``
    first.
    """
    if snapshot:
        typer.echo(f"{layout.DEMO} holds this run's figures: {demo_figures.take(load_params())}.")
    before = path.read_text(encoding="utf-8")
    after = before
    marked = [name for name in TABLES if f"<!-- {name} -->" in before]
    if not marked:
        raise UserError(
            f"{path} has no markers such as <!-- results --> and <!-- /results -->: put them where "
            "the tables belong."
        )
    for name in marked:
        after = _replaced(after, name, TABLES[name]())
    if before == after:
        typer.echo(f"{path} is up to date.")
    elif check:
        raise UserError(f"Tables of {path} are not up to date: run `synth-fr docs`.")
    else:
        write_text(path, after)
        typer.echo(f"{path} is written anew.")


def stages() -> str:
    """What each stage reads and writes, and on which side of the wall it runs."""
    rows = []
    for name, entry in read_yaml(PIPELINE)["stages"].items():
        body = entry.get("do", entry)
        title = f"`{name}@…`" if "foreach" in entry else f"`{name}`"
        side, desc = _side(body["desc"])
        read = [path for path in map(_shown, body.get("deps", [])) if _is_data(path)]
        made = [_shown(path) for path in _made(body)]
        rows.append([title, desc, _code(read), _code(made), side])
    return _markdown(["stage", "what it does", "reads", "writes", "side"], rows)


def parameters() -> str:
    """Every parameter as shipped, a row for each section; what it means stands in the file."""
    rows = []
    for section, values in read_yaml(PARAMS).items():
        if isinstance(values, Mapping):
            told = ", ".join(f"{name} `{_flow(value)}`" for name, value in _leaves(values))
        else:
            told = f"`{_flow(values)}`"
        rows.append([f"`{section}`", told or "none yet"])
    return _markdown(["section", "parameters and what they are as shipped"], rows)


def published() -> str:
    """What our profile changes of the published system, and why."""
    return _markdown(*profile_tables.published(PARAMS, PROFILES))


def plans() -> str:
    """Which GPUs hold all stages of each profile, by formula."""
    return _markdown(*profile_tables.plans(PARAMS, PROFILES))


def results() -> str:
    """One run of the shipped demo: headline, the measured tables in the form of the published one,
    faithfulness, where it comes from; a note where none is shipped.
    """
    steps = read_yaml(PARAMS)["steps"]
    found, shipped = load(demo_figures.FIGURES, steps), demo_figures.read()
    if not found.sizes or shipped is None:
        return _NONE_SHIPPED
    parts = [told] if (told := text_tables.headline(found)) else []
    parts += [_with_title(text_tables.grid(found, metric)) for metric in METRICS]
    if measures := faithfulness_figures.load(demo_figures.FIGURES, steps):
        parts.append(_with_title(text_tables.by_step(measures, steps)))
    parts.append(f"Run at {shipped}.")
    return "\n\n".join(parts)


def utility() -> str:
    """The page's tables on utility beyond the grid, of the shipped demo."""
    return _of_page(utility_part.load)


def errors() -> str:
    """The page's tables on the errors that are left, of the shipped demo."""
    return _of_page(lambda measured, steps: errors_part.load(measured, steps).tables)


def fidelity() -> str:
    """The page's tables on fidelity, of the shipped demo."""
    return _of_page(fidelity_part.load)


def _of_page(load_tables: Callable[[Measured, Sequence[str]], list[tuple[str, Table]]]) -> str:
    """Each table below its caption; a note where no figures are shipped."""
    found = load_tables(demo_figures.FIGURES, read_yaml(PARAMS)["steps"])
    parts = []
    for title, table in found:
        rows = [[name, *cells] for name, cells in table.rows]
        parts.append(f"{title}\n\n{_markdown(['', *table.columns], rows)}")
    return "\n\n".join(parts) or _NONE_SHIPPED


def seeds() -> str:
    """Headline and tables over seeds of the whole loop; a note where it was not run."""
    found = record.read(RECORD_PATH)
    if found is None:
        return _NO_SEEDS
    parts = [f"**{told}**"] if (told := seed_tables.headline(found)) else []
    parts += [_with_title(seed_tables.grid(found, metric)) for metric in METRICS]
    return "\n\n".join(parts)


def controls() -> str:
    """Baselines, steps, controls and references of the largest cell over seeds, steps and
    references by the coder that is kept; what the reports of
    steps and controls share with private documents.
    """
    found = record.read(RECORD_PATH)
    if found is None or (table := seed_tables.controls(found)) is None:
        return _NO_SEEDS
    tables = (table, seed_tables.kept_coder(found), seed_tables.privacy(found))
    return "\n\n".join(_with_title(one) for one in tables if one is not None)


def audit() -> str:
    """Every privacy test of the shipped demo's last step."""
    step = read_yaml(PARAMS)["steps"][-1]
    found = privacy_tables.tests(step, demo_figures.FIGURES.of("privacy", step))
    return _NONE_SHIPPED if found is None else _with_title(found)


def channels() -> str:
    """What the rounds of the shipped demo give away."""
    rounds = read_yaml(PARAMS)["rounds"]
    trees = {one: demo_figures.FIGURES.of("linkage", one) for one in rounds}
    found = privacy_tables.channels(trees)
    return _NONE_SHIPPED if found is None else _with_title(found)


def gpu() -> str:
    """What `make gpu-check` measured, a table for each GPU; "not measured" where it was not run."""
    parts = []
    for name, rows, origin in gpu_tables.tables(gpu_record.read(gpu_record.RECORD)):
        first, *others = gpu_tables.HEAD
        parts.append(_markdown([f"{name}: {first}" if name else first, *others], rows))
        if origin:
            parts.append(f"{name}: {origin}")
    return "\n\n".join(parts)


TABLES: Mapping[str, Callable[[], str]] = {
    "stages": stages,
    "parameters": parameters,
    "plans": plans,
    "published": published,
    "results": results,
    "seeds": seeds,
    "controls": controls,
    "utility": utility,
    "errors": errors,
    "fidelity": fidelity,
    "audit": audit,
    "channels": channels,
    "gpu": gpu,
}


def _replaced(text: str, name: str, table: str) -> str:
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    pattern = re.compile(f"{re.escape(start)}\n.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        raise UserError(f"The README has no markers {start} and {end}: put them where it belongs.")
    return pattern.sub(lambda _: f"{start}\n{table}\n{end}", text)


def _with_title(table: text_tables.TextTable) -> str:
    """The title stands before the first column's name."""
    first, *others = table.head
    return _markdown([f"{table.title}: {first}", *others], table.rows)


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def _side(desc: str) -> tuple[str, str]:
    private = desc.startswith("PRIVATE. ")
    return ("private" if private else "public"), desc.removeprefix("PRIVATE. ")


def _made(body: Mapping[str, Any]) -> list[str]:
    """What later stages or people take up; metrics only of a stage that makes nothing else."""
    outs = [_path(out) for kind in ("outs", "metrics") for out in body.get(kind, [])]
    return [path for path in outs if not path.startswith("metrics")] or outs


def _path(out: Any) -> str:
    return str(next(iter(out)) if isinstance(out, Mapping) else out)


def _shown(path: str) -> str:
    """A path as a reader knows it: ``${key}`` is the round, ``${item}`` the step."""
    for written, shown in (("item.parent", "PARENT"), ("key", "ROUND"), ("item", "STEP")):
        path = path.replace(f"${{{written}}}", shown)
    return "" if "${" in path else path


def _is_data(path: str) -> bool:
    return path.startswith(("data", "models", "metrics", "plots"))


def _code(paths: Sequence[str]) -> str:
    return "<br>".join(f"`{path}`" for path in paths)


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _flow(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
