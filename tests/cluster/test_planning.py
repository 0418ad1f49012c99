"""Graph, requests, records and set-up: what needs no SLURM."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from synthfr.disk import read_yaml
from synthfr.errors import UserError
from synthfr.pipeline.cluster import allocations, chain, graph, job_records, setup, slurm
from synthfr.pipeline.cluster.chain import Chain, Link
from tests.cluster.conftest import Toy

ROOT = Path(__file__).parents[2]
DOT = """
strict digraph {
"c";
"a" -> "b";
"b" -> "c";
"a" -> "c";
"b" -> "d@x";
"e";
}
"""


def test_dot_is_read_in_topological_order() -> None:
    assert graph.parse_dot(DOT) == {"a": (), "b": ("a",), "c": ("b", "a"), "d@x": ("b",), "e": ()}


def test_a_chain_goes_on_before_what_branches_off_it() -> None:
    dot = '"start" -> "round1";\n"round1" -> "round2";\n"start" -> "data0";\n"round1" -> "data1";'
    assert list(graph.parse_dot(dot)) == ["start", "round1", "round2", "data0", "data1"]


def test_a_cycle_is_named() -> None:
    """Without the stages before and after it."""
    with pytest.raises(UserError, match=r"need one another: (b, c|c, b): break the cycle"):
        graph.parse_dot('"a" -> "b";\n"b" -> "c";\n"c" -> "b";\n"c" -> "d";')


def test_what_is_below_a_change_is_stale_and_needs_only_what_is_near() -> None:
    plan = graph.stale(graph.parse_dot(DOT), ["a"])
    assert plan.stages == ("a", "b", "c", "d@x")
    assert plan.needs == {"a": (), "b": ("a",), "c": ("b",), "d@x": ("b",)}
    assert graph.stale(graph.parse_dot(DOT), ["c"]).needs == {"c": ()}
    # negative control: a stage outside of the target's graph counts for nothing
    assert graph.stale(graph.parse_dot(DOT), ["elsewhere"]).stages == ()


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_an_item_overrides_its_kind_and_its_kind_the_defaults(tmp_path: Path) -> None:
    path = write(
        tmp_path / "resources.yaml",
        'defaults: {cpus: 2, time: "10:00"}\n'
        "stages:\n  dpo: {gpus: 1, mem: 80G}\n  dpo@dpo2: {gpus: 2, gpu_type: a100}\n",
    )
    found = allocations.read_requests(path, ["sft", "dpo@dpo1", "dpo@dpo2"])
    assert found["sft"].options() == ["--cpus-per-task=2", "--time=10:00"]
    assert found["dpo@dpo1"].options() == [
        "--cpus-per-task=2",
        "--gres=gpu:1",
        "--mem=80G",
        "--time=10:00",
    ]
    assert "--gres=gpu:a100:2" in found["dpo@dpo2"].options()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stages: {dpoo: {}}", "stages.dpoo: dvc.yaml has no such stage: did you mean 'dpo'"),
        ("stages: {dpo: {cpu: 1}}", "unknown parameter 'cpu': did you mean 'cpus'?"),
        ("stages: {dpo: {gpus: -1}}", "stages.dpo.gpus: "),
        ("stages: {dpo: {time: soon}}", "stages.dpo.time: "),
        ("stages: {dpo: {mem: 4 GB}}", "stages.dpo.mem: "),
        ("stages: {dpo: {account: 'a; rm b'}}", "stages.dpo.account: "),
        ("default: {}", "two keys stand at its top"),
    ],
)
def test_mistakes_in_resources_are_told(tmp_path: Path, text: str, words: str) -> None:
    path = write(tmp_path / "resources.yaml", text)
    with pytest.raises(UserError) as caught:
        allocations.read_requests(path, ["sft", "dpo@dpo1"])
    assert words in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.parametrize("path", sorted((ROOT / "slurm").glob("resources*.yaml")), ids=str)
def test_shipped_resources_fit_the_graph(path: Path) -> None:
    names = set(read_yaml(ROOT / "dvc.yaml")["stages"])
    assert allocations.read_requests(path, names, wide={"generate", "synthesize"}).keys() == names


def test_one_job_asks_for_the_most_of_each() -> None:
    requests = [
        allocations.Request(cpus=8, mem="900M", time="1-00:00:00", qos="long"),
        allocations.Request(gpus=1, mem="80G", time="20:00:00", qos="gpu"),
        allocations.Request(time="90"),
    ]
    assert allocations.largest(requests) == allocations.Request(
        gpus=1, cpus=8, mem="80G", time="1-00:00:00", qos="gpu"
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 5400), ("1:30", 90), ("2:00:00", 7200), ("1-2", 93600), ("1-2:30", 95400)],
)
def test_slurms_times(text: str, seconds: int) -> None:
    assert allocations._seconds(text) == seconds


RUN = "2026-01-01 00:00:00 job 7_1: === dvc repro: dvc --wait-for-lock repro\n"


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        (
            f"{RUN}sft: 3 steps\nsft: the first run's.\n{RUN}Running stage 'sft':\n> python\n"
            "sft: 3 steps\nsft: x is missing: make it.\nERROR: failed to reproduce 'sft'\n",
            "sft: x is missing: make it.",
        ),
        (
            f"{RUN}Running stage 'sft':\nTraceback (most recent call last):\n  File\n"
            "ValueError: no\nERROR: failed to reproduce 'sft': exited with 1\n",
            "ValueError: no",
        ),
        (f"{RUN}ERROR: no such stage\n", "ERROR: no such stage"),
        (RUN, "it ended without a word"),
    ],
)
def test_the_first_error_of_a_log(tmp_path: Path, log: str, sentence: str) -> None:
    assert chain.first_error(write(tmp_path / "log", log), "sft") == sentence
    assert "left no log" in chain.first_error(tmp_path / "none", "sft")


def test_a_chain_is_read_as_it_was_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="Nothing was submitted"):
        Chain.load()
    one = Chain("report", 5, (Link("1", "a", ()), Link("2", "b", ("a",), "FAILED", "0:01")))
    one.save()
    assert Chain.load() == one


def test_states_of_jobs_that_slurm_forgot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(slurm, "queue", list)
    monkeypatch.setattr(slurm, "accounted", lambda jobs: {})

    job_records.write_job("1", started=10, ended=75, exit_code=0)
    job_records.write_job("2", started=10, ended=12, exit_code=255)
    links = (Link("1", "a", ()), Link("2", "b", ("a",)), Link("3", "c", ("b",)))
    found = chain.states(Chain("c", 5, links))
    assert [(one.state, one.elapsed) for one in found] == [
        ("COMPLETED", "1:05"),
        ("FAILED", "0:02"),
        ("CANCELLED", "0:00"),
    ]
    assert found[2].why == "not started, because b failed"


def test_a_cycle_in_the_pipeline_is_dvcs_sentence(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path / "toy")
    text = (toy.root / "dvc.yaml").read_text().replace("- in/first\n", "- out/last\n")
    (toy.root / "dvc.yaml").write_text(text)
    told = toy.submit("last", "--dry-run", code=1)
    assert "both a dependency and an output in stages:" in told and told.count("\n") == 1


@pytest.mark.slow
@pytest.mark.long
def test_hashes_decide_and_not_times(tmp_path: Path) -> None:
    """A node's clock that runs an hour fast, or slow, makes nothing stale."""
    toy = Toy.make(tmp_path / "toy")
    toy.dvc("repro")
    for file, skew in (("work.py", 3600), ("in/first", -3600), ("out/first", 7200)):
        when = (toy.root / file).stat().st_mtime + skew
        os.utime(toy.root / file, (when, when))
    assert "up to date" in toy.submit("last", "--dry-run")
    (toy.root / "in/first").write_text("sleep 0.2")  # negative control
    os.utime(toy.root / "in/first", (0, 0))
    assert "--single-item first" in toy.submit("last", "--dry-run")


