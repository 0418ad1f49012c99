"""``synth-fr seeds`` and ``synth-fr controls``: clones, what is run in them, the record.

In a checkout whose DVC is a stand-in: it writes the metrics that the parameters of its folder
stand for, and notes what it was asked for.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from synthfr import records
from synthfr.coding.judged import Judged
from synthfr.coding.kept import write_judged
from synthfr.disk import read_json, read_yaml
from synthfr.pipeline import layout, profiles
from synthfr.pipeline.cli import app, clones, seed_runs, seed_tests
from synthfr.pipeline.cli.control_runs import CONTROLS
from synthfr.pipeline.cli.seed_record import RECORD_PATH
from synthfr.pipeline.parameters import parse
from tests.coding import toy as coded

ROOT = Path(__file__).parents[1]
CELL = "size=100/top_k=5"
STEPS = ("base", "step0", "dpo1")
DVC = """
import json, os, pathlib, sys

if sys.argv[1:3] == ["cache", "dir"]:
    pathlib.Path("cache_dir.txt").write_text(sys.argv[-1]) if "--local" in sys.argv else None
    print(".dvc/cache")
    sys.exit()
from ruamel.yaml import YAML

params = YAML(typ="safe").load(pathlib.Path("params.yaml"))
seed, learnt = params["random_seed"], params["dpo"]["loss_type"]
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps([pathlib.Path.cwd().name, seed, learnt, sys.argv[2:]]) + "\\n")
if pathlib.Path(os.environ["CALLS"]).with_name(f"fail-{seed}").exists():
    sys.exit("no luck")

def write(name, tree):
    path = pathlib.Path("metrics") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tree))

def grid(value):
    cell = {name: {"mean": value, "low": 0, "high": 1} for name in ("macro_f1", "map")}
    cell["rules"] = {"fixed_threshold": {"macro_f1": {"mean": value / 2}}}
    return {"size=100": {"top_k=5": cell}}

for place, step in enumerate(params["steps"]):
    if sys.argv[2:] and f"classify@{step}" not in sys.argv:
        continue
    value = 0.5 + 0.1 * place + 0.01 * seed - 0.05 * (learnt == ["sft"])
    write(f"classify/{step}.json", grid(value))
    write(f"fidelity/{step}.json", {"words": {"real": 1.0}, "faithfulness": {"code_recall": value}})
    shared = {"reports_sharing": {"mean": value / 4}}
    gap = {"report_share": {"mean": 0.0}, "longest_run_words": {"mean": value / 10}}
    write(f"privacy/{step}.json", {"train": shared, "holdout": shared, "gap": gap})
    if (not sys.argv[2:] or f"judge_coder@{step}" in sys.argv) and seed != 2:
        write(f"judge_coder/{step}.json", grid(value - 0.2))
if not sys.argv[2:]:
    write("reference_coder.json", {"private_train": grid(0.95)})
write("reference.json", {"private_train": grid(0.9), "public_seed": grid(0.4) if seed != 1 else {}})
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "checkout"
    (root / "dvc").mkdir(parents=True)
    (root / "dvc" / "__init__.py").touch()  # `python -m dvc` takes the working folder's first
    (root / "dvc" / "__main__.py").write_text(DVC)
    (root / "dvc.yaml").write_text("stages: {}\n")
    (root / ".gitignore").write_text(".scratch/\n__pycache__/\n")
    yaml = YAML()
    params = yaml.load(ROOT / "params.yaml")
    for gone in ("dpo2", "dpo3"):
        del params["rounds"][gone]
    params["steps"] = list(STEPS)
    with (root / "params.yaml").open("w") as file:
        yaml.dump(params, file)
    monkeypatch.chdir(root)
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "test")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "test@localhost")
    monkeypatch.setattr(seed_runs, "show", lambda: None)  # tests/page has the tables
    git("init", "-q")
    commit("first")
    return root


def git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "core.hooksPath=/dev/null", *arguments], check=True)


def commit(message: str) -> None:
    git("add", "-A")
    git("commit", "-q", "-m", message)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def calls(checkout: Path) -> list[Any]:
    return [json.loads(line) for line in (checkout.parent / "calls").read_text().splitlines()]


def record() -> Any:
    return read_json(RECORD_PATH)


def macro_f1() -> Any:
    return record()["metrics"]["macro_f1"][CELL]


