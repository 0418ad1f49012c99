"""The wall and the layering, proved from dvc.yaml and the sources, not from good intentions."""

import ast
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from synthfr.disk import read_yaml

ROOT = Path(__file__).parents[1]
PRIVATE = "data/private"
# test_seeding, test_records, test_files and test_params hold these still: see dvc.yaml
FOUNDATION = {"__init__", "errors", "disk", "records", "seeding", "section", "pipeline"}
FOUNDATION |= {"redact"}
# may know one another and nobody else
LEAVES = {"text", "icd10", "prompts", "stats", "records", "seeding", "disk", "errors", "section"}
LEAVES |= {"redact"}
OUTER = {"pipeline"}  # may know the command line, DVC, MLflow and the repository
OUTSIDE = {"typer", "click", "dvc", "mlflow", "stages"}


@dataclass(frozen=True)
class Stage:
    name: str
    desc: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]
    pushed: tuple[str, ...]
    sections: frozenset[str]  # first parts of the parameter names

    @property
    def kind(self) -> str:
        return self.name.partition("@")[0]

    @property
    def private(self) -> bool:
        return self.desc.startswith("PRIVATE.")


@cache
def stages() -> tuple[Stage, ...]:
    """As DVC itself resolves them."""
    from dvc.dependency import ParamsDependency
    from dvc.repo import Repo

    found = []
    with Repo(str(ROOT)) as repo:
        for stage in repo.index.stages:
            params = [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]
            found.append(
                Stage(
                    name=stage.name,
                    desc=stage.desc or "",
                    deps=tuple(dep.def_path for dep in stage.deps if dep not in params),
                    outs=tuple(out.def_path for out in stage.outs),
                    pushed=tuple(out.def_path for out in stage.outs if out.can_push),
                    sections=frozenset(
                        key.partition(".")[0] for dep in params for key in dep.params
                    ),
                )
            )
    return tuple(found)


def test_all_stages_are_there() -> None:
    per_round = {"generate", "judge", "score", "pair", "dpo"}
    per_step = {"synthesize", "classify", "privacy", "fidelity"}
    once = {"seed", "keywords", "base", "sft", "reference", "report"}
    params = read_yaml(ROOT / "params.yaml")
    expected = once | {f"{stage}@{item}" for stage in per_round for item in params["rounds"]}
    expected |= {f"{stage}@{item}" for stage in per_step for item in params["steps"]}
    assert {stage.name for stage in stages()} == expected


# each check looks at all stages and tells of all that break it, by name


def test_stages_have_a_description_and_their_own_file() -> None:
    assert [stage.name for stage in stages() if not stage.desc] == []
    own = {stage.name: f"stages/{stage.kind}.py" for stage in stages()}
    assert [stage.name for stage in stages() if own[stage.name] not in stage.deps] == []
    assert [name for name, path in own.items() if not (ROOT / path).is_file()] == []


def test_only_private_stages_see_private_data() -> None:
    assert {stage.name: wrong for stage in stages() if (wrong := breaches(stage))} == {}


def test_every_out_has_its_place_in_the_layout() -> None:
    misplaced = {stage.name: set(stage.outs) - places(stage) for stage in stages()}
    assert {name: outs for name, outs in misplaced.items() if outs} == {}


def test_stages_depend_on_the_domain_code_that_they_use() -> None:
    missing = {}
    for stage in stages():
        listed = {Path(dep) for dep in stage.deps}
        used = reached(ROOT / f"stages/{stage.kind}.py")
        if not_listed := [path for path in used if not listed & {path, *path.parents}]:
            missing[stage.name] = not_listed
    assert missing == {}


def test_stages_depend_on_the_parameters_that_they_read() -> None:
    read = {stage.name: params_read(ROOT / f"stages/{stage.kind}.py") for stage in stages()}
    assert read == {stage.name: stage.sections for stage in stages()}


def test_stages_declare_the_files_that_they_name() -> None:
    undeclared = {}
    for stage in stages():
        declared = {Path(path) for path in (*stage.deps, *stage.outs)}
        for place in places_named(stage):
            if not any(near & declared for near in place):
                undeclared[stage.name] = place
    assert undeclared == {}


