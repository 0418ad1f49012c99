"""Recipes: the loop at the root of the checkout, and every other system in ``recipes/<name>/``.

A recipe is a folder with a ``dvc.yaml`` and a ``params.yaml`` of its own; all that it writes lies
below it. Stages and tools work in the recipe's folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthfr.disk import read_yaml
from synthfr.errors import UserError
from synthfr.pipeline import layout

LOOP = "loop"  # the recipe at the root
FOLDER = "recipes"
_NEEDED = ("dvc.yaml", "params.yaml")


@dataclass(frozen=True)
class Recipe:
    """A recipe's name and its folder (absolute)."""

    name: str
    folder: Path

    def address(self, stage: str | None = None) -> str:
        """A stage, or all stages, of the recipe, as DVC names them at the root of the checkout."""
        graph = "dvc.yaml" if self.name == LOOP else f"{FOLDER}/{self.name}/dvc.yaml"
        if stage is None:
            return graph
        return stage if self.name == LOOP else f"{graph}:{stage}"


def folder_of(address: str) -> tuple[Path, str]:
    """Folder (relative to the root) and stage that an `address` names; empty: all its stages."""
    if address.endswith("dvc.yaml"):
        return Path(address).parent, ""
    graph, _, stage = address.rpartition(":")
    return Path(graph).parent, stage


def current() -> Recipe:
    """The recipe that the current folder is in; UserError where there is none."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if all((folder / name).is_file() for name in _NEEDED):
            return Recipe(folder.name if folder.parent.name == FOLDER else LOOP, folder)
    raise UserError(
        "This folder is in no recipe (there is no dvc.yaml with a params.yaml here or above): go "
        "into a checkout of Synth-FR."
    )


def named(name: str) -> Recipe:
    """The recipe `name` of this checkout; an unknown one is a UserError."""
    known = {recipe.name: recipe for recipe in recipes(layout.checkout())}
    if name not in known:
        raise UserError(f"There is no recipe '{name}': choose one of {', '.join(known)}.")
    return known[name]


def recipes(root: Path) -> list[Recipe]:
    """All recipes of a checkout, the loop first."""
    folders = sorted((root / FOLDER).glob("*/"))
    found = [Recipe(LOOP, root), *(Recipe(folder.name, folder) for folder in folders)]
    return [one for one in found if all((one.folder / name).is_file() for name in _NEEDED)]


def check_sections(folder: Path) -> None:
    """UserError if a stage of ``dvc.yaml`` reads a parameter section, or fills in a value, that
    ``params.yaml`` lacks: DVC would say so only when the stage's turn comes, or not at all clearly.
    A default of ours does not help it: it reads the file.
    """
    graph, params = read_yaml(folder / "dvc.yaml"), read_yaml(folder / "params.yaml")
    for name, entry in graph.get("stages", {}).items():
        for section in _sections(entry):
            if section not in params:
                raise UserError(
                    f"{folder / 'params.yaml'} has no section '{section}', which stage {name} of "
                    f"dvc.yaml reads: add it, or remove the stage."
                )
        for value in sorted(set(_FILLED_IN.findall(str(entry)))):
            if value.partition(".")[0] not in ("key", "item") and not _has(params, value):
                raise UserError(
                    f"{folder / 'params.yaml'} has no value '{value}', which stage {name} of "
                    f"dvc.yaml fills in: add it (a section that was pasted over another keeps "
                    "nothing of it)."
                )


_FILLED_IN = re.compile(r"\$\{([\w.]+)\}")


def _has(params: Any, name: str) -> bool:
    for part in name.split("."):
        if not isinstance(params, dict) or part not in params:
            return False
        params = params[part]
    return True


def _sections(entry: dict[str, Any]) -> list[str]:
    """First parts of the parameters of params.yaml that a stage, or each of a group, reads."""
    body = entry.get("do", entry)
    own = [key for key in body.get("params", []) if isinstance(key, str)]
    looped = re.findall(r"\$\{(\w+)", str(entry.get("foreach", "")))
    return [key.partition(".")[0] for key in own] + looped