class TestSeeds:
    def test_each_seed_runs_everything_in_its_own_clone(self, checkout: Path) -> None:
        assert run("seeds", "0", "3").exit_code == 0
        plain = ["sigmoid", "sft"]
        assert calls(checkout) == [["seed-0", 0, plain, []], ["seed-3", 3, plain, []]]
        text = (checkout / ".scratch/seeds/seed-3/params.yaml").read_text()
        assert "random_seed: 3 " in text and "# Real scales are overlays" in text
        cache = (checkout / ".scratch/seeds/seed-3/cache_dir.txt").read_text()
        assert cache == str(checkout / ".dvc/cache")

    def test_the_record_has_one_value_a_seed_and_null_where_there_is_none(
        self, checkout: Path
    ) -> None:
        run("seeds", "0", "1")
        made = record()
        assert (made["seeds"], made["steps"], made["controls"]) == ([0, 1], list(STEPS), {})
        assert set(made) == {
            *("seeds", "steps", "controls", "commit", "machine"),
            *("metrics", "kept", "rules", "faithfulness", "privacy"),
        }
        assert macro_f1() == {
            "base": [0.5, 0.51], "step0": [0.6, 0.61], "dpo1": [0.7, 0.71],
            "private_train": [0.9, 0.9], "public_seed": [0.4, None],
        }  # fmt: skip
        assert made["rules"]["fixed_threshold"][CELL]["dpo1"] == [0.35, 0.355]
        assert made["rules"]["fixed_threshold"][CELL]["public_seed"] == [0.2, None]
        assert set(made["faithfulness"]["code_recall"]) == set(STEPS)
        assert made["privacy"]["longest_run_gap"]["dpo1"] == [0.07, 0.071]
        assert set(made["privacy"]["shares_with_train"]) == set(STEPS)

    def test_what_the_kept_coder_reached_stands_apart(self, checkout: Path) -> None:
        run("seeds", "0", "2")
        run("controls", "--only", "best_of_n_sft")
        found = record()["kept"]["macro_f1"][CELL]
        assert found.pop("private_train") == [0.95, 0.95]
        assert found.pop("public_seed") == [None, None]
        assert found.pop("best_of_n_sft") == [pytest.approx(0.45), None]
        assert found == {  # with seed 2 none was judged
            "base": [pytest.approx(0.3), None],
            "step0": [pytest.approx(0.4), None],
            "dpo1": [pytest.approx(0.5), None],
        }
        assert macro_f1()["dpo1"] == [0.7, pytest.approx(0.72)]

    def test_a_clone_goes_on_at_its_commit_and_follows_a_new_one(self, checkout: Path) -> None:
        run("seeds", "0")
        clone = checkout / ".scratch/seeds/seed-0"
        (clone / "dvc.yaml").write_text("stages: {}  # half a run")
        run("seeds", "0")
        assert (clone / "dvc.yaml").read_text() == "stages: {}  # half a run"
        assert "hold what is committed" not in run("seeds", "0").output
        (checkout / "dvc.yaml").write_text("stages: {}  # other\n")
        assert "hold what is committed" in run("seeds", "0").output
        commit("second")
        run("seeds", "0")
        assert (clone / "dvc.yaml").read_text() == "stages: {}  # other\n"
        assert read_yaml(clone / "params.yaml")["random_seed"] == 0

    @pytest.mark.parametrize("jobs", ["1", "2"])
    def test_a_failure_is_told_and_starts_no_other(self, checkout: Path, jobs: str) -> None:
        checkout.with_name("fail-0").touch()
        checkout.with_name("fail-1").touch()
        result = run("seeds", "0", "1", "2", "3", "4", "--jobs", jobs)
        assert result.exit_code == 1
        assert re.search(r"seed-[01]: dvc repro ended with 1", result.stderr.splitlines()[-1])
        assert len(calls(checkout)) < 5 and not RECORD_PATH.exists()
        log = checkout / ".scratch/seeds/seed-0.log"
        assert ("no luck" in log.read_text()) if jobs == "2" else not log.exists()

    def test_side_by_side_the_record_is_the_same(self, checkout: Path) -> None:
        run("seeds", "0", "1", "2")
        alone = record()
        assert run("seeds", "--jobs", "3", "0", "1", "2").exit_code == 0
        assert record() == alone
        assert sorted(calls(checkout)[:3]) == sorted(calls(checkout)[3:])


