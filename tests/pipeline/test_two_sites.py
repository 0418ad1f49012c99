"""Two sites through the real command lines: a clone that has no private document, and an empty
folder in the hospital, without git or DVC, that share one folder of bundles.

What the clone gets by way of bundles is what one site with everything makes, byte for byte. The
generator is a few lines here: scores, and what comes of them, are the matter.
"""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from synthfr.disk import digest_tree, read_json, write_json
from synthfr.pipeline import layout
from synthfr.sites import coders, exchanges
from tests.pipeline import leaks
from tests.pipeline.conftest import (
    ID_CANARY,
    PRIVATE_SOURCE,
    SHARED_CANARY,
    TEXT_CANARIES,
    one_round,
    plant,
)
from tests.pipeline.workspace import Workspace

pytestmark = [pytest.mark.pipeline, pytest.mark.long]

PLANTED = (*TEXT_CANARIES, SHARED_CANARY, ID_CANARY)
PAIRED = "pair@dpo1"
STEP_STAGES = ("classify", "privacy", "fidelity", "judge_coder")
EVALUATED = [f"{stage}@dpo1" for stage in STEP_STAGES]
SAME = [
    *(f"data/public/{name}.parquet" for name in ("seed", "codes", "sft", "prompts", "code_sets")),
    *(f"data/rounds/dpo1/{name}.parquet" for name in ("candidates", "scores", "pairs", "best_of")),
    *("metrics/keywords.json", "metrics/score/dpo1.json", "metrics/release/dpo1.json"),
    *(f"metrics/{stage}/dpo1.json" for stage in (*STEP_STAGES, "train_coder")),
]

GENERATOR = """
import sys
import pandas as pd
from synthfr import records
from synthfr.disk import write_json

prompts = records.read_table("data/public/prompts.parquet", records.PROMPTS)
rows = [
    (one.prompt_id, number, f"{' et '.join(one.keywords[: number + 1])} depuis {number} jours.",
     number, 1.0, 1.0, 9, "stop")
    for one in prompts.itertuples() for number in range(3)
]
frame = pd.DataFrame(rows, columns=records.CANDIDATES.schema.names)
records.write_table(frame, f"data/rounds/{sys.argv[1]}/candidates.parquet", records.CANDIDATES)
write_json(f"metrics/generate/{sys.argv[1]}.json", {"candidates": len(frame)})
"""

SYNTHESIZER = """
import sys
import pandas as pd
from synthfr import records
from synthfr.disk import write_json

step = sys.argv[1]
table = records.read_table("data/public/codes.parquet", records.CODES)
name = {code: (list(names) or [label])[0]
        for code, label, names in zip(table["code"], table["label"], table["synonyms"])}
sets = records.read_table("data/public/code_sets.parquet", records.CODE_SETS)
codes = [own[0] for own, kind in zip(sets["codes"], sets["kind"]) if kind == "code"]
rows = []
for at in range(120):
    own = [codes[at % len(codes)], codes[(at + 1) % len(codes)]]
    names = [name[code] for code in own]
    text = f"Motif : {names[0]}. Conclusion : {names[1]}" + " stable" * (at // len(codes)) + "."
    rows.append((f"r{at:03}", text, own, names, "fr", step, at, "prompt"))
names = ["report_id", "text", "codes", "keywords", "language", "step", "seed", "prompt"]
frame = pd.DataFrame(rows, columns=names)
records.write_table(frame, f"data/synthetic/{step}/reports.parquet", records.SYNTHETIC)
write_json(f"metrics/synthesize/{step}.json", {"reports": len(frame)})
"""


@dataclass(frozen=True)
class Sites:
    """After all was asked, answered and accepted."""

    one: Workspace  # has everything: what to compare with
    outside: Workspace
    hospital: Workspace
    post: Path  # the folder that both sides share

    def key(self, name: str) -> list[str]:
        return ["--key", str(self.post.parent / name)]

    def sender(self, name: str) -> list[str]:
        return ["--sender", str(self.post / f"{name}.pub")]

    def bundle(self, name: str) -> str:
        return str(self.post / f"{name}.zip")


