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

from synthfr.errors import UserError
from synthfr.files import read_yaml, write_text
from synthfr.report import over_seeds
from synthfr.report.results import METRICS, REFERENCES, load, percent

PIPELINE, PARAMS, METRICS_FOLDER = Path("dvc.yaml"), Path("params.yaml"), Path("metrics")
SEEDS = Path("docs/seeds.json")  # `synth-fr seeds` writes it


def update(path: Path, check: bool) -> None:
    """Write every table of `path` anew; with `check`, only fail (UserError) if one differs."""
    before = path.read_text(encoding="utf-8")
    after = before
    for name, table in TABLES.items():
        after = _replaced(after, name, table())
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


def results() -> str:
    """The measured tables, in the form of the published one; a note where nothing was measured."""
    found = load(METRICS_FOLDER, read_yaml(PARAMS)["steps"])
    if not found.sizes:
        return "*Nothing is measured yet: `make repro` does it.*"
    gain = f"{found.steps[-1]} vs {found.steps[0]}"
    parts = []
    for metric, title in METRICS.items():
        head = [f"{title}: reports", "top k", *found.steps, gain, *REFERENCES.values()]
        rows = []
        for row in found.rows(metric):
            steps, beside = (
                ["–" if one is None else str(one) for one in some]
                for some in (row.steps, row.references)
            )
            rows.append([str(row.size), str(row.top_k), *steps, percent(row.gain), *beside])
        parts.append(_markdown(head, rows))
    return "\n\n".join(parts)


def seeds() -> str:
    """The tables over seeds of the whole loop; a note where it was not run."""
    record = over_seeds.read(SEEDS)
    if record is None:
        return "*Nothing is measured yet: `make repro-seeds` does it.*"
    tables = []
    for metric, title in METRICS.items():
        (reports, *others), rows = over_seeds.table(record, metric)
        tables.append(_markdown([f"{title}: {reports}", *others], rows))
    return "\n\n".join(tables)


TABLES: Mapping[str, Callable[[], str]] = {
    "stages": stages,
    "parameters": parameters,
    "results": results,
    "seeds": seeds,
}


def _replaced(text: str, name: str, table: str) -> str:
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    pattern = re.compile(f"{re.escape(start)}\n.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        raise UserError(f"The README has no markers {start} and {end}: put them where it belongs.")
    return pattern.sub(lambda _: f"{start}\n{table}\n{end}", text)


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def _side(desc: str) -> tuple[str, str]:
    private = desc.startswith("PRIVATE. ")
    return ("private" if private else "public"), desc.removeprefix("PRIVATE. ")


def _made(body: Mapping[str, Any]) -> list[str]:
    """What later stages or people take up; metrics only of a stage that makes nothing else."""
    outs, metrics = ([_path(out) for out in body.get(kind, [])] for kind in ("outs", "metrics"))
    return [path for path in outs if not path.startswith("plots")] or metrics


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
