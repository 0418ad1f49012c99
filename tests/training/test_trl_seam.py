"""The seam names the TRL that it is tested with and all that it reaches into; nothing else does."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from synthfr.training import trl_seam

ROOT = Path(__file__).parents[2]
SEAM = Path("synthfr/training/trl_seam")
LIBRARIES = ("accelerate", "peft", "transformers", "trl")
# modules that look behind an interface without the seam, and why
ALLOWED = {
    "synthfr/coding/fine_tuning.py": "a trainer's order of rows is not public",
    "synthfr/engines/transformers/grouped_attention.py": "which attention a model has is not "
    "public",
}
PUBLIC_IN_SPITE_OF_ITS_NAME = {"_asdict", "_exit", "_fields", "_replace"}


def wrong_version(installed: str) -> str | None:
    if installed == trl_seam.TESTED_TRL:
        return None
    return (
        f"TRL {installed} is installed, {SEAM} is tested with {trl_seam.TESTED_TRL}: read its "
        "CHANGES against the new version, run tests/training, then raise TESTED_TRL"
    )


def test_the_installed_trl_is_the_one_that_the_seam_is_tested_with() -> None:
    assert wrong_version(version("trl")) is None, wrong_version(version("trl"))
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert re.findall(r"^trl==(\S+)", lock, re.MULTILINE) == [trl_seam.TESTED_TRL]
    assert "TRL 0.1 is installed" in str(wrong_version("0.1"))  # the control


def is_theirs(name: str) -> bool:
    """Whether a dotted name exists in the installed library, or is the name of something that the
    last object in it uses.
    """
    first, *parts = name.split(".")
    place: Any = import_module(first)
    for number, part in enumerate(parts):
        if not hasattr(place, part) and inspect.ismodule(place):
            import_module(f"{place.__name__}.{part}")
        if not hasattr(place, part):
            last = number == len(parts) - 1
            return last and re.search(rf"\b{part}\b", inspect.getsource(place)) is not None
        place = getattr(place, part)
    return True


@pytest.mark.parametrize("change", trl_seam.CHANGES, ids=lambda one: f"{one.module}:{one.name}")
def test_what_the_seam_names_is_there_and_is_used(change: trl_seam.Change) -> None:
    assert is_theirs(change.name)
    source = (ROOT / SEAM / f"{change.module}.py").read_text(encoding="utf-8")
    assert re.search(rf"\b{change.name.rpartition('.')[2]}\b", source)


def test_forged_names_are_seen() -> None:
    """The control."""
    assert is_theirs("trl.DPOTrainer.ref_chosen_logps")
    assert not is_theirs("trl.DPOTrainer.ref_best_logps")
    assert not is_theirs("transformers.Trainer._get_other_sampler")


def reached_into(source: str) -> set[str]:
    """Names behind the public interface of a library that a module uses or replaces: private
    attributes of what is not its own, overridden private methods, replaced methods, TRL's inner
    modules.
    """
    return _Reaching(ast.parse(source)).names


class _Reaching(ast.NodeVisitor):
    def __init__(self, tree: ast.Module) -> None:
        nodes = list(ast.walk(tree))
        self.functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        self.own = self.functions | {
            node.attr for node in nodes if isinstance(node, ast.Attribute) and _is_self(node.value)
        }
        self.theirs = {
            alias.asname or alias.name
            for node in nodes
            if isinstance(node, ast.ImportFrom) and _package(node) in LIBRARIES
            for alias in node.names
        }
        # sys.excepthook and the like may be replaced
        self.modules = {
            alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names
        }
        self.names: set[str] = set()
        self.visit(tree)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if _is_private(node.attr) and not _is_self(node.value) and node.attr not in self.own:
            self.names.add(node.attr)
        self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        inner_trl = (node.module or "").startswith("trl.")
        if _package(node) in LIBRARIES:
            names = {alias.name for alias in node.names}
            self.names |= {name for name in names if inner_trl or _is_private(name)}

    def visit_Assign(self, node: ast.Assign) -> None:
        value = node.value
        is_function = isinstance(value, ast.Lambda) or (
            isinstance(value, ast.Name) and value.id in self.functions
        )
        for target in node.targets:
            if is_function and isinstance(target, ast.Attribute):
                place = target.value
                if not (isinstance(place, ast.Name) and place.id in {"self", "cls", *self.modules}):
                    self.names.add(target.attr)
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if any(isinstance(base, ast.Name) and base.id in self.theirs for base in node.bases):
            methods = {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
            self.names |= {name for name in methods if _is_private(name)}
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in ("getattr", "setattr", "hasattr"):
            names = {str(one.value) for one in node.args[1:2] if isinstance(one, ast.Constant)}
            self.names |= {name for name in names if _is_private(name)}
        self.generic_visit(node)


def _package(node: ast.ImportFrom) -> str:
    return (node.module or "").partition(".")[0]


def _is_private(name: str) -> bool:
    private = name.startswith("_") and not name.startswith("__")
    return private and name not in PUBLIC_IN_SPITE_OF_ITS_NAME


def _is_self(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in ("self", "cls")


def modules() -> list[str]:
    files = [file for top in ("synthfr", "stages") for file in (ROOT / top).rglob("*.py")]
    return sorted(str(file.relative_to(ROOT)) for file in files)


def test_no_other_module_reaches_behind_an_interface() -> None:
    found = {
        module: names
        for module in modules()
        if not Path(module).is_relative_to(SEAM)
        and (names := reached_into((ROOT / module).read_text(encoding="utf-8")))
    }
    assert set(found) == set(ALLOWED), found


def test_the_seam_names_all_that_it_reaches_into() -> None:
    for file in (ROOT / SEAM).glob("*.py"):
        named = {
            change.name.rpartition(".")[2]
            for change in trl_seam.CHANGES
            if change.module == file.stem
        }
        assert reached_into(file.read_text(encoding="utf-8")) <= named, file.name


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("trainer._get_train_sampler()", "_get_train_sampler"),
        ("trainer.model.config._attn_implementation = 'ours'", "_attn_implementation"),
        ("trainer.create_model_card = lambda: None", "create_model_card"),
        ("def forward(): ...\nmodel.forward = forward", "forward"),
        ("from trl.trainer.utils import add_fused_lm_head", "add_fused_lm_head"),
        ("from transformers.trainer import _private", "_private"),
        (
            "from trl import DPOTrainer\n"
            "class Ours(DPOTrainer):\n    def _prepare_dataset(self): ...",
            "_prepare_dataset",
        ),
        ("setattr(trainer, '_signature_columns', [])", "_signature_columns"),
    ],
)
def test_reaching_is_seen(source: str, name: str) -> None:
    """The control."""
    assert reached_into(source) == {name}


def test_public_use_is_not() -> None:
    assert (
        reached_into(
            "from trl import SFTTrainer\n"
            "class Own:\n"
            "    def _end(self): self._done = self.data._asdict()\n"
            "own._end()\n"
            "trainer.args.seed = seed\n"
        )
        == set()
    )