class TestControls:
    def test_only_the_last_step_is_evaluated_with_other_parameters(self, checkout: Path) -> None:
        run("seeds", "0", "1")
        before = macro_f1()
        result = run("controls", "--only", "best_of_n_sft")
        assert result.exit_code == 0, result.stderr
        targets = [f"{stage}@dpo1" for stage in AUDITS]
        assert calls(checkout)[2:] == [
            [f"seed-{seed}-best_of_n_sft", seed, ["sft"], targets] for seed in (0, 1)
        ]
        assert macro_f1() == before | {"best_of_n_sft": [0.65, 0.66]}
        assert record()["controls"] == {"best_of_n_sft": "best-of-4 SFT, same scores"}
        assert record()["faithfulness"]["code_recall"]["best_of_n_sft"] == [0.65, 0.66]
        assert record()["privacy"]["longest_run_gap"]["best_of_n_sft"] == [0.065, 0.066]

    def test_no_coder_is_kept_where_none_is_asked_for(self, checkout: Path) -> None:
        profiles.lay(Path("params.yaml"), {"train_coder": {"seeds": []}})
        commit("without kept coders")
        run("seeds", "0")
        run("controls", "--only", "best_of_n_sft")
        assert calls(checkout)[-1][-1] == ["classify@dpo1", "fidelity@dpo1", "privacy@dpo1"]

    def test_seeds_without_the_control_are_null_until_it_runs(self, checkout: Path) -> None:
        run("seeds", "0", "1", "2")
        run("controls", "1", "--only", "best_of_n_sft")
        assert macro_f1()["best_of_n_sft"] == [None, 0.66, None]
        run("controls", "2", "--only", "best_of_n_sft")
        assert macro_f1()["best_of_n_sft"] == [None, 0.66, 0.67]

    def test_the_loop_measured_again_keeps_them_unless_it_changed(self, checkout: Path) -> None:
        run("seeds", "0", "1")
        run("controls", "--only", "best_of_n_sft")
        commit("the record")
        run("seeds", "0", "1")
        assert macro_f1()["best_of_n_sft"] == [0.65, 0.66]
        (checkout / "dvc.yaml").write_text("stages: {}  # other\n")
        commit("another loop")
        assert "`make controls`" in run("seeds", "0", "1").output
        assert "best_of_n_sft" not in macro_f1() and record()["controls"] == {}

    def test_another_loop_or_seed_is_refused_before_anything_runs(self, checkout: Path) -> None:
        only = ("--only", "best_of_n_sft")
        assert "docs/seeds.json is missing: `make repro-seeds`" in run("controls", *only).stderr
        run("seeds", "0", "1")
        ran = len(calls(checkout))
        assert "has no seed 7" in run("controls", "7", *only).stderr
        assert "choose from best_of_n_sft" in run("controls", "--only", "best").stderr
        (checkout / "synthfr/pipeline/cli").mkdir(parents=True)
        (checkout / "synthfr/pipeline/cli/tables.py").write_text("changes no figure")
        commit("the record, a tool")
        assert run("controls", "0", *only).exit_code == 0
        ran += 1
        (checkout / "synthfr/seeding.py").write_text("changes figures")
        commit("the loop")
        assert "another loop than this commit's (synthfr/seeding.py)" in run("controls").stderr
        unknown = record() | {"commit": "0123456"}
        RECORD_PATH.write_text(json.dumps(unknown))
        assert "commit 0123456, which this checkout does not know" in run("controls").stderr
        assert len(calls(checkout)) == ran

    def test_they_are_explained(self, checkout: Path) -> None:
        output = run("controls", "--list").output
        assert len(output.splitlines()) == len(CONTROLS)
        assert all(name in output and one.why in output for name, one in CONTROLS.items())


