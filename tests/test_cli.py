"""``synth-fr``: what each command prints and writes, in a checkout with only what it needs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from synthfr.disk import read_yaml, write_json
from synthfr.errors import UserError
from synthfr.pipeline.cli import app, diagnosis, readme, tables, tracking_commands
from synthfr.pipeline.command import PRIVATE_STAGES
from synthfr.pipeline.findings import Finding, Weight
from synthfr.pipeline.page.numbers import percent, short
from synthfr.pipeline.parameters import load_params
from synthfr.pipeline.recipe import Recipe, recipes
from synthfr.pipeline.standing import Standing
from synthfr.pipeline.tracking import steps
from synthfr.pipeline.tracking.summary_figures import Figures
from tests import locked, tiny
from tests.inputs import copy_inputs
from tests.page import conftest as made_up

ROOT = Path(__file__).parents[1]
CODE_SETS = Path("data/public/code_sets.parquet")
COMMANDS = (
    "profile list|profile show|profile apply|plan|sample|results|docs|ui|sync|doctor|seeds|controls"
    "|tiny-base|check|check-data|export|publish"
)

SEEDS = {
    "seeds": [0, 1],
    "steps": ["base", "step0", "dpo1"],
    "commit": "abc1234",
    "metrics": {
        metric: {
            "size=100/top_k=5": {"base": [0.4, 0.6], "step0": [0.5, 0.5], "dpo1": [0.75, 0.75]}
        }
        for metric in ("macro_f1", "map")
    },
}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs/differences.yaml", tmp_path / "docs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture
def whole(checkout: Path) -> Path:
    """With everything that stages read and git brings."""
    copy_inputs(checkout)
    return checkout


@pytest.fixture
def measured(checkout: Path) -> Path:
    """With the metrics of a whole run, of which the demo's shipped figures were taken."""
    made_up.make(checkout)
    locked.run()
    shutil.copytree(checkout / "metrics", checkout / "docs/demo/metrics")
    record = {"commit": "abc1234", "machine": "x86_64", "params_digest": "0"}
    write_json(checkout / "docs/demo/record.json", record)
    return checkout


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def standing() -> Standing:
    return Standing(load_params().model_dump(mode="json"), Path("mlruns"))


def figures() -> list[Figures]:
    """What MLflow's summaries show of this checkout."""
    return steps.of_standing(load_params(), standing())


