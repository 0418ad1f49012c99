"""The wall and what makes a stage stale, proved from the dvc.yaml of every recipe and the sources.

Each test looks at every stage of every recipe and lists all breaches at once.
"""

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from synthfr.disk import read_yaml
from synthfr.pipeline import layout
from synthfr.pipeline.recipe import LOOP, Recipe, check_sections, recipes
from tests.reached import ROOT, dependencies

PRIVATE = "data/private"
RECIPES = recipes(ROOT)
LOADED = [recipe.name for recipe in RECIPES]


@dataclass(frozen=True)
class Stage:
    """A stage as DVC resolves it; paths as its dvc.yaml has them."""

    recipe: str
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
    def item(self) -> str:
        return self.name.partition("@")[2]

    @property
    def private(self) -> bool:
        return self.desc.startswith("PRIVATE.")

    def __str__(self) -> str:
        return f"{self.recipe}:{self.name}"


@cache
def stages() -> tuple[Stage, ...]:
    """Of all recipes, as DVC itself resolves them."""
    from dvc.dependency import ParamsDependency
    from dvc.repo import Repo

    found = []
    with Repo(str(ROOT)) as repo:
        for stage in repo.index.stages:
            params = [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]
            folder = Path(stage.path_in_repo).parent
            found.append(
                Stage(
                    recipe=folder.name or LOOP,
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


def source(stage: Stage) -> str:
    return (ROOT / f"stages/{stage.kind}.py").read_text(encoding="utf-8")


def entries(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Stages of a dvc.yaml as it is written, groups by the name of the group."""
    written = read_yaml(recipe.folder / "dvc.yaml")["stages"]
    return {name: entry.get("do", entry) for name, entry in written.items()}


def test_all_stages_are_there() -> None:
    per_round = {
        "generate",
        "judge",
        "similarity_judge",
        "score",
        "release",
        "pair",
        "linkage",
        "dpo",
    }
    per_step = {"synthesize", "classify", "train_coder", "judge_coder", "augment", "errors"}
    per_step |= {"privacy", "fidelity"}
    once = {"seed", "keywords", "base", "sft", "reference", "reference_coder", "compare", "noise"}
    once |= {"headline", "page"}
    params = read_yaml(ROOT / "params.yaml")
    expected = once | {f"{stage}@{item}" for stage in per_round for item in params["rounds"]}
    expected |= {f"{stage}@{item}" for stage in per_step for item in params["steps"]}
    assert {stage.name for stage in stages() if stage.recipe == LOOP} == expected
    assert {stage.recipe for stage in stages()} == set(LOADED) >= {LOOP, "teacher"}


def test_every_stage_has_a_description_and_a_file_of_its_own() -> None:
    assert not [str(one) for one in stages() if not one.desc]
    assert not [str(one) for one in stages() if not (ROOT / f"stages/{one.kind}.py").is_file()]


# --- what makes a stage stale -----------------------------------------------------------------


def code_of(entry: dict[str, Any], recipe: Recipe) -> set[str]:
    """The repository's code among a stage's dependencies, relative to the root."""
    up = "" if recipe.name == LOOP else "../../"
    listed = [dep.removeprefix(up) for dep in entry["deps"] if dep.startswith(up)]
    return {dep for dep in listed if dep.startswith(("stages/", "synthfr/"))}


def code_breaches(recipe: Recipe) -> list[str]:
    """Lines that dvc.yaml lacks or has too many."""
    wrong = []
    for name, entry in entries(recipe).items():
        listed, wanted = code_of(entry, recipe), dependencies(name)
        wrong += [f"{recipe.name}, {name}: add {one}" for one in sorted(wanted - listed)]
        wrong += [f"{recipe.name}, {name}: drop {one}" for one in sorted(listed - wanted)]
    return wrong


@pytest.mark.parametrize("recipe", RECIPES, ids=LOADED)
def test_stages_depend_on_exactly_the_code_that_they_reach(recipe: Recipe) -> None:
    assert code_breaches(recipe) == []


def test_a_line_too_many_and_one_too_few_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control."""
    text = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    own = text.replace("- synthfr/preferences/tables.py", "- synthfr/training/dpo.py", 1)
    (tmp_path / "dvc.yaml").write_text(own)
    assert code_breaches(Recipe(LOOP, tmp_path)) == [
        "loop, pair: add synthfr/preferences/tables.py",
        "loop, pair: drop synthfr/training/dpo.py",
    ]


def prompt_breaches(recipe: Recipe) -> list[str]:
    """Stages that read the prompt's template and do not watch it where it is a file, or watch it
    for nothing.
    """
    return [
        f"{recipe.name}, {name}"
        for name, entry in entries(recipe).items()
        if ("prompt" in entry.get("params", [])) != ("${prompt.watch}" in entry.get("deps", []))
    ]


@pytest.mark.parametrize("recipe", RECIPES, ids=LOADED)
def test_stages_that_render_prompts_watch_a_template_that_is_a_file(recipe: Recipe) -> None:
    assert prompt_breaches(recipe) == []
    read = {name for name, one in entries(recipe).items() if "prompt" in one.get("params", [])}
    assert {"keywords", "sft", "synthesize"} == read


def test_a_template_that_is_not_watched_is_seen(tmp_path: Path) -> None:
    """Negative control."""
    text = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    (tmp_path / "dvc.yaml").write_text(text.replace("      - ${prompt.watch}\n", "", 1))
    assert prompt_breaches(Recipe(LOOP, tmp_path)) == ["loop, keywords"]


def stale_after(edited: str) -> set[str]:
    """Kinds of the loop's stages that an edit of this file makes stale by itself."""
    path = Path(edited)
    assert (ROOT / path).exists()
    return {
        stage.kind
        for stage in stages()
        if stage.recipe == LOOP and {path, *path.parents} & set(map(Path, stage.deps))
    }


WRITERS = {"generate", "judge", "similarity_judge", "synthesize"}


@pytest.mark.parametrize(
    ("edited", "stale"),
    [
        ("synthfr/engines/openai/openai_server.py", set()),  # another engine is in use
        ("synthfr/engines/vllm/vllm_engine.py", set()),
        ("synthfr/engines/transformers/decoding.py", WRITERS),  # the control: this one is
        ("synthfr/engines/asking.py", {"judge", "similarity_judge"}),
        ("synthfr/training/dpo.py", {"dpo"}),
        ("synthfr/training/sft.py", {"sft"}),
        ("synthfr/pretraining/tiny.py", set()),
        ("synthfr/pretraining/texts.py", set()),
        ("synthfr/coding/encoder.py", set()),
        (
            "synthfr/coding/tfidf.py",
            {"classify", "reference", "augment", "noise", "errors", "fidelity"},
        ),
        ("synthfr/coding/plm_icd.py", {"train_coder", "judge_coder", "reference_coder"}),
        ("synthfr/coding/trained.py", {"train_coder", "judge_coder", "reference_coder"}),
        ("synthfr/scoring/discriminator.py", set()),
        ("synthfr/corpora/files/__init__.py", {"seed"}),  # the hub's source reads by it too
        ("synthfr/corpora/hub/__init__.py", set()),
        ("synthfr/generation/card.py", {"synthesize"}),
        ("synthfr/keywords/matching.py", {"keywords", "linkage"}),
        ("synthfr/pipeline/page/figures.py", {"page"}),
        ("synthfr/pipeline/tracking/spool.py", set()),
    ],
)
def test_an_edit_makes_stale_what_it_can_change(edited: str, stale: set[str]) -> None:
    assert stale_after(edited) == stale


def test_the_score_asks_no_model() -> None:
    """It depends on nothing of the engines, nor of the models that they load."""

    def asking(kind: str) -> list[str]:
        stage = next(one for one in stages() if one.recipe == LOOP and one.kind == kind)
        rooms = ("synthfr/engines", "synthfr/judging", "synthfr/models")
        return [dep for dep in stage.deps if dep.startswith(rooms)] + [
            section for section in stage.sections if section == "engines"
        ]

    assert asking("score") == []
    assert asking("similarity_judge") and asking("judge")  # the control


def test_stages_depend_on_the_parameter_sections_that_they_read() -> None:
    wrong = [
        f"{stage}: reads {sorted(params_read(stage))}, lists {sorted(stage.sections)}"
        for stage in stages()
        if params_read(stage) != stage.sections
    ]
    assert wrong == []


def params_read(stage: Stage) -> set[str]:
    """Sections that a stage takes from `run.params`; `run.seed` is `random_seed`."""
    read = set()
    for node in ast.walk(ast.parse(source(stage))):
        if not isinstance(node, ast.Attribute):
            continue
        owner = node.value
        if isinstance(owner, ast.Attribute) and owner.attr == "params":
            read.add(node.attr)
        if isinstance(owner, ast.Name) and owner.id == "run" and node.attr == "seed":
            read.add("random_seed")
    return read


@pytest.mark.parametrize("recipe", RECIPES, ids=LOADED)
def test_params_yaml_has_every_section_that_a_stage_reads(recipe: Recipe) -> None:
    check_sections(recipe.folder)


def test_stages_declare_the_files_that_they_name() -> None:
    wrong = []
    for stage in stages():
        declared = {Path(path) for path in (*stage.deps, *stage.outs)}
        wrong += [
            f"{stage}: {place}"
            for place in places_named(stage)
            if not any(near & declared for near in place)
        ]
    assert wrong == []


def places_named(stage: Stage) -> Iterator[list[set[Path]]]:
    """For each place of the layout that the stage's source names: the paths that it can mean.

    Each path comes with its parent folders; a place per item can mean the stage's item or any step.
    """
    folder = next(recipe.folder for recipe in RECIPES if recipe.name == stage.recipe)
    steps = read_yaml(folder / "params.yaml")["steps"]
    for node in ast.walk(ast.parse(source(stage))):
        if not (isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "layout"):
            continue
        place = getattr(layout, node.attr)
        # all adapters, the private side; views and unfinished work without a place in DVC
        if place in (layout.MODELS, layout.PRIVATE, layout.TIMINGS, layout.MERGED, layout.METRICS):
            continue
        if place == layout.SECRET:  # made once and for all; dvc.lock would hold its digest
            continue
        # metrics are the stage's own: see the next test; names are no place
        if node.attr in ("metrics", "REFERENCES", "MIXED_PUBLIC"):
            continue
        # through the policy: of `base` the base itself, else an adapter that holds its digest
        if (stage.kind, node.attr) == ("synthesize", "BASE"):
            place = layout.adapter(stage.item)
        items = steps if node.attr == "adapter" else [stage.item]
        if node.attr == "kept_answers" and not stage.item:
            items = list(layout.REFERENCES)
        paths = [place] if isinstance(place, Path) else [place(one) for one in items]
        if node.attr == "kept_answers":
            paths += [place(one, "train_coder") for one in items]
            if stage.kind in ("reference", "augment"):
                paths += [place(layout.MIXED_PUBLIC)]
        yield [{path, *path.parents} for path in paths]


def test_stages_declare_the_metrics_and_curves_that_they_write() -> None:
    wrong = []
    for stage in stages():
        text = source(stage)
        writes = {
            "metrics/": "run.log(" in text or "layout.metrics(" in text,
            "plots/": "run.series(" in text or "run.plot(" in text,
        }
        for folder, does in writes.items():
            if any(out.startswith(folder) for out in stage.outs) is not does:
                wrong.append(f"{stage}: {folder}")
    assert wrong == []


def test_every_out_has_its_place_in_the_layout() -> None:
    assert not [f"{one}: {set(one.outs) - places(one)}" for one in stages() if strays(one)]


def strays(stage: Stage) -> set[str]:
    return set(stage.outs) - places(stage)


def places(stage: Stage) -> set[str]:
    """Every path that the layout has for this stage."""
    item = stage.item or None
    paths = {value for value in vars(layout).values() if isinstance(value, Path)}
    paths |= {layout.adapter("step0"), layout.metrics(stage.kind, item)}
    paths.add(layout.METRICS / stage.kind)  # a file a step, from one stage
    if item:
        per_item = (layout.adapter, layout.candidates, layout.judgements, layout.similarities)
        per_item += (layout.private_scores, layout.review, layout.coder, layout.evidence)
        per_item += (layout.scores, layout.pairs, layout.best_of, layout.kto, layout.synthetic)
        paths |= {place(item) for place in per_item}
    names = [name for name in (item, *layout.REFERENCES, layout.MIXED_PUBLIC) if name]
    paths |= {layout.kept_answers(name, who) for name in names for who in ("", "train_coder")}
    paths |= {layout.plot(stage.kind, item, name) for name in ("history", "utility", "detection")}
    return {path.as_posix() for path in paths}


def outs_without_run_cache(recipe: Recipe) -> list[str]:
    """Outs for whose sake DVC keeps no run cache of their stage: not cached, no metric, no plot."""
    return [
        f"{name}: {path}"
        for name, entry in entries(recipe).items()
        for out in entry.get("outs", [])
        if isinstance(out, dict)
        for path, settings in out.items()
        if not settings.get("cache", True)
    ]


@pytest.mark.parametrize("recipe", RECIPES, ids=LOADED)
def test_every_stage_can_come_from_the_run_cache(recipe: Recipe, tmp_path: Path) -> None:
    assert outs_without_run_cache(recipe) == []
    text = (recipe.folder / "dvc.yaml").read_text(encoding="utf-8")
    # negative control
    (tmp_path / "dvc.yaml").write_text(text.replace("push: false", "cache: false"))
    assert outs_without_run_cache(Recipe(recipe.name, tmp_path))


# --- the wall ---------------------------------------------------------------------------------


def breaches(stage: Stage) -> list[str]:
    """What is wrong with a stage's side of the wall."""
    reads = [dep for dep in stage.deps if PRIVATE in dep]
    writes = [out for out in stage.outs if PRIVATE in out]
    wrong = [f"{stage} reads {dep}" for dep in reads if not stage.private]
    wrong += [f"{stage} writes {out}" for out in writes if not stage.private]
    wrong += [f"{stage} writes {out} into another recipe" for out in writes if out[:1] == "."]
    wrong += [f"{stage} pushes {out}" for out in stage.pushed if PRIVATE in out]
    return wrong


def test_only_private_stages_see_private_data_and_none_is_pushed() -> None:
    assert [wrong for stage in stages() for wrong in breaches(stage)] == []


def test_breaches_are_seen() -> None:
    """Negative control: also of data of another recipe."""
    keyed = f"{PRIVATE}/keyed.parquet"
    stage = Stage("x", "generate@dpo1", "Write", (f"../../{keyed}",), (keyed,), (keyed,), set())
    assert breaches(stage) == [
        f"x:generate@dpo1 reads ../../{keyed}",
        f"x:generate@dpo1 writes {keyed}",
        f"x:generate@dpo1 pushes {keyed}",
    ]


def test_all_of_data_private_is_made_by_private_stages() -> None:
    outs = {out for stage in stages() for out in stage.outs if out.startswith(PRIVATE)}
    folders = (f"{PRIVATE}/review/", f"{PRIVATE}/judged/")
    names = {Path(out).name for out in outs if not out.startswith(folders)}
    kinds = ("train", "holdout", "canaries", "keyed", "decisions", "similarities", "scores")
    assert names == {f"{name}.parquet" for name in kinds}


def test_the_runner_knows_which_stages_are_private() -> None:
    from synthfr.pipeline.command import PRIVATE_STAGES

    assert set(PRIVATE_STAGES) == {stage.kind for stage in stages() if stage.private}


def test_public_stages_do_not_name_private_paths() -> None:
    private = {"PRIVATE", "PRIVATE_TRAIN", "PRIVATE_HOLDOUT", "CANARIES", "KEYED", "FAILURES"}
    private |= {"SECRET", "DECISIONS", "review", "ANSWERS", "kept_answers"}
    private |= {"similarities", "private_scores"}
    for stage in stages():
        tree = ast.parse(source(stage))
        named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        named |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        if not stage.private:
            assert not named & private, str(stage)


IGNORED = {
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
    ".scratch/dpo@dpo1/x": True,
    "metrics/.dpo.partial.json": True,
    "metrics/dpo/dpo1.json": True,
    "plots/dpo/history/dpo1.csv": True,
    "docs/demo/metrics/classify/dpo1.json": False,
}
ONLY_AT_THE_ROOT = {
    "mlruns/mlflow.db": True,
    "synthfr/models/__init__.py": False,
    "synthfr/pipeline/page/document.py": False,
    "tests/models/test_base.py": False,
}


@pytest.mark.parametrize("recipe", [*LOADED, "one_to_come"])
def test_what_git_ignores(recipe: str) -> None:
    folder = "" if recipe == LOOP else f"recipes/{recipe}/"
    wanted = {f"{folder}{path}": ignored for path, ignored in IGNORED.items()}
    wanted |= ONLY_AT_THE_ROOT
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin"],
        cwd=ROOT,
        input="\n".join(wanted),
        capture_output=True,
        text=True,
        check=False,
    )
    told = {re.sub(r'^"|"$', "", line) for line in done.stdout.splitlines()}
    assert told == {path for path, ignored in wanted.items() if ignored}


def test_nothing_private_is_in_git() -> None:
    listed = subprocess.run(
        ["git", "ls-files", PRIVATE, ":(glob)recipes/*/data/private/**"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    assert {Path(name).name for name in listed if name} <= {"README.md", ".gitignore"}


@pytest.mark.parametrize("path", sorted((ROOT / "stages").glob("*.py")), ids=lambda path: path.stem)
def test_stages_are_thin(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60