def test_stages_declare_the_metrics_and_series_that_they_log() -> None:
    wrong = []
    for stage in stages():
        source = (ROOT / f"stages/{stage.kind}.py").read_text(encoding="utf-8")
        for call, folder in (("run.log(", "metrics/"), ("run.series(", "plots/")):
            if any(out.startswith(folder) for out in stage.outs) is not (call in source):
                wrong.append((stage.name, call))
    assert wrong == []


def breaches(stage: Stage) -> list[str]:
    """What is wrong with a stage's side of the wall."""
    wrong = [f"reads {dep}" for dep in stage.deps if dep.startswith(PRIVATE) and not stage.private]
    wrong += [f"writes {o}" for o in stage.outs if o.startswith(PRIVATE) and not stage.private]
    wrong += [f"pushes {out}" for out in stage.pushed if out.startswith(PRIVATE)]
    return wrong


def test_breaches_are_seen() -> None:
    """Negative control."""
    keyed = f"{PRIVATE}/keyed.parquet"
    stage = Stage("generate@dpo1", "Write", (keyed,), (keyed,), (keyed,), frozenset())
    assert breaches(stage) == [f"reads {keyed}", f"writes {keyed}", f"pushes {keyed}"]


def test_all_of_data_private_is_made_by_private_stages_and_never_pushed() -> None:
    outs = [out for stage in stages() for out in stage.outs if out.startswith(PRIVATE)]
    assert set(outs) == {f"{PRIVATE}/{name}.parquet" for name in ("train", "holdout", "keyed")}
    assert not [out for stage in stages() for out in stage.pushed if out.startswith(PRIVATE)]


def test_the_runner_knows_which_stages_are_private() -> None:
    from synthfr.pipeline.command import PRIVATE_STAGES

    assert set(PRIVATE_STAGES) == {stage.kind for stage in stages() if stage.private}


def test_public_stages_do_not_name_private_paths() -> None:
    private = {"PRIVATE", "PRIVATE_TRAIN", "PRIVATE_HOLDOUT", "KEYED", "FAILURES"}
    for stage in stages():
        tree = ast.parse((ROOT / f"stages/{stage.kind}.py").read_text(encoding="utf-8"))
        named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        named |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        if not stage.private:
            assert not named & private, stage.name


def places(stage: Stage) -> set[str]:
    """Every path that synthfr/pipeline/layout.py has for this stage."""
    from synthfr.pipeline import layout

    item = stage.name.partition("@")[2] or None
    paths = {value for value in vars(layout).values() if isinstance(value, Path)}
    paths |= {layout.adapter("step0"), layout.metrics(stage.kind, item)}
    if item:
        per_item = (layout.adapter, layout.candidates, layout.judgements, layout.scores)
        per_item += (layout.pairs, layout.best_of, layout.kto, layout.synthetic)
        paths |= {place(item) for place in per_item}
    folder = ROOT / "plots" / stage.kind
    paths |= {
        layout.plot(stage.kind, item, name)
        for name in ("history", *(path.stem for path in folder.glob("*")))
    }
    return {path.as_posix() for path in paths}


def test_what_git_ignores() -> None:
    ignored = {
        "data/private/keyed.parquet": True,
        "data/private/raw/my reports.csv": True,
        "data/private/README.md.bak": True,
        "data/private/deep/er/notes.txt": True,
        "data/private/README.md": False,
        "data/private/.gitignore": False,
        "data/public/seed.parquet": True,
        "data/synthetic/dpo1/reports.parquet": True,
        "models/dpo1/adapter_model.safetensors": True,
        "models/README.md": False,
        "mlruns/mlflow.db": True,
        ".scratch/dpo@dpo1/x": True,
        "metrics/.dpo.partial.json": True,
        "metrics/dpo/dpo1.json": False,
        "synthfr/models/__init__.py": False,
        "synthfr/pipeline/page/document.py": False,
        "tests/models/test_base.py": False,
    }
    assert ignored_by_git(ignored) == {path for path, is_so in ignored.items() if is_so}


def ignored_by_git(paths: Iterable[str]) -> set[str]:
    """Those of the paths that the ignore rules keep out, whether they exist or are in git."""
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "-z", "--stdin"],
        cwd=ROOT,
        input="\0".join(paths),
        capture_output=True,
        text=True,
        check=False,  # 1: none is
    )
    assert done.returncode in (0, 1), done.stderr
    return set(filter(None, done.stdout.split("\0")))


