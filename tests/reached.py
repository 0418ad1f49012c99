"""Which modules of the library a stage comes to import, read off the sources.

A name that a package only re-exports leads to the module that defines it, not to the package.
``python -m tests.reached sft`` prints what dvc.yaml should list for the stage `sft`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

from synthfr.coding.coders import CoderSettings
from synthfr.engines.engine_settings import Sampling
from synthfr.scoring.evaluators import EvaluatorSettings
from synthfr.scoring.scores import Score
from synthfr.section import Section

ROOT = Path(__file__).parents[1]
# what every stage stands on: golden tests hold it still
FOUNDATION = {"__init__", "disk", "errors", "records", "redact", "section", "seeding"}
# finds files, or refuses to start: changes no result of what starts
FOUNDATION |= {"hardware", "hub"}
# the tools around the stages; the page is a stage's own work
TOOLS = "synthfr.pipeline"
PAGE = "synthfr.pipeline.page"


def reached(stage_file: Path) -> set[Path]:
    """Files of the library that a stage can come to import, foundation apart; relative to the
    root.
    """
    seen: set[Path] = set()
    queue = [stage_file]
    while queue:
        for path in _imports(queue.pop()):
            if path not in seen and not _apart(path):
                seen.add(path)
                queue.append(path)
    return {path.relative_to(ROOT) for path in seen}


def _apart(path: Path) -> bool:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    first = path.relative_to(ROOT / "synthfr").parts[0].removesuffix(".py")
    return first in FOUNDATION or (module.startswith(TOOLS) and not module.startswith(PAGE))


@cache
def _imports(path: Path) -> frozenset[Path]:
    """Files that the imports of a file lead to, at run time."""
    tree = _parsed(path)
    found: set[Path] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.startswith("synthfr.")]
            found |= {file for name in names if (file := module_file(name))}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("synthfr"):
            for alias in node.names:
                found |= set(_named(str(node.module), alias.name, alias.asname or alias.name, tree))
    return frozenset(found)


def _named(package: str, name: str, bound: str, tree: ast.Module) -> Iterator[Path]:
    """Files behind ``from package import name``."""
    below = module_file(f"{package}.{name}")
    if below is None:
        yield from _defining(package, name)
    elif below.name != "__init__.py":
        yield below
    else:
        used = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == bound
        }
        for attribute in used:
            yield from _named(f"{package}.{name}", attribute, attribute, ast.Module([], []))


def _defining(module: str, name: str) -> Iterator[Path]:
    file = module_file(module)
    if file is None:
        return
    if file.name == "__init__.py":
        for node in _parsed(file).body:
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        yield from _named(node.module, alias.name, name, ast.Module([], []))
                        return
    yield file


@cache
def _parsed(path: Path) -> ast.Module:
    """The file without what is imported for type checking only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            node.body = []
    return tree


def module_file(name: str) -> Path | None:
    """The file of a dotted module name; None if there is none."""
    base = ROOT.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


# which of several alternatives enters the result is a parameter: dvc.yaml depends on that one only
def _kinds(section: type[Section], name: str) -> str:
    """The values that a parameter may have, as alternatives of a pattern."""
    return f"({'|'.join(get_args(section.model_fields[name].annotation))})"


ALTERNATIVES = {
    rf"synthfr/engines/{_kinds(Sampling, 'engine')}/.*": "synthfr/engines/${STAGE.engine}",
    rf"synthfr/coding/{_kinds(CoderSettings, 'kind')}\.py": (
        "synthfr/coding/${classify.coder.kind}.py"
    ),
    rf"synthfr/scoring/{_kinds(EvaluatorSettings, 'kind')}\.py": (
        "synthfr/scoring/${score.evaluator.kind}.py"
    ),
    rf"synthfr/scoring/release/{_kinds(Score, 'release')}\.py": (
        "synthfr/scoring/release/${score.release}.py"
    ),
    # not those of `files`: the source `hub` reads the private side by them
    r"synthfr/corpora/(demo|hub)/.*": "synthfr/corpora/${seed.source}",
}
# what modules read beside their own text; of languages, `language_names` tells all but
# `language_resources` the names alone, which a test holds still: a new cue trains nothing anew
RESOURCES = {
    "synthfr/corpora/demo/knowledge.py": "synthfr/corpora/demo/knowledge.yaml",
    "synthfr/corpora/files/lexicon.py": "synthfr/corpora/files/lexicons",
    "synthfr/judging/judgements.py": "synthfr/judging",
    "synthfr/privacy/questions/__init__.py": "synthfr/privacy/questions",
    "synthfr/privacy/review/__init__.py": "synthfr/privacy/review",
    "synthfr/privacy/review/page.py": "synthfr/privacy/review",
    "synthfr/prompts/__init__.py": "synthfr/prompts",
    "synthfr/scoring/similarity_judge.py": "synthfr/scoring/questions",
    "synthfr/text/language_resources.py": "synthfr/text/languages",
    "synthfr/training/processes.py": "synthfr/training/strategies",
}
# read all of several alternatives: the demo's truth, whatever the source is, and encoders and a
# coder of the stage's own; what every way to release the scores would tell; one coder, whatever the
# grid's is
WHOLE = {
    "fidelity": ("synthfr/corpora/", "synthfr/scoring/", "synthfr/coding/"),
    "linkage": ("synthfr/scoring/release/",),
    **dict.fromkeys(("train_coder", "judge_coder", "reference_coder"), ("synthfr/coding/",)),
}
OWN_RESOURCES = {"base": ["synthfr/models/tiny_base"], "page": ["synthfr/pipeline/page"]}


def dependencies(stage: str) -> set[str]:
    """What dvc.yaml should list of the repository's code for a stage, as it is written there."""
    found = {f"stages/{stage}.py", *OWN_RESOURCES.get(stage, [])}
    for path in map(Path.as_posix, reached(ROOT / f"stages/{stage}.py")):
        found.add(_written(path, stage))
        if path in RESOURCES:
            found.add(_written(RESOURCES[path], stage))
    folders = {one for one in found if (ROOT / one).is_dir()}
    return {one for one in found if not any(one.startswith(f"{folder}/") for folder in folders)}


def _written(path: str, stage: str) -> str:
    for pattern, shown in ALTERNATIVES.items():
        whole = WHOLE.get(stage)
        if re.fullmatch(pattern, path) and not (whole and path.startswith(whole)):
            return shown.replace("STAGE", stage)
    return path


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print("\n".join(f"      - {one}" for one in sorted(dependencies(name))))