def own_generator(workspace: Workspace) -> None:
    """Candidates and a data set without a model."""
    (workspace.root / "generator.py").write_text(GENERATOR)
    (workspace.root / "synthesizer.py").write_text(SYNTHESIZER)
    path = workspace.root / "dvc.yaml"
    tree = yaml.safe_load(path.read_text("utf-8"))
    tree["stages"]["generate"]["do"] |= {
        "cmd": "python generator.py ${key}",
        "deps": ["generator.py", "data/public/prompts.parquet"],
    }
    tree["stages"]["synthesize"]["do"] |= {
        "cmd": "python synthesizer.py ${item}",
        "deps": ["synthesizer.py", "data/public/codes.parquet", "data/public/code_sets.parquet"],
    }
    path.write_text(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True), "utf-8")


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    root = tmp_path_factory.mktemp("sites")
    one = Workspace.copy(root / "one")
    one.run("synth-fr", "profile", "apply", "smoke")
    one_round(one)
    plant(one)
    own_generator(one)
    one.change_params(
        {
            "privacy.detection.spikes": [5],
            "privacy.detection.repeats": 14,
            "synthesize.reports": 120,
        }
    )
    one.commit("as both sites agreed")
    outside = one.clone(root / "outside")
    for name in ("public_source.parquet", "codes_source.parquet"):
        shutil.copy(one.root / name, outside.root / name)
    one.dvc("repro", PAIRED, *EVALUATED)

    reports = root / "hospital-reports.parquet"  # not in the hospital's folder of work
    shutil.copy(one.root / PRIVATE_SOURCE, reports)
    (root / "hospital").mkdir()
    (root / "post").mkdir()
    hospital = Workspace(root / "hospital")
    hospital.env["PYTHONPATH"] = str(outside.root)  # the same program, as its wheel would be
    made = Sites(one, outside, hospital, root / "post")
    for site, name in ((outside, "paris"), (hospital, "lyon")):
        site.run("synth-fr", "key", str(root / name))
        shutil.copy(root / f"{name}.pub", made.post)

    def ask(*question: str) -> None:
        outside.run("synth-fr", "bundle", *question, *made.key("paris"))

    def answer(*command: str) -> None:
        hospital.run("synth-fr", *command, *made.key("lyon"), *made.sender("paris"))

    def accept(name: str) -> None:
        outside.run("synth-fr", "accept", made.bundle(name), *made.sender("lyon"))

    outside.run("synth-fr", "outside")
    outside.dvc("repro", "seed")
    ask("keywords", made.bundle("asked"))
    answer(
        *("keywords", made.bundle("asked"), made.bundle("told"), "--private", str(reports)),
        *("--weaker", "keywords.min_documents"),
    )
    accept("told")
    outside.dvc("repro", "judge@dpo1")
    ask("candidates", "--round", "dpo1", made.bundle("candidates"))
    answer("score", made.bundle("candidates"), made.bundle("scores"))
    accept("scores")
    outside.dvc("repro", PAIRED, "score@dpo1")
    outside.dvc("repro", "synthesize@dpo1", "train_coder@dpo1")
    ask("step", "--step", "dpo1", made.bundle("step"))
    answer(
        *("evaluate", made.bundle("step"), made.bundle("figures")),
        *("--weaker", "train_coder.seeds"),
    )
    accept("figures")
    outside.dvc("repro", *EVALUATED)
    return made


def test_the_clone_outside_has_what_one_site_has_byte_for_byte(sites: Sites) -> None:
    ours, theirs = sites.outside.outs(), sites.one.outs()
    assert {name: ours[name] for name in SAME} == {name: theirs[name] for name in SAME}
    for name in SAME:
        assert (sites.outside.root / name).read_bytes() == (sites.one.root / name).read_bytes()