def test_nothing_private_is_in_git() -> None:
    listed = subprocess.run(
        ["git", "ls-files", PRIVATE], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    assert {Path(name).name for name in listed if name} <= {"README.md", ".gitignore"}


def test_the_outs_of_private_stages_need_no_later_gitignore_line() -> None:
    """DVC writes .gitignore lines after a stage; a failed run must not leave texts in sight."""
    private = {out for stage in stages() for out in stage.outs if out.startswith(PRIVATE)}
    assert private and ignored_by_git(private) == private


# --- imports ----------------------------------------------------------------------------------


def imported(source: str) -> Iterator[str]:
    """Dotted names that a module imports anywhere, but for type checking."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_file(name: str) -> Path | None:
    base = ROOT.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def reached(stage_file: Path) -> set[Path]:
    """Domain modules that a stage can come to import, foundation apart; relative to the root."""
    seen: set[Path] = set()
    queue = [stage_file]
    while queue:
        for name in imported(queue.pop().read_text(encoding="utf-8")):
            if not name.startswith("synthfr.") or name.split(".")[1] in FOUNDATION:
                continue
            path = module_file(name)
            if path and path not in seen:
                seen.add(path)
                queue.append(path)
    return {path.relative_to(ROOT) for path in seen}


def params_read(stage_file: Path) -> set[str]:
    """Sections that a stage takes from `run.params`; `run.seed` is `random_seed`."""
    read = set()
    for node in ast.walk(ast.parse(stage_file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Attribute):
            continue
        owner = node.value
        if isinstance(owner, ast.Attribute) and owner.attr == "params":
            read.add(node.attr)
        if isinstance(owner, ast.Name) and owner.id == "run" and node.attr == "seed":
            read.add("random_seed")
    return read


def places_named(stage: Stage) -> Iterator[list[set[Path]]]:
    """For each place of the layout that the stage's source names: the paths that it can mean.

    Each path comes with its parent folders; a place per item can mean the stage's item or any step.
    """
    from synthfr.pipeline import layout

    steps = read_yaml(ROOT / "params.yaml")["steps"]
    item = stage.name.partition("@")[2]
    for node in ast.walk(ast.parse((ROOT / f"stages/{stage.kind}.py").read_text("utf-8"))):
        if not (isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "layout"):
            continue
        place = getattr(layout, node.attr)
        # all adapters, the private side; views and unfinished work without a place in DVC
        if place in (layout.MODELS, layout.PRIVATE, layout.TIMINGS, layout.MERGED):
            continue
        # through the policy: of `base` the base itself, else an adapter that holds its digest
        if (stage.kind, node.attr) == ("synthesize", "BASE"):
            place = layout.adapter(item)
        items = steps if node.attr == "adapter" else [item]
        paths = [place] if isinstance(place, Path) else [place(one) for one in items]
        yield [{path, *path.parents} for path in paths]


def sources() -> list[Path]:
    return sorted((ROOT / "synthfr").rglob("*.py"))


def part(path: Path) -> str:
    first = path.relative_to(ROOT / "synthfr").parts[0]
    return first.removesuffix(".py")


def misplaced(owner: str, source: str) -> list[str]:
    """Imports that the layering forbids to the part `owner` of synthfr."""
    wrong = []
    for name in imported(source):
        first, _, rest = name.partition(".")
        if first in OUTSIDE and owner not in OUTER:
            wrong.append(name)
        if first == "synthfr" and rest:
            target = rest.partition(".")[0]
            if target in OUTER and owner not in OUTER:
                wrong.append(name)
            if owner in LEAVES and target not in LEAVES | {owner}:
                wrong.append(name)
    return wrong


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_downward(path: Path) -> None:
    assert misplaced(part(path), path.read_text(encoding="utf-8")) == []


def test_misplaced_imports_are_seen() -> None:
    """Negative control."""
    source = "def f():\n    import mlflow\n    from stages import layout\n"
    assert {"mlflow", "stages"} <= set(misplaced("training", source))
    assert misplaced("pipeline", source) == []
    assert misplaced("text", "from synthfr.models import base")
    assert misplaced("scoring", "from synthfr import pipeline")


def test_stages_are_thin() -> None:
    lines = {
        path.stem: len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / "stages").glob("*.py")
    }
    assert {name: n for name, n in lines.items() if n > 60} == {}
