"""What `dvc repro` runs again after a change, on the real dvc.yaml with stand-in stages.

A stand-in writes each of its outs as a digest of its inputs and parameters, so that a change
travels as far as the graph lets it. The real stages are run by the other tests of this folder.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from synthfr.disk import read_yaml

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.pipeline

STAND_IN = """
import hashlib, json, os, pathlib, sys

def content(path):
    path = pathlib.Path(path)
    if path.is_dir():
        return [content(p) for p in sorted(path.rglob("*")) if p.is_file()]
    return path.read_text()

graph = json.loads(pathlib.Path("graph.json").read_text())[os.environ["DVC_STAGE"]]
params = json.loads(pathlib.Path("params.json").read_text())
values = []
for name in graph["params"]:
    value = params
    for part in name.split("."):
        value = value[part]
    values.append(value)
text = json.dumps([values, [content(dep) for dep in graph["deps"]]])
for out in graph["outs"]:
    path = pathlib.Path(out)
    if not path.suffix:
        path = path / "file.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256((out + text).encode()).hexdigest()
    number = json.dumps({"digest": int(digest[:8], 16)})
    path.write_text(number if path.suffix == ".json" else digest)
"""


class Checkout:
    """A copy of the pipeline's definition with stand-in stages."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def repro(self) -> set[str]:
        """Run `dvc repro` (in this process: starting DVC takes a second); names of what ran."""
        from dvc.repo import Repo

        params = read_yaml(self.root / "params.yaml")
        (self.root / "params.json").write_text(json.dumps(params))  # quick to read for stand-ins
        with Repo(str(self.root)) as repo:
            return {stage.name for stage in repo.reproduce()}

    def edit(self, old: str, new: str) -> None:
        path = self.root / "params.yaml"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, old
        path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    from dvc.dependency import ParamsDependency
    from dvc.repo import Repo

    root = tmp_path_factory.mktemp("checkout")
    for name in ("dvc.yaml", "params.yaml", ".dvcignore", ".gitignore"):
        shutil.copy(ROOT / name, root / name)
    (root / ".dvc").mkdir()
    shutil.copy(ROOT / ".dvc/config", root / ".dvc/config")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for given in ("public/raw", "private/raw", "public/teacher"):
        (root / "data" / given).mkdir(parents=True)
        (root / "data" / given / "README.md").write_text("")
    (root / "docs").mkdir()
    (root / "docs" / "seeds.json").write_text("{}")
    graph = {}
    with Repo(str(root)) as repo:
        for stage in repo.index.stages:
            params = [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]
            deps = [dep.def_path for dep in stage.deps if dep not in params]
            graph[stage.name] = {
                "deps": [dep for dep in deps if not dep.startswith(("stages/", "synthfr/"))],
                "outs": [out.def_path for out in stage.outs],
                "params": [name for dep in params for name in dep.params],
            }
            for dep in deps:
                if dep.startswith(("stages/", "synthfr/")):
                    path = root / dep
                    path = path if path.suffix else path / "__init__.py"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(STAND_IN if dep.startswith("stages/") else "")
    # a whole package: a folder alone would give way to the real stages, where those are on the path
    (root / "stages" / "__init__.py").touch()
    (root / "graph.json").write_text(json.dumps(graph))
    made = Checkout(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        patch.chdir(root)
        assert made.repro() == set(graph)
        yield made


def per_step(*steps: str) -> set[str]:
    stages = ("synthesize", "classify", "privacy", "fidelity")
    return {f"{stage}@{step}" for stage in stages for step in steps} | {"report"}


def per_round(*rounds: str) -> set[str]:
    stages = ("generate", "judge", "score", "pair", "dpo")
    return {f"{stage}@{name}" for stage in stages for name in rounds}


def test_nothing_changed_nothing_runs(checkout: Checkout) -> None:
    assert checkout.repro() == set()


def test_a_parameter_reruns_only_what_depends_on_it(checkout: Checkout) -> None:
    checkout.edit("threads: 1 ", "threads: 2 ")
    checkout.edit("experiment: synth-fr ", "experiment: mine ")
    checkout.edit("ngram: 8", "ngram: 9")
    checkout.edit("max_labels: 10", "max_labels: 9")
    ran = {stage.partition("@")[0] for stage in checkout.repro()}
    assert ran == {"privacy", "classify", "reference", "report"}


def test_a_round_reruns_itself_and_its_descendants(checkout: Checkout) -> None:
    text = (checkout.root / "params.yaml").read_text(encoding="utf-8")
    found = re.search(r"dpo2: \{parent: dpo1, prompts: \d+, learning_rate: ([\d.]+)", text)
    assert found
    checkout.edit(found[0], found[0].removesuffix(found[1]) + "0.123")
    # its candidates, scores and pairs do not depend on how it trains on them
    assert checkout.repro() == per_round("dpo3") | {"dpo@dpo2"} | per_step("dpo2", "dpo3")


def test_a_fourth_round_is_one_line_and_its_name(checkout: Checkout) -> None:
    rounds = read_yaml(checkout.root / "params.yaml")["rounds"]
    line = json.dumps(rounds["dpo3"] | {"parent": "dpo3"})
    comment, steps = (
        "\n\n# What is synthesised and evaluated",
        "steps: [base, step0, dpo1, dpo2, dpo3",
    )
    checkout.edit(comment, f"\n  dpo4: {line}{comment}")
    checkout.edit(steps, f"{steps}, dpo4")
    graph = json.loads((checkout.root / "graph.json").read_text())
    for name in [name for name in graph if name.endswith("@dpo3")]:
        text = json.dumps(graph[name]).replace("dpo3", "dpo4")
        graph[name.replace("dpo3", "dpo4")] = json.loads(text.replace("models/dpo2", "models/dpo3"))
    (checkout.root / "graph.json").write_text(json.dumps(graph))
    assert checkout.repro() == per_round("dpo4") | per_step("dpo4")