class TestPairedTests:
    """From answers that stand for the stand-in's figures, in the clones' private folders."""

    @staticmethod
    def answers(value: float, seed: int) -> Judged:
        """One label of 200 documents, 100 have it; macro-F1 is `value`, a multiple of .01."""
        hits, rows = round(100 * value), np.arange(200)
        decided = ((rows < hits) | ((rows >= 100) & (rows < 200 - hits)))[:, None]
        return Judged(
            tuple(f"s{seed}-{row}" for row in rows), ("A00",), (rows < 100)[:, None], decided,
            decided.astype(float), 100, 5, 0, "unbiased", "fixed_threshold",
        )  # fmt: skip

    def keep(self, seeds: tuple[int, ...]) -> None:
        names = {step: 0.5 + 0.1 * place for place, step in enumerate(STEPS)}
        for seed in seeds:
            clone = Path(f".scratch/seeds/seed-{seed}")
            for step, value in names.items():
                answers = self.answers(value + 0.01 * seed, seed)
                write_judged(clone / layout.kept_answers(step), [answers])
                answers = self.answers(value + 0.01 * seed - 0.2, seed)
                write_judged(clone / layout.kept_answers(step, "train_coder"), [answers])
            clone = Path(f".scratch/seeds/seed-{seed}-best_of_n_sft")
            for coder, value in (("", 0.65), ("train_coder", 0.45)):
                answers = self.answers(value + 0.01 * seed, seed)
                write_judged(clone / layout.kept_answers("dpo1", coder), [answers])
            holdout = coded.reports(200, 0, f"s{seed}-")
            for name in (f"seed-{seed}", f"seed-{seed}-best_of_n_sft"):
                path = Path(".scratch/seeds") / name / layout.PRIVATE_HOLDOUT
                records.write_table(holdout, path, records.REPORTS)

    def test_the_last_step_is_tested_beside_steps_and_controls(self, checkout: Path) -> None:
        seeds = ("0", "1", "2")
        only = ("controls", "--only", "best_of_n_sft")
        run("seeds", *seeds)
        run(*only)
        assert "tests" not in record()
        self.keep((0, 1, 2))
        told = run(*only).output
        assert "No paired test of private train: the answers that its figures of seed 0" in told
        assert "No paired test of best-of" not in told
        tests = record()["tests"]
        assert tests["cell"] == CELL and set(tests["metrics"]) == {"macro_f1", "map"}
        macro_f1 = tests["metrics"]["macro_f1"]
        assert set(macro_f1) == {"base", "step0", "best_of_n_sft", "best_baseline"}
        assert macro_f1["best_of_n_sft"]["difference"]["mean"] == pytest.approx(0.05)
        assert macro_f1["best_baseline"] == macro_f1["step0"]  # the better one of every seed
        assert macro_f1["step0"]["seeds"] == 3 and macro_f1["step0"]["adjusted_p"] < 0.05
        assert "No paired test of private train (train_coder): the answers" in told
        assert "kept_tests" not in record()  # seed 2 has no kept coder: two are too few
        text = RECORD_PATH.read_text()
        assert "s0-" not in text and "s2-" not in text  # no row of a document
        run("seeds", *seeds)
        assert record()["tests"] == tests  # with the controls that were kept

    def test_the_kept_coder_is_tested_apart(self, checkout: Path) -> None:
        run("seeds", "0", "1", "3")
        run("controls", "--only", "best_of_n_sft")
        self.keep((0, 1, 3))
        run("seeds", "0", "1", "3")
        kept = record()["kept_tests"]
        assert kept["cell"] == CELL
        found = kept["metrics"]["macro_f1"]
        assert set(found) == {"base", "step0", "best_of_n_sft", "best_baseline"}
        for name, difference in (("step0", 0.1), ("best_of_n_sft", 0.05)):
            assert found[name]["difference"]["mean"] == pytest.approx(difference)
            assert found[name]["seeds"] == 3
        answers = self.answers(0.7, 3)  # not those of its figure
        path = Path(".scratch/seeds/seed-3") / layout.kept_answers("dpo1", "train_coder")
        write_judged(path, [answers])
        told = run("seeds", "0", "1", "3").output
        assert "No paired test of dpo1 (train_coder): the answers" in told
        assert "kept_tests" not in record() and "tests" in record()

    def test_answers_of_other_figures_are_not_tested(self, checkout: Path) -> None:
        only = ("controls", "--only", "best_of_n_sft")
        run("seeds", "0", "1", "2")
        run(*only)
        self.keep((0, 1, 2))
        clone = Path(".scratch/seeds/seed-1-best_of_n_sft")
        write_judged(clone / layout.kept_answers("dpo1"), [self.answers(0.9, 1)])
        told = run(*only).output
        assert "of best-of-4 SFT, same scores: the answers that its figures of seed 1 " in told
        assert "come from are not in .scratch/seeds/seed-1-best_of_n_sft." in told
        assert set(record()["tests"]["metrics"]["map"]) == {"base", "step0", "best_baseline"}
        self.keep((0, 1))
        holdout = clone / layout.PRIVATE_HOLDOUT
        holdout.unlink()  # whom the answers are about, nobody can tell
        assert "figures of seed 1 come from are not in" in run(*only).output
        self.keep((0, 1))
        (Path(".scratch/seeds/seed-2") / layout.kept_answers("dpo1")).unlink()
        assert "No paired test of dpo1" in run(*only).output and "tests" not in record()

    def test_what_goes_wrong_among_answers_is_told_without_them(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("seeds", "0", "1", "2")
        run("controls", "--only", "best_of_n_sft")
        self.keep((0, 1, 2))

        def fail(*_: object, **__: object) -> None:
            raise ValueError("s0-17 has I10")

        monkeypatch.setattr("synthfr.coding.generator_seeds.compare_runs", fail)
        result = run("controls", "--only", "best_of_n_sft")
        assert result.exit_code == 1 and "ValueError" in result.output
        assert "s0-17" not in result.output
        assert macro_f1()["best_of_n_sft"] == [0.65, 0.66, 0.67]  # the figures are kept


AUDITS = ("classify", "fidelity", "privacy", "judge_coder")
GRAPH = """
stages:
  sft:
    cmd: python make.py sft model.txt
    deps:
      - make.py
    params:
      - random_seed
    outs:
      - model.txt
    metrics:
      - metrics/sft.json:
          cache: false
  classify:
    foreach: ${steps}
    do:
      cmd: python make.py classify/${item}
      deps:
        - model.txt
      params:
        - dpo
      metrics:
        - metrics/classify/${item}.json:
            cache: false
  reference:
    cmd: python make.py reference
    metrics:
      - metrics/reference.json:
          cache: false
"""
GRAPH += "".join(
    f"""
  {kind}:
    foreach: ${{steps}}
    do:
      cmd: python make.py {kind}/${{item}}
      deps:
        - model.txt
      metrics:
        - metrics/{kind}/${{item}}.json:
            cache: false
"""
    for kind in AUDITS
    if kind != "classify"
)
MAKE = """
import os, pathlib, sys

with open(os.environ["CALLS"], "a") as calls:
    calls.write(f'"{sys.argv[1]}"\\n')
for out in sys.argv[2:]:
    pathlib.Path(out).write_text("weights")
path = pathlib.Path(f"metrics/{sys.argv[1]}.json")
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text("{}")
"""


@pytest.mark.pipeline
def test_a_control_makes_only_what_the_loop_has_not_made(checkout: Path) -> None:
    """With the real DVC: what the loop of a seed made comes from the cache that clones share."""
    shutil.rmtree(checkout / "dvc")
    (checkout / "dvc.yaml").write_text(GRAPH)
    (checkout / "make.py").write_text(MAKE)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], check=True)
    commit("a real graph")
    assert run("seeds", "0").exit_code == 0
    made = calls(checkout)
    assert sorted(made) == sorted(
        [
            "sft",
            "reference",
            *(f"{kind}/{step}" for kind in AUDITS for step in STEPS),
        ]
    )
    assert run("controls", "--only", "best_of_n_sft").exit_code == 0
    assert calls(checkout)[len(made) :] == ["classify/dpo1"]
    clone = checkout / ".scratch/seeds/seed-0-best_of_n_sft"
    assert (clone / "model.txt").read_text() == "weights"
    assert not (clone / "metrics/classify/step0.json").exists()


