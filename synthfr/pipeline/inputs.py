"""Files that stages read and no stage makes: are they here?

DVC asks only when the stage's turn comes, perhaps after hours, answers ``[Errno 2]``, and has
removed the stage's earlier outputs by then. So `make repro`, `synth-fr submit` and `synth-fr check`
ask beforehand.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from synthfr.disk import read_yaml
from synthfr.errors import UserError
from synthfr.pipeline import earlier, layout
from synthfr.pipeline.dvc_graph import Graph, resolve, value_at
from synthfr.pipeline.findings import Finding, Weight
from synthfr.pipeline.recipe import recipes

_PARAMETER = re.compile(r"\$\{([\w.]+)\}")


def refuse_missing(folder: Path = Path(), only: Collection[str] | None = None) -> None:
    """UserError with the first of `problems`."""
    for problem in problems(folder, only):
        raise UserError(problem)


def findings() -> Iterator[Finding]:
    """For ``synth-fr doctor``: nothing where nothing is missing, or where its check of the user's
    own files says so.
    """
    with suppress(UserError):  # told by the check of the parameters
        own = value_at(read_yaml("params.yaml"), "seed.source") != "demo"
        for problem in problems():
            if not (own and problem.startswith("seed.files.")):
                yield Finding("inputs", Weight.STOP, problem)


def problems(folder: Path = Path(), only: Collection[str] | None = None) -> Iterator[str]:
    """A sentence for every file or folder that stages of the recipe in `folder` read, that no stage
    makes, and that is not there. `only`: names of the stages to look at; default all.
    """
    tree, values = read_yaml(folder / "dvc.yaml"), read_yaml(folder / "params.yaml")
    graph = resolve(tree, values)
    named: dict[str, str] = {}
    for setting, name in _settings(tree).items():
        path = value_at(values, setting)
        if isinstance(path, str) and path.strip():
            named[path] = setting
        else:
            yield (
                f"params.yaml: {setting} is empty, and DVC wants a path there, for stage {name}: "
                "name a file or a folder that is there (an empty folder where nothing is to be "
                "read)."
            )
    needs: dict[str, str] = {}
    for stage in graph.stages.values():
        if only is None or stage.name in only:
            for dep in filter(str.strip, stage.deps):
                if not graph.makers(dep) and not (folder / dep).exists():
                    needs.setdefault(dep, stage.name)
    elsewhere = list(_other_graphs(folder)) if needs else []
    for dep, name in needs.items():
        if not any(other.makers(os.path.relpath(folder / dep, at)) for at, other in elsewhere):
            yield _missing(folder, dep, name, named.get(dep))


def named_paths(folder: Path = Path()) -> list[Path]:
    """Files and folders that the parameters of the recipe in `folder` name, that its stages read,
    and that none of them makes.
    """
    tree, values = read_yaml(folder / "dvc.yaml"), read_yaml(folder / "params.yaml")
    graph = resolve(tree, values)
    found = (value_at(values, setting) for setting in _settings(tree))
    named = [path for path in found if isinstance(path, str) and path.strip()]
    return [Path(path) for path in named if not graph.makers(path)]


def _settings(tree: Any) -> dict[str, str]:
    """Parameters that are the whole path of a dependency, each with the first such stage."""
    found: dict[str, str] = {}
    for name, entry in tree.get("stages", {}).items():
        for dep in entry.get("do", entry).get("deps", []):
            if (whole := _PARAMETER.fullmatch(str(dep))) and not whole[1].startswith("item."):
                found.setdefault(whole[1], name)
    return found


def _other_graphs(folder: Path) -> Iterator[tuple[Path, Graph]]:
    """Of the checkout's other recipes: DVC runs them where a stage needs what they make."""
    for one in recipes(layout.checkout(folder)):
        if one.folder.resolve() != folder.resolve():
            tree, values = read_yaml(one.folder / "dvc.yaml"), read_yaml(one.folder / "params.yaml")
            yield one.folder, resolve(tree, values)


def _missing(folder: Path, dep: str, stage: str, setting: str | None) -> str:
    path = folder / dep
    what = f"{setting} names {path}, which" if setting else str(path)
    address = stage if folder == Path() else f"{folder / 'dvc.yaml'}:{stage}"
    kept = earlier.recovery(address, folder)
    end = f"; {kept}." if kept else "."
    return f"{what} is not there, and stage {stage} reads it: {_remedy(path, setting)}{end}"


def _remedy(path: Path, setting: str | None) -> str:
    if _is_tracked(path):
        return f"`git restore {path}` brings it back"
    for place in (path, *path.parents):
        if place.name and place.with_name(f"{place.name}.dvc").is_file():
            return f"`dvc checkout {place}` brings it back, or `dvc pull {place}`"
    if setting is None:
        return "put it there"
    if "~" in path.parts:
        return "write the whole path in params.yaml (~ is not read as your home there)"
    present = next(place for place in (*path.parents, Path()) if place.is_dir())
    near = "" if present == path.parent else f" (of its folders {present} is there)"
    return f"correct the path in params.yaml{near}, or put the file there"


def _is_tracked(path: Path) -> bool:
    """Whether git has a file of this name, or one in a folder of this name."""
    asked = subprocess.run(["git", "ls-files", "--", str(path)], capture_output=True, text=True)
    return asked.returncode == 0 and bool(asked.stdout.strip())