def test_the_hospital_has_the_private_tables_of_one_site_and_its_owner_alone_reads_them(
    sites: Sites,
) -> None:
    for name in ("train", "holdout", "keyed", "rounds/dpo1/scores"):
        ours = sites.hospital.root / f"data/private/{name}.parquet"
        assert ours.read_bytes() == (sites.one.root / f"data/private/{name}.parquet").read_bytes()
        assert ours.stat().st_mode & 0o077 == 0


def test_nothing_private_is_outside_or_in_a_bundle(sites: Sites, tmp_path: Path) -> None:
    for bundle in sites.post.glob("*.zip"):
        with zipfile.ZipFile(bundle) as archive:
            archive.extractall(tmp_path / bundle.stem)
    assert len(list(tmp_path.iterdir())) == 6
    assert leaks.find(tmp_path, PLANTED, ()) == []
    assert leaks.find(sites.outside.root, PLANTED, (".git",)) == []  # DVC's cache too
    assert not list((sites.outside.root / "data/private").rglob("*.parquet"))
    # no digest of a private table either
    assert "data/private" not in (sites.outside.root / "dvc.lock").read_text().replace(
        PRIVATE_SOURCE, "the path in params.yaml"
    )
    assert leaks.find(sites.hospital.root, PLANTED, ()) != []  # negative control


def test_a_later_repro_runs_no_private_stage_outside(sites: Sites) -> None:
    again = sites.outside.dvc("repro", PAIRED).stdout
    assert "Data and pipelines are up to date." in again
    commands = sites.outside.dvc("repro", "--dry", "--force", PAIRED).stdout
    assert "stages.answer release dpo1" in commands
    for stage in ("seed", "keywords", "score", "release", "similarity_judge"):
        assert f"stages.{stage}" not in commands


def test_a_step_s_figures_come_from_the_hospital_alone(sites: Sites) -> None:
    commands = sites.outside.dvc("repro", "--dry", "--force", "--single-item", *EVALUATED).stdout
    for stage in STEP_STAGES:
        assert f"stages.answer {stage} dpo1" in commands
        assert f"stages.{stage}" not in commands


def test_the_kept_coder_is_trained_outside_and_judged_inside(sites: Sites) -> None:
    told = read_json(sites.outside.root / "metrics/judge_coder/dpo1.json")
    (cell,) = (one for size in told.values() for one in size.values())
    assert 0 <= cell["map"]["mean"] <= 1 and cell["evaluated_reports"]["mean"] > 0
    kept = sites.outside.root / "models/coder/dpo1"
    assert digest_tree(kept) == digest_tree(sites.one.root / "models/coder/dpo1")
    with zipfile.ZipFile(sites.bundle("step")) as archive:
        carried = [name for name in archive.namelist() if name.startswith("coder/")]
    assert sorted(carried) == sorted(f"coder/seed=0/{name}" for name in coders.FILES)
    commands = sites.outside.dvc("repro", "--dry", "--force", "train_coder@dpo1").stdout
    assert "stages.train_coder dpo1" in commands
    assert not (sites.hospital.root / "models").exists()


