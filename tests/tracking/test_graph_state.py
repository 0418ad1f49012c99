"""Which state of the pipeline a folder is in: from its files, and from dvc.lock."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from synthfr.disk import read_yaml
from synthfr.pipeline.dvc_graph import resolve
from synthfr.pipeline.hashes import Hashes
from synthfr.pipeline.parameters import load_params
from synthfr.pipeline.standing import GRAPH, Standing
from synthfr.pipeline.tracking import present_state
from synthfr.pipeline.tracking.state import of_files, of_standing

ROOT = Path(__file__).parents[2]
STORE = Path("mlruns")
DVC_YAML = """
stages:
  seed:
    cmd: cp data/public/raw.txt data/public/seed.txt
    deps: [code/seed.py, data/public/raw.txt]
    params: [random_seed]
    outs: [data/public/seed.txt]
  train:
    foreach: ${rounds}
    do:
      cmd:
        - cat data/public/seed.txt code/train/a.py > models.${key}.txt
        - echo '{}' > metrics/${key}.json
      deps: [code/train, data/public/seed.txt]
      params: ["rounds.${key}.parent", "coder.${coder.kind}"]
      outs: ["models.${key}.txt"]
      metrics:
        - metrics/${key}.json: {cache: false}
  gather:
    cmd: cp metrics/dpo1.json headline.json
    deps: [metrics/dpo1.json, code/show.py]
    params: [page.gather]
    outs: [headline.json]
  show:
    cmd: cat metrics/dpo1.json > page.txt
    deps: [metrics, code/show.py]
    params: [page]
    outs: [page.txt]
"""
PARAMS: dict[str, Any] = {
    "random_seed": 0,
    "rounds": {"dpo1": {"parent": "step0", "note": "x"}},
    "coder": {"kind": "tfidf", "tfidf": {"C": 1.0}, "encoder": {"epochs": 3}},
    "page": {"samples": 3, "gather": 1},
    "tracking": {"experiment": "a"},
}


def make(folder: Path) -> None:
    (folder / "dvc.yaml").write_text(DVC_YAML)
    for name in ("code/seed.py", "code/train/a.py", "code/show.py", "data/public/raw.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "metrics").mkdir()
    ignored = "__pycache__/\n*.py[cod]\n.*.partial\n/code/train/ignored/\n"
    (folder / ".dvcignore").write_text(ignored)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make(tmp_path)
    return tmp_path


def key(values: Mapping[str, Any] = PARAMS) -> str:
    found = of_files(values, STORE, private=True)
    assert found is not None
    return found.key


def changed(**sections: Any) -> dict[str, Any]:
    return json.loads(json.dumps({**PARAMS, **sections}))


def test_what_reruns_nothing_is_no_new_state(folder: Path) -> None:
    before = key()
    assert key(changed(tracking={"experiment": "b"}, page={"samples": 9, "gather": 2})) == before
    other_block = {"kind": "tfidf", "tfidf": {"C": 1.0}, "encoder": {"epochs": 9}}
    assert key(changed(coder=other_block)) == before
    assert key(changed(rounds={"dpo1": {"parent": "step0", "note": "y"}})) == before
    Path("code/show.py").write_text("the page alone")
    Path("code/other.py").write_text("nobody depends on it")
    Path("code/train/__pycache__").mkdir()
    Path("code/train/__pycache__/a.pyc").write_text("x")
    Path("code/train/ignored").mkdir()
    Path("code/train/ignored/a").write_text("x")
    Path("data/public/seed.txt").write_text("made by a stage")
    assert key() == before


@pytest.mark.parametrize(
    "other",
    [
        {"random_seed": 1},
        {"rounds": {"dpo1": {"parent": "base"}}},
        {"rounds": {**PARAMS["rounds"], "dpo2": {"parent": "dpo1"}}},
        {"coder": {"kind": "tfidf", "tfidf": {"C": 2.0}}},
        {"coder": {"kind": "encoder", "encoder": {"epochs": 3}}},
    ],
)
def test_other_parameters_are_another_state(folder: Path, other: dict[str, Any]) -> None:
    assert key(changed(**other)) != key()


@pytest.mark.parametrize("name", ["code/seed.py", "code/train/b.py", "data/public/raw.txt"])
def test_other_code_or_data_is_another_state(folder: Path, name: str) -> None:
    before = key()
    Path(name).write_text("other")
    assert key() != before


def test_back_at_the_first_it_is_the_same_again(folder: Path) -> None:
    before = key()
    Path("code/seed.py").write_text("other")
    Path("code/seed.py").write_text("code/seed.py")
    assert key() == before


def test_what_has_no_value_is_left_out(folder: Path) -> None:
    before = key()
    text = Path("dvc.yaml").read_text()
    Path("dvc.yaml").write_text(text.replace("raw.txt]", 'raw.txt, "${teacher.path}"]', 1))
    assert key() == before
    assert key(changed(teacher={"path": "data/public/teacher"})) != before


def test_large_files_are_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthfr.pipeline.hashes._LARGE_BYTES", 1)
    before = key()
    read: list[Path] = []
    monkeypatch.setattr("synthfr.pipeline.hashes.md5_file", read.append)
    assert key() == before and read == []
    Path("code/seed.py").write_text("longer than it was before")
    key()
    assert [path.name for path in read] == ["seed.py"]  # negative control


@pytest.mark.parametrize("damage", ["[1, 2", '{"x": 1}', "[]"])
def test_a_damaged_list_of_hashes_costs_time_only(folder: Path, damage: str) -> None:
    before = key()
    STORE.mkdir(exist_ok=True)
    (STORE / ".hashes.json").write_text(damage)
    assert key() == before


def test_where_there_is_no_pipeline_there_is_no_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert of_files(PARAMS, STORE, private=True) is None


def test_a_state_that_cannot_be_told_costs_a_warning(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("dvc.yaml").write_text("stages: [")
    assert present_state(PARAMS, STORE, private=False) is None
    [warning] = capsys.readouterr().err.splitlines()
    assert warning.startswith("tracking: ") and "dvc.yaml" in warning


def test_it_takes_neither_mlflow_nor_dvc() -> None:
    code = (
        "import sys; from pathlib import Path; "
        "from synthfr.pipeline.tracking import present_state; "
        "assert present_state({}, Path('mlruns'), private=True) is not None; "
        "assert not {'mlflow', 'dvc', 'git', 'pathspec', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def dvc(*arguments: str, folder: Path | None = None) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *arguments], check=True, cwd=folder)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All stages have run; DVC takes seconds for it."""
    folder = tmp_path_factory.mktemp("finished")
    make(folder)
    (folder / "params.yaml").write_text(json.dumps(PARAMS))
    dvc("init", "--no-scm", "-q", folder=folder)
    dvc("repro", "-q", folder=folder)
    return folder