def git(*arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class TestCommandLine:
    def test_help_loads_nothing_that_takes_time(self) -> None:
        code = (
            "import sys, synthfr.pipeline.cli; "
            "slow = {'torch', 'mlflow', 'numpy', 'pandas', 'pyarrow', "
            "'pydantic', 'yaml', 'ruamel', 'rich', 'matplotlib', 'transformers', 'dvc'}; "
            "assert not slow & set(sys.modules), slow & set(sys.modules)"
        )
        subprocess.run([sys.executable, "-c", code], check=True)

    @pytest.mark.parametrize("command", COMMANDS.split("|"))
    def test_every_command_explains_itself(self, command: str) -> None:
        result = run(*command.split(), "--help")
        assert result.exit_code == 0 and "Usage:" in result.output

    def test_a_mistake_is_one_line_and_status_1(self, checkout: Path) -> None:
        result = run("profile", "apply", "smok")
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 1
        assert result.stderr.startswith("synth-fr: There is no profile 'smok'")

    def test_it_works_from_any_folder_of_the_checkout(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (checkout / "data" / "public").mkdir(parents=True)
        monkeypatch.chdir(checkout / "data" / "public")
        assert "smoke" in run("profile", "list").output


class TestProfile:
    def test_show_tells_the_notes_and_every_change(self, checkout: Path) -> None:
        output = run("profile", "show", "smoke").output
        assert "Launch" in output
        assert re.search(r"synthesize\.reports\s+1000 -> 60", output)
        assert load_params().tracking.profile == "embedded"  # nothing is written

    def test_apply_then_list_marks_it(self, checkout: Path) -> None:
        assert run("profile", "apply", "smoke").exit_code == 0
        assert load_params().synthesize.reports == 60
        assert "* smoke" in run("profile", "list").output


class TestResults:
    def test_every_figure_of_the_table(self, measured: Path) -> None:
        output = run("results").output
        [line] = [line for line in output.splitlines() if ".650 ± .020" in line][:1]
        means = [made_up.MACRO_F1[step] for step in load_params().steps]
        best = max(means[:-3])  # of the baselines; three rounds follow
        assert re.split(r"\s{2,}", line.strip()) == [
            *("250", "10", *(f"{short(mean)} ± .020" for mean in means)),
            *(percent(0.7 / best - 1), ".620 ± .020", ".900 ± .020"),
            percent((0.7 - best) / (0.9 - best)),
        ]
        assert "macro-F1 on private holdout reports" in output
        assert "mAP on private holdout reports" in output
        assert "over the coder's seeds only" in output
        assert "code recall" in output

    def test_headline_and_controls_over_seeds_stand_beside_it(self, measured: Path) -> None:
        assert "`make repro-seeds` measures" in run("results").output
        write_json(measured / "docs" / "seeds.json", made_up.seeds_record())
        output = " ".join(run("results").output.split())  # as if lines had no end
        assert "make repro-seeds" not in output
        assert "Commit abc1234." in output and "2 seeds of the whole loop" in output
        assert re.search(r"scores shuffled n = 2: \.540, \.550", output)

    def test_references_and_controls_of_this_seed_stand_beside_the_steps_in_mlflow(
        self, measured: Path
    ) -> None:
        write_json(measured / "docs" / "seeds.json", made_up.seeds_record())
        shown = {one.step: one.values for one in figures()}
        assert list(shown) == [*made_up.STEPS, "public_seed", "private_train", "shuffled_scores"]
        cell = "f1_macro/size_1000/top_10"
        assert (shown["dpo3"][cell], shown["public_seed"][cell]) == (0.7, 0.62)
        control = shown["shuffled_scores"]
        assert (control[cell], control["faithfulness/code_recall"]) == (0.55, 0.8)
        assert control["privacy/gap/longest_run_words/mean"] == 0.1

    def test_a_record_of_another_loop_is_not_shown_as_this_one_s(self, measured: Path) -> None:
        path = measured / "docs" / "seeds.json"
        others: list[dict[str, Any]] = [made_up.seeds_record() for _ in range(3)]
        others[0]["seeds"] = [1, 0]  # seed 0 has other figures
        others[1]["seeds"] = [3, 4]  # lacks this checkout's seed
        others[2]["metrics"]["map"]["size=250/top_k=10"]["step0"][0] += 0.001
        for other in others:
            write_json(path, other)
            output = " ".join(run("results").output.split())
            assert "is of another loop" in output and "scores shuffled" not in output
            assert figures()[-1].step == "private_train"

    def test_a_record_that_is_broken_is_told_in_a_line(self, measured: Path) -> None:
        write_json(measured / "docs" / "seeds.json", {**SEEDS, "seeds": [0, 1, 2]})
        result = run("results")
        assert result.exit_code == 1 and "2 values for 3 seeds" in result.stderr

    def test_a_partial_run_has_dashes(self, measured: Path) -> None:
        (measured / "metrics/classify/dpo3.json").unlink()
        (measured / "metrics/reference.json").unlink()
        output = run("results").output
        macro_f1, _, rest = output.partition("mAP")
        assert ".650 ± .020" in macro_f1 and "–" in macro_f1 and ".700" not in macro_f1
        assert "Gain of" not in rest  # the last step is not there

    def test_nothing_measured_is_told(self, checkout: Path) -> None:
        assert "dvc repro" in run("results").stderr

    def test_before_a_run_the_shipped_demo_is_shown_and_named(self, measured: Path) -> None:
        shutil.rmtree(measured / "metrics")
        (measured / "dvc.lock").unlink()
        output = run("results").output
        assert "NOT of a run of yours: it is the demo as it is shipped (commit abc1234" in output
        assert "made with OTHER ones" in output  # the made-up record is of no parameters
        titles = [line for line in output.splitlines() if "on private holdout" in line]
        assert titles and all(title.startswith("Shipped demo: ") for title in titles)
        assert "Shipped demo: Gain of dpo3" in output and ".650 ± .020" in output

    @pytest.mark.parametrize("own", ["files of one's own", "a run that failed"])
    def test_the_shipped_demo_never_stands_for_a_run_of_ones_own(
        self, measured: Path, own: str
    ) -> None:
        if own == "a run that failed":
            (measured / "dvc.lock").unlink()
        else:
            shutil.rmtree(measured / "metrics")
            path = measured / "params.yaml"
            path.write_text(path.read_text().replace("source: demo ", "source: files "))
        result = run("results")
        assert result.exit_code == 1 and ".650" not in result.output
        assert "No evaluation of the present state is here" in result.stderr

    def test_times_are_summed_over_rounds(self, checkout: Path) -> None:
        locked.run()
        for name, seconds in (("dpo/dpo1", 20.4), ("dpo/dpo2", 30.3), ("seed", 2.0)):
            took = {"seconds": seconds, "peak_memory_mib": 1.0}
            write_json(checkout / "timings" / f"{name}.json", took)
        told = tables.times(checkout / "timings", standing())
        assert told == "The last run of every stage took 53 s in all: dpo 51, seed 2."
        (checkout / "dvc.lock").unlink()
        assert tables.times(checkout / "timings", standing()) == ""  # of another state


class TestDocs:
    MARKERS = "".join(
        f"<!-- {name} -->\nOUTDATED\n<!-- /{name} -->\ntext\n" for name in readme.TABLES
    )

    def test_tables_are_written_between_their_markers(self, measured: Path) -> None:
        path = measured / "README.md"
        path.write_text(f"before\n{self.MARKERS}")
        assert run("docs", "--check").exit_code == 1
        assert run("docs").exit_code == 0
        text = path.read_text()
        assert text.startswith("before\n") and text.count("text\n") == len(readme.TABLES)
        assert "OUTDATED" not in text and "| 250 | 10 | .560 ± .020 | .500 ± .020 |" in text
        assert run("docs", "--check").exit_code == 0

    @pytest.mark.parametrize(
        ("file", "old", "new"),
        [
            ("params.yaml", "beta: 0.1", "beta: 0.2"),
            ("dvc.yaml", "Make preference pairs", "Make the very best pairs"),
            ("docs/demo/metrics/classify/dpo1.json", "0.6", "0.61"),
            ("docs/demo/metrics/fidelity/dpo1.json", "0.123", "0.124"),
            ("docs/demo/record.json", "abc1234", "abc1235"),
            ("docs/seeds.json", "0.75", "0.76"),
        ],
    )
    def test_drift_is_seen(self, measured: Path, file: str, old: str, new: str) -> None:
        (measured / "README.md").write_text(self.MARKERS)
        write_json(measured / "docs" / "seeds.json", SEEDS)
        run("docs")
        path = measured / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        result = run("docs", "--check")
        assert result.exit_code == 1 and "synth-fr docs" in result.stderr

    def test_tables_over_seeds_without_a_record_say_how_to_make_one(self, checkout: Path) -> None:
        assert "make repro-seeds" in readme.seeds() and "make repro-seeds" in readme.controls()
        write_json(checkout / "docs" / "seeds.json", SEEDS)
        assert readme.seeds().startswith("**Gain of dpo1 over the better of bare base and step0")
        assert "| bare base | n = 2: .400, .600 | n = 2: .400, .600 |" in readme.controls()

    def test_readme_has_the_tables_of_the_page(self, checkout: Path) -> None:
        assert "No figures are shipped" in readme.utility() + readme.fidelity()
        difference = {"mean": 0.123, "low": 0.1, "high": 0.15}
        pair = {"macro_f1": {"difference": difference, "adjusted_p": 0.01}}
        folder = checkout / "docs/demo/metrics"
        write_json(folder / "compare.json", {"differences": {"dpo1 - step0": pair}})
        write_json(folder / "fidelity/dpo1.json", {"embedding": {"mauve": {"synthetic": 0.25}}})
        assert "| dpo1 minus step0 | +.123 [+.100, +.150] * | – |" in readme.utility()
        assert "| MAUVE (1 is best) | – | – | 0.250 | – | – | – |" in readme.fidelity()

    @pytest.mark.long
    def test_a_snapshot_is_of_a_whole_run_of_committed_code(self, measured: Path) -> None:
        (measured / "README.md").write_text(self.MARKERS)
        (measured / "stages").mkdir()
        (measured / "stages/sft.py").write_text("")
        ran = read_yaml(ROOT / "params.yaml")["steps"]
        unmeasured = [f"linkage/{one}" for one in ("dpo1", "dpo2", "dpo3")]
        unmeasured += ["noise", *(f"{kind}/{one}" for kind in ("augment", "errors") for one in ran)]
        for one in unmeasured:
            write_json(measured / f"metrics/{one}.json", {})
        git("init", "-q")
        git("add", "dvc.yaml", "params.yaml", "stages")
        git("commit", "-q", "-m", "the code")
        locked.run()
        write_json(measured / "metrics/classify/dpo1.json", made_up.grid(0.61))
        result = run("docs", "--snapshot")
        assert result.exit_code == 1 and "changed since its stage ended" in result.stderr
        locked.run()
        assert "metrics/compare.json: not here" in run("docs", "--snapshot").stderr
        write_json(measured / "metrics/compare.json", {})
        (measured / "stages/sft.py").write_text("edited")
        locked.run()
        assert "commit stages/sft.py first" in run("docs", "--snapshot").stderr
        git("commit", "-q", "-a", "-m", "edited")
        assert "x86_64" in run("docs", "--snapshot").output
        commit = git("rev-parse", "--short", "HEAD").strip()
        text = (measured / "README.md").read_text()
        assert f"Run at commit {commit}, " in text and "| .610 ± .020 |" in text
        shutil.rmtree(measured / "metrics")
        assert "made with the parameters that stand here" in run("results").output
        both = run("docs", "--snapshot", "--check")
        assert both.exit_code == 1 and "choose one" in both.stderr

    def test_a_run_touches_nothing_that_is_shipped(self, measured: Path) -> None:
        (measured / "README.md").write_text(self.MARKERS)
        run("docs")
        write_json(measured / "metrics/classify/dpo1.json", made_up.grid(0.61))
        locked.run()
        assert run("docs", "--check").exit_code == 0

    def test_a_missing_marker_is_told(self, measured: Path) -> None:
        (measured / "README.md").write_text("nothing")
        assert "has no markers such as <!-- results -->" in run("docs").stderr

    def test_every_stage_is_in_the_table_with_its_side(self, checkout: Path) -> None:
        lines = readme.stages().splitlines()[2:]
        assert len(lines) == len(read_yaml(ROOT / "dvc.yaml")["stages"])
        sides = {
            line.split("`")[1].partition("@")[0]: line.split("|")[-2].strip() for line in lines
        }
        private = {name for name, side in sides.items() if side == "private"}
        assert private == set(PRIVATE_STAGES)

    @pytest.mark.parametrize("recipe", recipes(ROOT), ids=lambda recipe: recipe.name)
    def test_the_readme_of_every_recipe_is_up_to_date(
        self, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(recipe.folder)
        readme.update(Path("README.md"), check=True)


class TestDoctor:
    @pytest.fixture(autouse=True)
    def dvc(self, checkout: Path) -> None:
        (checkout / ".dvc").mkdir()
        (checkout / ".dvc" / "config").write_text(
            "[core]\n    remote = public\n['remote \"public\"']\n    url = ../remote\n"
        )

    def test_a_sound_checkout_passes(self, whole: Path) -> None:
        result = run("doctor")
        assert result.exit_code == 0, result.output
        assert "default remote 'public': ../remote" in result.output
        assert "Nothing stops a run." in result.output

    def test_bad_parameters_stop_a_run(self, checkout: Path) -> None:
        path = checkout / "params.yaml"
        path.write_text(path.read_text().replace("beta: 0.1", "beta: -1"))
        result = run("doctor")
        assert result.exit_code == 1 and "dpo.beta" in result.output

    def test_an_encoder_that_reads_too_little_stops_a_run(self, checkout: Path) -> None:
        encoder = checkout / "models/encoder"
        encoder.mkdir(parents=True)
        (encoder / "config.json").write_text(
            '{"model_type": "mpnet", "max_position_embeddings": 514, "pad_token_id": 1}'
        )
        (encoder / "sentence_bert_config.json").write_text('{"max_seq_length": 64}')
        path = checkout / "params.yaml"
        params = read_yaml(path)
        chosen = params["score"]["evaluator"]
        chosen["kind"] = "sentence_transformers"
        chosen["sentence_transformers"] |= {"model": "models/encoder", "watch": "models/encoder"}

        def told(**changes: object) -> tuple[Weight, str]:
            chosen["sentence_transformers"] |= changes
            path.write_text(json.dumps(params))
            [found] = [one for one in diagnosis.parameters() if one.topic == "encoder"]
            return found.weight, found.text

        weight, text = told()
        assert weight == Weight.STOP and "reads the first 64 tokens" in text
        assert "max_tokens asks for 512, and a window has 128" in text
        assert told(own_limit="raise")[0] == Weight.OK  # negative control
        weight, text = told(own_limit="accept")
        assert weight == Weight.OK and "reads 64 tokens of a text (max_tokens 512" in text
        weight, text = told(own_limit="raise", max_tokens=513)
        assert weight == Weight.STOP and "has positions for 512 tokens" in text

    def test_a_missing_package_stops_a_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(diagnosis, "NEEDED", ("trl", "no-such-package"))
        found = [one for one in diagnosis.python() if one.weight == Weight.STOP]
        assert [one.text.partition(":")[2].strip() for one in found] == [
            "no-such-package: make install (or pip install -r requirements.lock)"
        ]

    def test_own_files_are_checked(self, whole: Path) -> None:
        for side in ("public", "private"):
            shutil.rmtree(whole / f"data/{side}/raw")
        path = whole / "params.yaml"
        path.write_text(path.read_text().replace("source: demo", "source: files"))
        stops = [one.text for one in diagnosis.own_files() if one.weight == Weight.STOP]
        assert len([text for text in stops if "raw is not there" in text]) == 2
        result = run("doctor")
        assert result.exit_code == 1 and all(text in result.output for text in stops)
        assert f"{len(stops)} to mend before a run." in result.output

    def test_private_reports_in_sight_of_git_stop_a_run(self, checkout: Path) -> None:
        (checkout / "own.csv").touch()
        path = checkout / "params.yaml"
        text = path.read_text().replace("source: demo", "source: files")
        path.write_text(text.replace("path: data/private/raw", "path: own.csv"))
        stops = [one.text for one in diagnosis.private() if one.weight == Weight.STOP]
        assert len(stops) == 1 and "own.csv lies in this checkout but outside" in stops[0]
        path.write_text(text)  # negative control
        assert not [one for one in diagnosis.private() if one.weight == Weight.STOP]

    def test_what_other_users_can_read_is_told_with_the_remedy(self, checkout: Path) -> None:
        keyed, cache = checkout / "data/private/keyed.parquet", checkout / ".dvc/cache"
        keyed.parent.mkdir(parents=True, mode=0o755)
        keyed.touch(mode=0o644)
        cache.mkdir(mode=0o755)
        notes = [one.text for one in diagnosis.private() if one.weight == Weight.NOTE]
        assert len(notes) == 2
        for text, remedy in zip(
            notes, ("chmod -R go= data/private", f"chmod 700 {cache}"), strict=True
        ):
            assert text.endswith(remedy)
            subprocess.run(remedy, shell=True, check=True)
        assert [one.weight for one in diagnosis.private()] == [Weight.OK]

    def test_another_cache_folder_is_looked_at(self, checkout: Path) -> None:
        (checkout / "elsewhere").mkdir(mode=0o755)
        (checkout / ".dvc/config.local").write_text("[cache]\n    dir = ../elsewhere\n")
        assert any(
            f"chmod 700 {checkout}/.dvc/../elsewhere" in one.text for one in diagnosis.private()
        )

    def test_a_hook_that_is_off_is_told_with_the_command_that_mends_it(
        self, checkout: Path
    ) -> None:
        def told() -> Finding:
            return next(one for one in diagnosis.versions() if one.topic == "git")

        git("init", "-q")
        shutil.copytree(ROOT / "hooks", checkout / "hooks")
        git("add", "hooks")
        for broken in (
            lambda: git("config", "core.hooksPath", ".git/hooks"),
            lambda: git("config", "--unset", "core.hooksPath"),
            lambda: (checkout / "hooks/pre-commit").unlink(),
            lambda: (checkout / "hooks/pre-commit").chmod(0o644),
        ):
            git("config", "core.hooksPath", "hooks")
            assert told().weight == Weight.OK
            broken()
            found = told()
            assert found.weight == Weight.NOTE
            subprocess.run(found.text.partition(": ")[2], shell=True, check=True)
        assert told().weight == Weight.OK

    def test_no_dvc_stops_a_run(self, checkout: Path) -> None:
        shutil.rmtree(checkout / ".dvc")
        assert run("doctor").exit_code == 1

    def test_what_a_clone_lacks_and_what_waits_is_told(
        self, whole: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outs = [{"path": "data/private/train.parquet"}, {"path": "models/dpo1"}]
        write_json(whole / "dvc.lock", {"stages": {"x": {"outs": outs}}})  # JSON is YAML
        spool = whole / "mlruns" / "spool"
        spool.mkdir(parents=True)
        (spool / "1-2-3.jsonl").write_text("")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        output = run("doctor").output
        for words in (
            "1 public outputs are not here",
            "private tables are not here",
            "1 runs wait",
        ):
            assert words in output
        assert "does not answer (Connection refused)" in output
        assert run("doctor").exit_code == 0  # nothing of this stops a run

    def test_what_a_failed_run_took_away_is_told_with_what_brings_it_back(
        self, checkout: Path
    ) -> None:
        outs = [
            {"path": "data/public/seed.parquet", "md5": "ab12"},
            {"path": "data/private/train.parquet", "md5": "cd34"},
        ]
        write_json(checkout / "dvc.lock", {"stages": {"seed": {"outs": outs}}})
        held = checkout / ".dvc/cache/files/md5/ab/12"
        held.parent.mkdir(parents=True)
        held.touch()
        told = [one.text for one in diagnosis.data()]
        assert "1 outputs, such as data/public/seed.parquet, are missing here" in told[0]
        assert "dvc checkout brings them back" in told[0]
        assert any("private tables are not here" in text for text in told)
        held.unlink()  # negative control
        assert not any("dvc checkout" in one.text for one in diagnosis.data())


class TestSync:
    @pytest.fixture(autouse=True)
    def lock(self, measured: Path) -> None:
        """The first round and its evaluation were measured, and the second with another beta."""
        (measured / "models" / "dpo1").mkdir(parents=True)
        (measured / "models" / "dpo1" / "adapter_config.json").write_text("{}")
        for name in ("seed", "keywords", "base", "sft", "similarity_judge/dpo1", "judge/dpo1"):
            write_json(measured / "metrics" / f"{name}.json", {})
        write_json(measured / "metrics/synthesize/dpo1.json", {})
        locked.run()
        path = measured / "dvc.lock"
        lock = read_yaml(path)
        lock["stages"]["dpo@dpo2"]["params"]["params.yaml"]["dpo"]["beta"] = 0.3
        write_json(path, lock)

    def test_what_is_expected_comes_from_the_lock_and_the_versioned_files(self) -> None:
        known = {one.name: one for one in tracking_commands.expected(load_params(), standing())}
        assert "dpo@dpo2" not in known and "classify@dpo2" not in known  # with another beta
        classify, dpo = known["classify@dpo1"], known["dpo@dpo1"]
        assert classify.metrics["f1_macro"] == 0.59  # of the largest size and top k
        assert set(classify.inputs) == {Path("data/synthetic/dpo1"), CODE_SETS}
        assert classify.tags["step"] == "dpo1" and classify.tags["stage"] == "classify"
        assert dpo.adapter == Path("models/dpo1")
        assert dpo.series["history"][0] == {
            **{"step": 0.0, "loss": 0.69, "margin": 0.0, "accuracy": 0.5},
            "eval_loss": 0.69,
        }
        assert "eval_loss" not in dpo.series["history"][1]

    def test_a_plot_that_is_no_curve_is_left_out(self, measured: Path) -> None:
        curve = measured / "plots" / "dpo" / "history" / "dpo1.csv"
        curve.write_text("step,macro_f1\nbase,0.4\nstep0,0.5\n")
        locked.run("dpo@dpo1")
        known = tracking_commands.expected(load_params(), standing())
        assert [one.series for one in known if one.name == "dpo@dpo1"] == [{}]

    def test_its_identity_is_that_of_the_stage(self, measured: Path) -> None:
        """A stage that runs afterwards must replace the rebuilt run, not stand beside it."""
        from synthfr.disk import digest
        from synthfr.pipeline.runner import own_params

        known = tracking_commands.expected(load_params(), standing())
        [classify] = [one for one in known if one.name == "classify@dpo1"]
        assert classify.tags["params_digest"] == digest(
            own_params(load_params(), "classify", "dpo1")
        )

    def test_a_clone_shows_its_steps_side_by_side(self) -> None:
        first, second = run("sync"), run("sync")
        assert re.search(r"[1-9]\d* were rebuilt", first.output)
        assert "(made before dpo.beta changed), left out: generate dpo3" in first.output
        assert "0 were rebuilt" in second.output
        for page in (
            "/#/compare-runs?runs=%5B%22",
            "workflowType=machine_learning&compareRunsMode=CHART"
            "&searchFilter=tags.kind%20%3D%20%27summary%27%20and%20tags.state%20%3D%20%27",
            "&searchFilter=tags.kind%20%3D%20%27pipeline%27",
        ):
            assert page in first.output and page in second.output

    def test_without_a_run_there_is_nothing_to_rebuild(self, measured: Path) -> None:
        (measured / "dvc.lock").unlink()
        assert "dvc repro" in run("sync").stderr


class TestUi:
    def test_a_server_elsewhere_is_pointed_to(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@tracking.example")
        result = run("ui")
        assert result.exit_code == 1 and "http://tracking.example" in result.stderr
        assert "secret" not in result.output

    def test_it_becomes_mlflow_on_this_checkouts_store(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        started: list[Any] = []
        monkeypatch.setattr("os.execv", lambda path, command: started.append(command))
        assert "No step is evaluated yet" in run("ui", "--port", "5001").output
        [command] = started
        assert command[2:4] == ["mlflow", "ui"] and "--port=5001" in command
        assert f"--backend-store-uri=sqlite:///{checkout}/mlruns/mlflow.db" in command


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "models"
    tiny.adapter(folder / "step0", tiny.base(folder / "base"), "step0")
    return folder


class TestSample:
    @pytest.fixture(autouse=True)
    def policy(self, checkout: Path, models: Path) -> None:
        (checkout / "models").symlink_to(models)
        path = checkout / "params.yaml"
        path.write_text(path.read_text().replace("max_new_tokens: 256", "max_new_tokens: 12"))

    def test_the_same_arguments_write_the_same_report(self) -> None:
        arguments = ("sample", "--step", "step0", "--keywords", "toux, fièvre")
        first = run(*arguments)
        assert first.exit_code == 0 and first.output.strip()
        assert run(*arguments).output == first.output
        assert run(*arguments, "--seed", "1").output != first.output

    def test_sampling_is_cut_as_asked_and_else_as_the_data_set(self, checkout: Path) -> None:
        arguments = ("sample", "--step", "step0", "--keywords", "toux, fièvre")
        plain, greedy = run(*arguments).output, run(*arguments, "--temperature", "0").output
        # the likeliest token alone is left by either limit
        assert run(*arguments, "--top-k", "1").output == greedy != plain
        assert run(*arguments, "--top-p", "0.000001").output == greedy
        assert run(*arguments, "--top-p", "1", "--top-k", "0").output == plain
        path = checkout / "params.yaml"
        before, section, after = path.read_text().partition("\nsynthesize:\n")
        after = after.replace("top_k: 0", "top_k: 1", 1)
        path.write_text(before + section + after)
        assert run(*arguments).output == greedy  # the default: of section synthesize
        for bad in ("0", "1.1", "-0.5", "nan"):
            done = run(*arguments, "--top-p", bad)
            assert done.exit_code != 0 and "--top-p" in done.stderr

    @pytest.mark.parametrize(
        ("step", "keywords", "message"),
        [("dpo9", "toux", "no step 'dpo9'"), ("step0", " , ", "no term"), ("dpo1", "toux", "dpo1")],
    )
    def test_mistakes_are_told(self, step: str, keywords: str, message: str) -> None:
        result = run("sample", "--step", step, "--keywords", keywords)
        assert result.exit_code == 1 and message in result.stderr


def test_an_unmended_lock_is_told(checkout: Path) -> None:
    (checkout / "dvc.lock").write_text("stages: [")
    with pytest.raises(UserError, match=r"dvc\.lock"):
        tracking_commands.expected(load_params(), standing())


class TestCheck:
    def test_good_parameters_are_passed_in_silence(self, whole: Path) -> None:
        done = run("check")
        assert (done.exit_code, done.output) == (0, "")

    @pytest.mark.parametrize(
        ("good", "bad", "sentence"),
        [
            ("{parent: dpo1,", "{parent: dpo9,", "there is no step 'dpo9'"),
            ("{parent: step0,", "{parent: dpo3,", "the rounds make a loop"),
            ("  dpo3: {", "  dpo3;ls: {", "rounds.dpo3;ls"),
        ],
    )
    def test_what_dvc_would_stumble_over_is_one_sentence(
        self, good: str, bad: str, sentence: str, checkout: Path
    ) -> None:
        path = checkout / "params.yaml"
        text = path.read_text(encoding="utf-8")
        assert good in text
        path.write_text(text.replace(good, bad), encoding="utf-8")
        done = run("check")
        assert done.exit_code == 1
        [line] = done.stderr.splitlines()
        assert line.startswith("synth-fr: params.yaml: ") and sentence in line