def test_coders_that_do_not_belong_to_the_step_are_refused_on_both_sides(
    sites: Sites, tmp_path: Path
) -> None:
    """Other weights: outside where they are sent, inside in a bundle rightly signed, and the answer
    to those that lay here before.
    """
    from safetensors.torch import load, save

    place = sites.outside.root / "models/coder/dpo1/seed=0/model.safetensors"
    own = place.read_bytes()
    other = save({name: 1 + 2 * one for name, one in load(own).items()})
    place.unlink()  # DVC's cache may be behind a link
    place.write_bytes(other)
    said = "was trained on other reports than the question's"
    try:
        asking = ("bundle", "step", "--step", "dpo1", str(tmp_path / "q.zip"))
        assert said in refused(sites.outside, *asking, *sites.key("paris"))
        assert "its coders are not those that lie here now" in refused(
            sites.outside, "accept", sites.bundle("figures"), *sites.sender("lyon")
        )
    finally:
        place.write_bytes(own)
    key = sites.post.parent / "paris"
    asked = exchanges.read_question(
        Path(sites.bundle("step")).read_bytes(), "evaluation", [key.with_suffix(".pub")]
    )
    hostile = replace(asked, coders={**asked.coders, "coder/seed=0/model.safetensors": other})
    (tmp_path / "q.zip").write_bytes(exchanges.ask(hostile, key))
    memory = sites.hospital.root / layout.SITE_MEMORY
    kept = memory.read_bytes()
    answering = ("evaluate", str(tmp_path / "q.zip"), str(tmp_path / "a.zip"))
    who = (*sites.key("lyon"), *sites.sender("paris"))
    assert "was answered before, to another question" in refused(sites.hospital, *answering, *who)
    write_json(memory, read_json(memory) | {"answered": {}})
    try:
        assert said in refused(sites.hospital, *answering, *who)
    finally:
        memory.write_bytes(kept)
    assert not (tmp_path / "a.zip").exists()


def test_a_coder_made_elsewhere_is_judged_only_if_the_hospital_says_so(
    sites: Sites, tmp_path: Path
) -> None:
    memory = sites.hospital.root / layout.SITE_MEMORY
    kept = memory.read_bytes()
    told = read_json(memory)
    del told["agreed"]["train_coder.seeds"], told["named"]["evaluation"]
    write_json(memory, told)
    try:
        line = refused(
            sites.hospital,
            *("evaluate", sites.bundle("step"), str(tmp_path / "a.zip")),
            *(*sites.key("lyon"), *sites.sender("paris")),
        )
    finally:
        memory.write_bytes(kept)
    assert "say --weaker train_coder.seeds if you agree" in line


def refused(site: Workspace, *command: str) -> str:
    done = site.run("synth-fr", *command, check=False)
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    return line


def test_a_flipped_bit_is_refused_on_both_sides(sites: Sites, tmp_path: Path) -> None:
    for name in ("candidates", "scores"):
        data = bytearray(Path(sites.bundle(name)).read_bytes())
        data[len(data) // 2] ^= 1
        (tmp_path / f"{name}.zip").write_bytes(data)
    inside = refused(
        sites.hospital,
        *("score", str(tmp_path / "candidates.zip"), str(tmp_path / "new.zip")),
        *(*sites.key("lyon"), *sites.sender("paris")),
    )
    outside = refused(sites.outside, "accept", str(tmp_path / "scores.zip"), *sites.sender("lyon"))
    for line in (inside, outside):
        assert "damaged" in line or "changed" in line
    assert not (tmp_path / "new.zip").exists()


def test_a_changed_parameter_is_refused_on_both_sides(sites: Sites, tmp_path: Path) -> None:
    params = sites.outside.root / "params.yaml"
    kept = params.read_bytes()
    sites.outside.change_params({"score.weights.bleu": 1.0})
    try:
        sites.outside.run(
            *("synth-fr", "bundle", "candidates", "--round", "dpo1", str(tmp_path / "q.zip")),
            *sites.key("paris"),
        )
        inside = refused(
            sites.hospital,
            *("score", str(tmp_path / "q.zip"), str(tmp_path / "a.zip")),
            *(*sites.key("lyon"), *sites.sender("paris")),
        )
        repro = sites.outside.dvc("repro", PAIRED, check=False)
    finally:
        params.write_bytes(kept)
    assert "parameter score.weights.bleu is 1.0 in the bundle and 0.0 agreed on in" in inside
    assert repro.returncode != 0
    assert "parameter score.weights.bleu is 0.0 in the bundle and 1.0 in params.yaml" in (
        repro.stdout
    )