class TestLock:
    """With DVC itself."""

    @pytest.fixture
    def repository(self, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        shutil.copytree(finished, tmp_path / "copy")
        monkeypatch.chdir(tmp_path / "copy")
        return tmp_path / "copy"

    def standing(self, values: Mapping[str, Any] = PARAMS) -> Standing:
        Path("params.yaml").write_text(json.dumps(values))
        return Standing(values, STORE)

    def test_the_lock_tells_the_state_that_the_files_told(self, repository: Path) -> None:
        before = key()
        found = self.standing()
        assert of_standing(PARAMS, found).key == before and found.is_up_to_date
        Path("data/public/raw.txt").unlink()  # a clone has no data from outside
        assert of_standing(PARAMS, self.standing()).key == before
        assert key() != before  # negative control: the files alone do not tell it

    def test_hashes_are_those_of_dvc(self, repository: Path) -> None:
        Path("code/train/sub").mkdir()
        Path("code/train/sub/é.py").write_text("accent")
        Path("code/train/.a.partial").write_text("ignored")
        Path("code/train/z.pyc").write_text("ignored")
        dvc("repro", "-q", "--no-run-cache")
        entries = read_yaml("dvc.lock")["stages"]
        deps = {dep["path"]: dep["md5"] for one in entries.values() for dep in one["deps"]}
        hashes = Hashes(Path(), STORE / ".hashes.json")
        assert {path: hashes.of(path) for path in deps} == deps

    def test_what_changed_since_is_not_current(self, repository: Path) -> None:
        names = ["seed", "train@dpo1", "show"]
        assert list(map(self.standing().is_current, names)) == [True, True, True]
        other = changed(coder={"kind": "tfidf", "tfidf": {"C": 2.0}})
        found = self.standing(other)
        assert list(map(found.is_current, names)) == [True, False, False]
        assert not found.is_up_to_date
        Path("code/seed.py").write_text("what descends from it is out of date too")
        assert list(map(self.standing().is_current, names)) == [False, False, False]

    def test_an_input_that_its_maker_made_anew_is_not_current(self, repository: Path) -> None:
        Path("code/seed.py").write_text("other")
        Path("data/public/raw.txt").write_text("another seed comes of it")
        dvc("repro", "-q", "seed")
        found = self.standing()
        assert found.is_current("seed") and not found.is_current("train@dpo1")

    def test_stages_that_are_no_longer_there_do_not_count(self, repository: Path) -> None:
        tree = read_yaml("dvc.yaml")
        del tree["stages"]["show"]
        Path("dvc.yaml").write_text(json.dumps(tree))
        found = self.standing()
        assert list(found.entries) == ["seed", "train@dpo1", "gather"] and found.is_up_to_date


def test_the_shipped_graph_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages, parameters and paths are those that DVC makes of the shipped files."""
    from dvc.repo import Repo

    monkeypatch.chdir(ROOT)
    values = read_yaml("params.yaml")
    graph = resolve(read_yaml("dvc.yaml"), values)
    stages = {stage.name: stage for stage in Repo(".").stage.collect("dvc.yaml")}
    assert graph.stages.keys() == stages.keys()
    for name, stage in stages.items():
        own = graph.stages[name]
        deps = {str(dep.def_path) for dep in stage.deps if not hasattr(dep, "params")}
        assert set(own.deps) == deps
        assert set(own.outs) >= {str(out.def_path) for out in stage.outs}
        params = {key for dep in stage.deps for key in getattr(dep, "params", ())}
        assert set(own.params) == params


def test_the_shipped_parameters_that_change_no_figure_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    values = load_params().model_dump(mode="json")
    found = of_files(values, STORE, private=True)
    assert found is not None
    sections = {name.partition(".")[0] for name in found.graph.params}
    assert not sections & {"tracking", "runtime", "page", "steps"}
    assert not any("/page" in path for path in found.graph.outside)
    assert {"sft", "dpo", "rounds", "classify", "random_seed"} <= sections
    assert not any(name == "engines.vllm.eager" for name in found.graph.params)
    assert not any(path.startswith("docs") for path in found.graph.outside)
    assert GRAPH.is_file()
