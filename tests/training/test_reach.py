"""A training reaches its own modules only: what a change of the other kind must not make stale."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# load the parameters of all stages: what a stage's result depends on is said by its `params`
NOT_FOLLOWED = "synthfr.pipeline"


def _file(module: str) -> Path | None:
    path = ROOT / module.replace(".", "/")
    files = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in files if file.is_file()), None)


def _imports(tree: ast.AST) -> list[str]:
    """Modules that a tree imports when it runs, wherever that stands."""
    names: list[str] = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        names += _imports(node)
    return names


def reached(*modules: str) -> set[str]:
    """The project's modules that these import, themselves or through others."""
    known: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        file = _file(module)
        if module in known or file is None or module.startswith(NOT_FOLLOWED):
            continue
        known.add(module)
        parents = module.split(".")[:-1]
        waiting += [".".join(parents[:size]) for size in range(1, len(parents) + 1)]
        waiting += _imports(ast.parse(file.read_text(encoding="utf-8")))
    return known


SFT_ONLY = {"synthfr.training.sft", "synthfr.training.packing", "synthfr.corpora.teacher"}
DPO_ONLY = {"synthfr.training.dpo", "synthfr.training.trl_seam.dpo_trainer"}


@pytest.mark.parametrize(
    ("stage", "own", "others"),
    [("stages.sft", SFT_ONLY, DPO_ONLY), ("stages.dpo", DPO_ONLY, SFT_ONLY)],
)
def test_a_stage_reaches_its_own_training_only(stage: str, own: set[str], others: set[str]) -> None:
    modules = reached(stage)
    assert own <= modules
    assert not others & modules
    assert {"synthfr.training.common", "synthfr.training.worker"} <= modules


def test_neither_launch_nor_common_knows_a_kind() -> None:
    assert not (SFT_ONLY | DPO_ONLY) & reached("synthfr.training.launch")
    assert reached("synthfr.training.sft") >= SFT_ONLY  # the control