OWN = """
stages:
  seed:
    cmd: python make.py seed model.txt
    deps:
      - ${seed.files.private.path}
      - ${seed.files.public.path}
    outs:
      - model.txt
"""


@pytest.mark.pipeline
def test_a_clone_reads_files_of_ones_own_where_they_lie(checkout: Path) -> None:
    """With the real DVC: what git ignores is no file of a clone; private text is not copied."""
    shutil.rmtree(checkout / "dvc")
    (checkout / "dvc.yaml").write_text(OWN)
    (checkout / "make.py").write_text(MAKE)
    (checkout / ".gitignore").write_text(".scratch/\n/data/*/raw/*\nmodel.txt\n/metrics\n")
    stays, cases = Path("data/private/raw/old/stays.csv"), Path("data/public/raw/cases.jsonl")
    for path in (stays, cases):
        path.parent.mkdir(parents=True)
        path.write_text("first")
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], check=True)
    commit("a graph for own data")
    job = clones.Job("seed-0", {"random_seed": 0})
    clones.reproduce([job])
    link = job.folder / stays
    assert link.is_symlink() and link.resolve() == stays.resolve()
    assert calls(checkout) == ["seed"]
    clones.reproduce([job])
    assert calls(checkout) == ["seed"]  # nothing has changed
    stays.rename(stays.with_name("new.csv"))
    clones.reproduce([job])
    assert calls(checkout) == ["seed", "seed"] and not link.is_symlink()
    assert (job.folder / "data/private/raw/old/new.csv").read_text() == "first"
    assert stays.with_name("new.csv").is_file() and cases.is_file()  # links went, no file did