@pytest.mark.slow
@pytest.mark.long
def test_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No lock of them, and a cache that links by symlinks: what DVC then stores is whole."""
    toy = Toy.make(tmp_path / "toy")
    monkeypatch.chdir(toy.root)

    def refused(*arguments: object, **options: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    with pytest.raises(UserError, match="makes no hard links"):
        setup.set_up(None, None, hardlink_lock=True)
    assert not Path(".dvc/config.local").exists()
    assert setup.set_up(tmp_path / "cache", None, hardlink_lock=False)
    # for DVC's own process too
    (toy.root / "sitecustomize.py").write_text(
        "import os\ndef link(*a, **k): raise OSError(1, 'Operation not permitted')\n"
        "os.link = link\n"
    )
    toy.env["PYTHONPATH"] = f"{toy.root}{os.pathsep}{toy.env['PYTHONPATH']}"
    assert (
        "Operation not permitted"
        in toy.run("python", "-c", "import os; os.link('a', 'b')", check=False).stdout
    )
    toy.dvc("repro")
    assert (toy.root / "out/last").read_text() == "last sleep 0.1"
    assert "up to date" in toy.submit("last", "--dry-run")


def test_the_batch_script_asks_for_its_surroundings(tmp_path: Path) -> None:
    script = str(ROOT / "slurm/stage.sbatch")
    toy = Toy.make(tmp_path / "toy")
    toy.env["PATH"] = "/usr/bin:/bin"
    done = toy.run("bash", script, "page", check=False)
    assert done.returncode == 1 and "make install" in done.stdout
    (toy.root / "dvc.yaml").unlink()
    done = toy.run("bash", script, "page", check=False)
    assert done.returncode == 1 and "not the root of the repository" in done.stdout


@pytest.mark.slow
@pytest.mark.long
def test_init_sets_a_group_cache_once(tmp_path: Path) -> None:
    toy = Toy.make(tmp_path / "toy")
    # what `init` reads of it beside the toy's own
    (toy.root / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    cache = tmp_path / "scratch/cache"
    toy.env["MLFLOW_TRACKING_URI"] = "http://127.0.0.1:9"  # nobody answers
    command = ["synth-fr", "cluster", "init", "--cache", str(cache)]
    told = toy.run(*command).stdout
    assert "cache.shared = group" in told and "hardlink_lock" not in told
    assert stat.S_IMODE(cache.stat().st_mode) == 0o2770
    first = (toy.root / ".dvc/config.local").read_text()
    assert "config.local" not in toy.run(*command).stdout
    assert (toy.root / ".dvc/config.local").read_text() == first
    toy.run(*command, "--hardlink-lock")
    assert "hardlink_lock = true" in (toy.root / ".dvc/config.local").read_text()
    toy.dvc("repro", "first")
    assert any(cache.rglob("*")) and not (toy.root / ".dvc/cache/files").exists()
    refused = toy.run(*command, "--group", "nosuchgroup", check=False)
    assert refused.returncode == 1 and "There is no group 'nosuchgroup'" in refused.stdout
