"""`make gpu-check`: what it says without a GPU, how blocks are run and recorded, README's table.

The blocks run here on the CPU, at a size that shows nothing, through the path of a real one.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import random_models
from benchmarks.gpu_check import __main__ as gpu_check
from benchmarks.gpu_check import marked_tests, runner, wheels
from benchmarks.gpu_check.blocks import BLOCKS
from synthfr.errors import UserError
from synthfr.pipeline import gpu_record, gpu_tables
from synthfr.pipeline.cli import readme
from synthfr.pipeline.gpu_record import CONTENDERS, Outcome

ROOT = Path(__file__).parents[2]
TINY = ("--device", "cpu", "--size", "tiny")
# a block's process, without the block: what it leaves, how it ends
WRITES = "import json, sys; json.dump({figures}, open(sys.argv[-1], 'w')); {then}"


def done(name: str, **figures: float) -> Outcome:
    """A block that ended well, with every figure 2.0 or as named."""
    told = {
        contender: {measure: figures.get(measure, 2.0) for measure in measures}
        for contender, measures in CONTENDERS[name].items()
    }
    return Outcome("done", "", told, "full", 61.0, "2026-11-29", "c" * 40, 0, "580.1", "2.13.0")


# -- what it says


def test_without_a_gpu_it_says_what_it_would_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(runner, "find_machine", lambda device: None)
    assert gpu_check.main(["--out", str(tmp_path / "gpu.json")]) == 0
    told = capsys.readouterr().out
    for name, block in BLOCKS.items():
        assert f"\n{name} " in told and block.what in told
        assert f"about {block.gib} GiB" in told and block.gib > 0
    assert told.count("at most 8 min") == len(BLOCKS)
    assert "trl==" in told and "(0.9 MB)" in told and "(6.0 MB; sizes of 2026-11-29" in told
    assert list(tmp_path.iterdir()) == []
    assert gpu_check.main(["--list", "--out", str(tmp_path / "gpu.json")]) == 0
    assert capsys.readouterr().out.count(" not measured ") == len(BLOCKS)
    gpu_record.add(tmp_path / "gpu.json", "NVIDIA H200", "sft", done("sft"))
    assert gpu_check.main(["--list", "--out", str(tmp_path / "gpu.json")]) == 0
    listed = capsys.readouterr().out
    assert listed.startswith("NVIDIA H200 (") and "done, 61 s" in listed
    assert listed.count(" not measured ") == len(BLOCKS) - 1


def test_make_says_it_on_a_machine_with_nothing_but_python(tmp_path: Path) -> None:
    """``-S``: no package at all, not even torch."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    # a copy without .venv: make takes the Python that it is given
    for name in ("benchmarks", "synthfr", "requirements.lock", "Makefile"):
        (tmp_path / name).symlink_to(ROOT / name)
    ran = subprocess.run(
        ["make", "gpu-check", f"PYTHON={python}"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "torch is not installed" in ran.stdout
    assert "This machine lacks torch==" in ran.stdout


def test_a_block_whose_packages_are_missing_is_not_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(wheels, "_there", lambda module: module != "trl")
    out = tmp_path / "gpu.json"
    assert gpu_check.main([*TINY, "--out", str(out), "--only", "sft"]) == 0
    assert "sft: not run, this machine lacks trl==1.16.0 (0.9 MB)" in capsys.readouterr().out
    assert not out.exists()


def test_every_wheel_to_carry_is_locked_and_needed() -> None:
    pins = wheels.locked()
    needed = {name for block in BLOCKS.values() for name in block.needs}
    assert set(wheels.CARRIED) <= needed
    assert needed - {"vllm"} <= set(pins)
    assert wheels.missing(["trl", "ruamel.yaml.clib", "no-such-thing"]) == ["no-such-thing"]
    with pytest.raises(UserError, match="has no 'no-such-thing'"):
        wheels.download(ROOT, ["no-such-thing"], "3.12")


def test_wheels_are_asked_for_by_their_locked_version(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked: list[list[str]] = []

    def pip(command: list[str], check: bool) -> Any:
        asked.append(command)
        (tmp_path / "trl-1.whl").write_bytes(b"w" * 2_500_000)
        return subprocess.CompletedProcess(command, len(asked) - 1)

    monkeypatch.setattr(subprocess, "run", pip)
    assert gpu_check.main(["wheels", "--dest", str(tmp_path), "--python", "3.13"]) == 0
    assert {"--no-deps", "3.13", f"trl=={wheels.locked()['trl']}"} <= set(asked[0])
    assert "   2.5 MB in all" in capsys.readouterr().out
    assert gpu_check.main(["wheels", "--dest", str(tmp_path)]) == 1  # pip failed
    assert "where a package registry can be reached" in capsys.readouterr().err


# -- running and recording


@pytest.mark.long
@pytest.mark.parametrize("name", ["sft", "dpo", "transformers-4b", "scoring", "coder", "plm-icd"])
def test_blocks_measure_all_that_the_record_wants(name: str, tmp_path: Path) -> None:
    found = tmp_path / "figures.json"
    assert runner.execute(name, "tiny", found) == 0
    held = json.loads(found.read_text("utf-8"))
    assert held["reason"] == ""
    out = tmp_path / "gpu.json"
    outcome = dataclasses.replace(done(name), figures=held["figures"], size="tiny")
    gpu_record.add(out, "CPU", name, outcome)
    assert gpu_record.read(out)["CPU"][name].figures == held["figures"]
    for figures in held["figures"].values():
        assert all(value > 0 for key, value in figures.items() if key.endswith(("_per_s", "mfu")))


@pytest.mark.long
@pytest.mark.slow
def test_the_whole_way_once(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    command = [sys.executable, "-m", "benchmarks.gpu_check", *TINY, "--out", str(out)]
    subprocess.run([*command, "--only", "transformers-0.6b"], cwd=ROOT, check=True)
    outcome = gpu_record.read(out)["CPU"]["transformers-0.6b"]
    assert (outcome.status, outcome.reason, outcome.size) == ("done", "", "tiny")
    assert outcome.commit == runner.commit() and outcome.seconds > 0


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Blocks whose processes are those named here; with the names of what was run under "ran"."""
    commands: dict[str, list[str]] = {"ran": []}

    def command(name: str, size: str) -> list[str]:
        commands["ran"].append(name)
        return [sys.executable, "-c", *commands[name]]

    monkeypatch.setattr(runner, "command", command)
    return commands


def leaves(name: str, then: str = "", reason: str = "") -> list[str]:
    held = {"figures": done(name).figures, "reason": reason}
    return [WRITES.format(figures=held, then=then)]


def test_done_blocks_are_not_run_again_unless_asked(
    fake: dict[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake |= {"sft": leaves("sft"), "dpo": leaves("dpo")}
    call = [*TINY, "--out", str(tmp_path / "gpu.json")]
    assert gpu_check.main([*call, "--only", "sft"]) == 0
    assert gpu_check.main([*call, "--only", "sft", "dpo"]) == 0
    assert fake["ran"] == ["sft", "dpo"]
    assert "sft: done" in capsys.readouterr().out
    assert gpu_check.main([*call, "--again", "sft"]) == 0
    assert fake["ran"] == ["sft", "dpo", "sft"]
    assert gpu_check.main([*call, "--list"]) == 0
    listed = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    assert "done, " in listed["dpo"] and "not measured" in listed["coder"]
    assert fake["ran"] == ["sft", "dpo", "sft"]


def test_what_fails_or_takes_too_long_is_recorded_and_the_others_go_on(
    fake: dict[str, list[str]], tmp_path: Path
) -> None:
    out = tmp_path / "gpu.json"
    half = {"figures": {"ours": done("dpo").figures["ours"]}, "reason": ""}
    fake |= {
        "sft": leaves("sft", "sys.exit(1)", "TRL: OutOfMemoryError: no room"),
        "dpo": [WRITES.format(figures=half, then="import time; time.sleep(60)")],
        "scoring": ["import os; os.abort()"],
        "coder": leaves("coder"),
    }
    names = ["sft", "dpo", "scoring", "coder"]
    call = [*TINY, "--out", str(out), "--limit", "2", "--only", *names]
    assert gpu_check.main(call) == 1
    assert fake["ran"] == names
    record = gpu_record.read(out)["CPU"]
    assert {name: one.status for name, one in record.items()} == {
        "sft": "failed", "dpo": "timeout", "scoring": "failed", "coder": "done",
    }  # fmt: skip
    assert record["sft"].reason == "TRL: OutOfMemoryError: no room"
    assert record["dpo"].reason == "stopped after 2 s"
    assert record["dpo"].figures == half["figures"]  # what it had is kept
    assert record["scoring"].reason == "its process ended with status -6"
    assert gpu_check.main(call) == 0  # recorded, so not tried again
    assert fake["ran"] == names


@pytest.mark.slow
def test_a_block_ends_with_the_check_that_is_told_to_end(tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    block = f"import os, pathlib, time; pathlib.Path({str(lives)!r}).write_text(str(os.getpid()))"
    script = (
        "import sys; from benchmarks.gpu_check import __main__, runner\n"
        f"runner.command = lambda *_: [sys.executable, '-c', {block + '; time.sleep(90)'!r}]\n"
        f"sys.exit(__main__.main([*{TINY}, '--out', {str(tmp_path / 'gpu.json')!r}, "
        "'--only', 'sft']))"
    )
    check = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    try:
        until = time.monotonic() + 60
        while not (lives.is_file() and lives.read_text()) and time.monotonic() < until:
            time.sleep(0.1)
        block_id = int(lives.read_text())
        os.kill(block_id, 0)  # the control: it runs
        check.terminate()
        assert check.wait(30) == 128 + 15
    finally:
        check.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(block_id, 0)
    assert not (tmp_path / "gpu.json").exists()


def test_no_block_is_begun_that_may_not_end_in_time(
    fake: dict[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = [*TINY, "--out", str(tmp_path / "gpu.json"), "--only", "sft"]
    assert gpu_check.main([*call, "--minutes", "7"]) == 0
    assert "sft: not begun" in capsys.readouterr().out and fake["ran"] == []
    fake["sft"] = leaves("sft")
    assert gpu_check.main([*call, "--minutes", "9"]) == 0
    assert fake["ran"] == ["sft"]


def test_one_contender_that_fails_does_not_take_the_others_along(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks.gpu_check import measures

    def trained(name: str, size: str) -> dict[str, float]:
        if name == "DPO ours":
            raise ValueError(f"no such\nthing in {ROOT}/data")
        return {"tokens_per_s": 1.0}

    monkeypatch.setattr(measures, "_trained", trained)
    found = tmp_path / "figures.json"
    assert runner.execute("dpo", "tiny", found) == 1
    crashed = subprocess.CalledProcessError(1, ["python", "/tmp/x"])
    assert runner.told(crashed) == "a process of its own ended with status 1"
    assert json.loads(found.read_text("utf-8")) == {
        "figures": {"TRL": {"tokens_per_s": 1.0}},
        "reason": "ours: ValueError: no such thing in ./data",
    }
    capsys.readouterr()


def test_tiny_figures_never_reach_the_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert gpu_check.main(list(TINY)) == 1
    assert "name another file" in capsys.readouterr().err
    gpu_record.add(
        gpu_record.RECORD, "CPU", "coder", dataclasses.replace(done("coder"), size="tiny")
    )
    with pytest.raises(
        UserError, match=r"'coder' on 'CPU' are of size 'tiny', which shows nothing"
    ):
        readme.gpu()


def test_marked_tests_are_found_and_counted(tmp_path: Path) -> None:
    assert ROOT / "tests/gpu/test_on_gpu.py" in marked_tests.files_with_marked(ROOT / "tests")
    assert Path(__file__) not in marked_tests.files_with_marked(ROOT / "tests")
    junit = tmp_path / "junit.xml"
    junit.write_text(
        '<testsuites><testsuite tests="9" failures="2" errors="1" skipped="3"/></testsuites>'
    )
    counted = {"passed": 3, "failed": 2, "errors": 1, "skipped": 3}
    assert marked_tests.counts(junit) == counted


def test_random_models_are_as_large_as_the_real_ones() -> None:
    """Weights as published: 4.02e9, 5.96e8, 2.78e8 and 3.95e8."""
    import torch
    import transformers as t

    qwen, xlmr = (t.Qwen3ForCausalLM, t.Qwen3Config), (t.XLMRobertaModel, t.XLMRobertaConfig)
    sizes = []
    with torch.device("meta"):
        for (model, config), architecture in (
            (qwen, random_models.QWEN3_4B),
            (qwen, random_models.QWEN3_06B),
            (xlmr, random_models.XLMR_BASE),
            ((t.ModernBertModel, t.ModernBertConfig), random_models.MODERNBERT_LARGE),
        ):
            made = model(config(**architecture))
            sizes.append(sum(one.numel() for one in made.parameters()))
    assert sizes == pytest.approx([4.02e9, 5.96e8, 2.78e8, 3.95e8], rel=2e-3)


# -- the record and README's table


@pytest.mark.parametrize(
    ("forge", "told"),
    [
        (lambda one: one.pop("commit"), "lacks, or has too many of: commit"),
        (lambda one: one.update(speed=9), "lacks, or has too many of: speed"),
        (lambda one: one["figures"].pop("TRL"), "lacks figures of, or knows no: TRL"),
        (lambda one: one["figures"]["ours"].pop("mfu"), "has no mfu of 'ours'"),
        (lambda one: one["figures"]["ours"].update(mfu="40 %"), "has no mfu of 'ours'"),
        (lambda one: one["figures"]["ours"].update(mfu=None), "has no mfu of 'ours'"),
        (lambda one: one.update(status="splendid"), "has the status 'splendid'"),
    ],
)
def test_a_forged_record_is_refused(forge: Any, told: str, tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    gpu_record.add(out, "NVIDIA H200", "sft", done("sft"))
    held = json.loads(out.read_text("utf-8"))
    assert gpu_record.read(out)["NVIDIA H200"]["sft"] == done("sft")  # the control
    forge(held["NVIDIA H200"]["sft"])
    out.write_text(json.dumps(held), encoding="utf-8")
    with pytest.raises(UserError, match=r"^\S+ is no record of `make gpu-check`") as refused:
        gpu_record.read(out)
    assert told in str(refused.value)
    before = out.read_bytes()
    with pytest.raises(UserError):
        gpu_record.add(out, "NVIDIA H200", "dpo", done("dpo"))
    assert out.read_bytes() == before


@pytest.mark.parametrize("held", ["[]", '{"GPU": 3}', '{"GPU": {"cooking": {}}}', "{"])
def test_what_is_no_record_is_refused(held: str, tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    out.write_text(held, encoding="utf-8")
    with pytest.raises(UserError):
        gpu_record.read(out)


def cells(table: str, what: str) -> list[str]:
    (line,) = [line for line in table.splitlines() if what in line]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_nothing_is_guessed_where_nothing_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = readme.gpu()
    for line in table.splitlines()[2:]:
        _, ours, peer, ratio, _ = (cell.strip() for cell in line.strip("|").split("|"))
        assert ours == gpu_tables.NOT_MEASURED
        assert peer == "none" or peer.endswith(gpu_tables.NOT_MEASURED)
        assert ratio in ("none", gpu_tables.NOT_MEASURED)
    assert not any(mark.isdigit() for line in table.splitlines()[2:] for mark in cells(line, "")[1])


def test_the_table_shows_what_was_measured_beside_the_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sft = done("sft", tokens_per_s=10_000.0, mfu=0.2, peak_gib=40.0)
    sft.figures["ours"] |= {"tokens_per_s": 25_500.0, "mfu": 0.4444}  # type: ignore[operator]
    scored = done("scoring", texts_per_s=50.0, documents=280)
    scored.figures["ours"] |= {"texts_per_s": 300.0, "documents": 2800}  # type: ignore[operator]
    late = Outcome(
        **{**dataclasses.asdict(done("dpo")), "status": "timeout", "seconds": 480.0,
           "reason": "stopped after 480 s"},
    )  # fmt: skip
    del late.figures["TRL"]  # type: ignore[attr-defined]
    tests = done("tests", passed=7, failed=0, errors=0, skipped=1)
    for name, outcome in {"sft": sft, "scoring": scored, "dpo": late, "tests": tests}.items():
        gpu_record.add(gpu_record.RECORD, "NVIDIA H200", name, outcome)
    table = readme.gpu()
    assert table.startswith("| NVIDIA H200: what | ours |")
    _, ours, peer, ratio, target = cells(table, "SFT, Qwen3-4B's size, LoRA r 32: tokens/s")
    assert (ours, target) == ("25 500", "at least 2")
    assert peer.startswith("TRL's defaults, padded: 10 000; ") and ratio.startswith("2.55; ")
    assert cells(table, "r 32: MFU")[1:] == [
        "44.4 %", "TRL's defaults, padded: 20.0 %", "none", "at least 40 %",
    ]  # fmt: skip
    what, *_, ratio, target = cells(table, "scoring")
    assert "(2800 x 4; the loops: 280 x 4 of them)" in what
    assert (ratio, target) == ("6.00; 6.00", "at least 5")
    over = "not measured (over 8 min)"
    ours, peer, ratio = cells(table, "DPO, the same: tokens/s")[1:4]
    assert (ours, peer, ratio) == ("2.0", f"TRL's defaults, padded: {over}", over)
    assert cells(table, "marked gpu")[1] == "7 passed, 0 failed, 0 errors, 1 skipped"
    assert cells(table, "vLLM")[1] == "not measured"
    assert "driver 580.1, torch 2.13.0, commit ccccccc, 2026-11-29" in table