def test_links_of_the_users_own_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is a link: what lies behind it is not cleared with the clone's links."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume/a.csv").write_text("text")
    (tmp_path / "volume/b.csv").symlink_to("a.csv")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/raw").symlink_to(tmp_path / "volume")
    (tmp_path / "clone").mkdir()
    monkeypatch.setattr(clones.inputs, "named_paths", lambda folder: [Path("data/raw")])
    for _ in range(2):
        clones._link_inputs(Path("clone"))
        assert (tmp_path / "clone/data/raw/a.csv").read_text() == "text"
        assert (tmp_path / "volume/b.csv").is_symlink()


def test_a_path_out_of_the_checkout_is_refused_before_anything_runs(checkout: Path) -> None:
    (checkout / "dvc.yaml").write_text(OWN)
    profiles.lay(Path("params.yaml"), {"seed": {"files": {"private": {"path": "../../../x"}}}})
    commit("elsewhere")
    result = run("seeds", "0")
    assert result.exit_code == 1 and "../../../x, which leads out of the checkout" in result.stderr
    assert not (checkout.parent / "calls").exists()


def test_scores_with_noise_have_a_hospital_of_their_own_in_each_clone(checkout: Path) -> None:
    wanted = {"evaluator": {"local": {"fit": "public"}}, "release": "population",
              "dp": {"stratum": "codes", "epsilon": 4.0}}  # fmt: skip
    profiles.lay(Path("params.yaml"), {"score": wanted})
    commit("with noise")
    assert run("seeds", "0").exit_code == 0
    assert (Path(".scratch/seeds/seed-0") / layout.SECRET).is_file()
    result = run("controls", "--only", "shuffled_scores")
    assert result.exit_code == 1 and "set control to none" in result.stderr
    told = run("controls")
    assert told.exit_code == 0, told.stderr
    for gone in ("shuffled_scores", "wrong_document", "discriminator"):
        assert f"Without {gone}, which these parameters rule out: params.yaml" in told.stdout
    assert [one[0] for one in calls(checkout)][1:] == ["seed-0-best_of_n_sft"]


def test_a_table_names_as_many_candidates_as_the_parameters_have(checkout: Path) -> None:
    profiles.lay(Path("params.yaml"), {"generate": {"temperatures": [0.5, 1.0]}})
    assert "best-of-2 SFT, same scores." in run("controls", "--list").output


@pytest.mark.parametrize("profile", [None, *profiles.names(ROOT / "profiles")])
@pytest.mark.parametrize("name", CONTROLS)
def test_every_control_gives_valid_parameters_that_differ(
    name: str, profile: str | None, tmp_path: Path
) -> None:
    """Of the demo and of every scale; under a discriminator nothing else counts."""
    first, params = tmp_path / "first.yaml", tmp_path / "params.yaml"
    shutil.copy(ROOT / "params.yaml", first)
    if profile is not None:
        profiles.apply(first, ROOT / "profiles" / f"{profile}.yaml")
    shutil.copy(first, params)
    profiles.lay(params, CONTROLS[name].overlay)
    before, after = (read_yaml(path) for path in (first, params))
    if name == "discriminator":
        weights = after["score"]["weights"]
        assert weights.pop("similarity") == 1 and not any(weights.values())
    assert parse(after, name) != parse(before, name)
    changed = {section for section in after if after[section] != before[section]}
    assert changed <= {"dpo", "score"}  # what is shared with the loop stays as it is


def test_an_invalid_overlay_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    from synthfr.errors import UserError

    params = tmp_path / "params.yaml"
    params.write_text((ROOT / "params.yaml").read_text("utf-8"), "utf-8")
    with pytest.raises(UserError, match=r"dpo\.beta"):
        profiles.lay(params, {"dpo": {"beta": -1}})
    assert params.read_text("utf-8") == (ROOT / "params.yaml").read_text("utf-8")


def test_patients_are_those_of_the_clones_holdout(tmp_path: Path) -> None:
    holdout = coded.reports(3, 0, "h").assign(patient_id=["p1", "p2", "p1"])
    records.write_table(holdout, tmp_path / layout.PRIVATE_HOLDOUT, records.REPORTS)
    assert seed_tests._patients(tmp_path) == {"h0": "p1", "h1": "p2", "h2": "p1"}
