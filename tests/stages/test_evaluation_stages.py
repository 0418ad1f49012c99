"""similarity_judge, score, release, linkage, reference, classify, augment, noise, errors, privacy,
fidelity: what they write, refuse, and never let out.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from synthfr import hardware, records
from synthfr.disk import read_yaml
from synthfr.pipeline import layout, tracking
from synthfr.pipeline.cli.private_side import make_secret
from synthfr.sites import figures
from tests import tiny
from tests.coding import toy as coded
from tests.scoring import toy as scored

ROOT = Path(__file__).parents[2]
CANARY = "zébulon-7391"  # a word of private reports that no output may hold


class Recorded:
    """A tracker that remembers."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    @contextmanager
    def run(
        self, name: str, tags: dict[str, str], params: dict[str, Any], state: Any
    ) -> Iterator["Recorded"]:
        yield self

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("log_"):
            raise AttributeError(name)
        return lambda *arguments: self.calls.append((name, *arguments))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """A repository with small tables, and a tracker that remembers."""
    monkeypatch.chdir(tmp_path)
    for variable in ("OMP_NUM_THREADS", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(variable, os.environ[variable])  # the runner sets them
    write_params(sizes=[60, 120])
    recorded = Recorded()
    monkeypatch.setattr(tracking, "open_tracker", lambda params, folder: recorded)
    train, holdout = (
        coded.reports(150, seed, name) for seed, name in ((11, "train"), (12, "holdout"))
    )
    for frame in (train, holdout):
        frame["text"] += f" {CANARY}"
    records.write_table(train, layout.PRIVATE_TRAIN, records.REPORTS)
    records.write_table(holdout, layout.PRIVATE_HOLDOUT, records.REPORTS)
    records.write_table(records.empty(records.CANARIES), layout.CANARIES, records.CANARIES)
    records.write_table(coded.reports(100, 13, "seed"), layout.SEED, records.REPORTS)
    sets = pd.DataFrame(
        [("code", [code], 1, 90 - place) for place, code in enumerate(coded.CODES)],
        columns=["kind", "codes", "size", "n_documents"],
    )
    records.write_table(sets, layout.CODE_SETS, records.CODE_SETS)
    synthetic = coded.reports(130, 14, "synthetic").assign(step="dpo1", seed=1, prompt="écris")
    synthetic["keywords"] = [[code] for code in coded.WORDS["I10"][:1] * 130]
    records.write_table(synthetic, layout.synthetic_reports("dpo1"), records.SYNTHETIC)
    keyed = scored.keyed()
    keyed["text"] += f"\n{CANARY}"
    records.write_table(keyed, layout.KEYED, records.KEYED)
    records.write_table(scored.prompts(), layout.PROMPTS, records.PROMPTS)
    records.write_table(scored.codes(), layout.CODES, records.CODES)
    candidates(("p0", 0, scored.PRIVATE[0]), ("p0", 1, "HTA"), ("p1", 0, "BPCO"), ("p1", 1, ""))
    return recorded


def write_params(sizes: list[int], **fidelity: float | None) -> None:
    params = read_yaml(ROOT / "params.yaml")
    params["runtime"]["threads"] = 1
    params["classify"] |= {"sizes": sizes, "top_k": [3, 6], "seeds": [0, 1]}
    params["score"]["evaluator"]["local"]["lsa_dimensions"] = 4
    params["fidelity"] |= fidelity
    params["train_coder"]["seeds"] = []
    Path("params.yaml").write_text(json.dumps(params))


def keep_coders(epochs: int) -> None:
    """The parameters with a tiny coder that is kept."""
    folder = Path("models/tiny")
    tiny.model().save_pretrained(folder)
    tiny.tokenizer().save_pretrained(folder)
    params = json.loads(Path("params.yaml").read_text())
    own = {"model": folder.as_posix(), "watch": folder.as_posix(), "epochs": epochs, "seeds": [0]}
    params["train_coder"] |= own | {"learning_rate": 0.01}
    Path("params.yaml").write_text(json.dumps(params))


def candidates(*rows: tuple[str, int, str]) -> None:
    frame = scored.candidates(*rows).assign(
        seed=1, temperature=1.0, top_p=1.0, n_tokens=9, finish_reason="stop"
    )
    records.write_table(frame, layout.candidates("dpo1"), records.CANDIDATES)
    judgements = scored.judgements(frame)
    records.write_table(judgements, layout.judgements("dpo1"), records.JUDGEMENTS)
    similar = scored.similarities(frame)
    records.write_table(similar, layout.similarities("dpo1"), records.SIMILARITIES)


def invoke(stage: str, *arguments: str) -> Result:
    return CliRunner().invoke(import_module(f"stages.{stage}").app.typer, list(arguments))


def metrics(stage: str, item: str | None = None) -> Any:
    return json.loads(layout.metrics(stage, item).read_text())


def test_score(checkout: Recorded) -> None:
    result = invoke("score", "dpo1")
    assert result.exit_code == 0, result.output
    table = records.read_table(layout.private_scores("dpo1"), records.SCORES)
    assert table[["prompt_id", "candidate"]].to_numpy().tolist() == [
        ["p0", 0], ["p0", 1], ["p1", 0], ["p1", 1],
    ]  # fmt: skip
    assert table["total"][0] > table["total"][1]
    assert metrics("score", "dpo1") == {"candidates": 4, "prompts": 2, "unjudged": 0}
    assert layout.private_scores("dpo1").stat().st_mode & 0o77 == 0  # its owner's alone
    assert not layout.scores("dpo1").exists()


def test_release_with_noise(checkout: Recorded) -> None:
    params = json.loads(Path("params.yaml").read_text())
    params["score"]["release"] = "population"
    params["score"]["evaluator"]["local"]["fit"] = "public"
    params["score"]["dp"] |= {"stratum": "codes", "epsilon": 2.0}
    Path("params.yaml").write_text(json.dumps(params))
    assert invoke("score", "dpo1").exit_code == 0
    result = invoke("release", "dpo1")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "data/private/secret.key is missing" in result.stderr
    assert not layout.scores("dpo1").exists()
    make_secret()
    assert invoke("release", "dpo1").exit_code == 0
    first = layout.scores("dpo1").read_bytes()
    told = metrics("release", "dpo1")["dp"]
    assert (told["ledger_entry"], told["neighbours"]) == (1, {"add_remove": 1})
    result = invoke("release", "dpo1")
    assert "at no cost" in result.stdout
    assert layout.scores("dpo1").read_bytes() == first
    assert metrics("release", "dpo1")["dp"] == told
    keyed = records.read_table(layout.KEYED, records.KEYED)
    nameless = keyed.drop(columns="patient_id")
    records.write_table(nameless, layout.KEYED, records.KEYED)
    result = invoke("release", "dpo1")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "no private document says whom it is about" in result.stderr
    records.write_table(keyed, layout.KEYED, records.KEYED)
    # a new secret and an empty ledger: what was released shows that there was another
    for name in ("secret.key", "secret.head", "ledger.jsonl"):
        (layout.PRIVATE / name).unlink()
    make_secret()
    layout.metrics("release", "dpo1").unlink()  # as DVC does before the stage runs
    result = invoke("release", "dpo1")
    assert "has 0 entries, and earlier releases speak of 1" in result.stderr
    assert str(layout.LEDGER_MARK) in result.stderr
    assert not layout.metrics("release", "dpo1").exists()


@pytest.mark.parametrize("way", ["order", "raw"])
def test_release(checkout: Recorded, way: str) -> None:
    params = json.loads(Path("params.yaml").read_text())
    params["score"]["release"] = way
    Path("params.yaml").write_text(json.dumps(params))
    result = invoke("release", "dpo1")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "data/private/rounds/dpo1/scores.parquet is missing" in result.stderr
    assert invoke("score", "dpo1").exit_code == 0
    result = invoke("release", "dpo1")
    assert result.exit_code == 0, result.output
    released = pd.read_parquet(layout.scores("dpo1"))
    told = layout.metrics("release", "dpo1").read_text() + str(list(released.dropna(axis=1)))
    assert ("similarity" in told) == ("leave as numbers" in result.stdout) == (way == "raw")
    assert ("best" in told) == ("dropped_single" in result.stdout) == (way == "order")
    assert "bleu" not in told and "keyword_recall" not in told  # no weight: in nothing that leaves
    assert records.read_table(layout.private_scores("dpo1"), records.SCORES)["bleu"].notna().all()


def test_scores_of_other_candidates_let_nothing_out(checkout: Recorded) -> None:
    assert invoke("score", "dpo1").exit_code == 0
    candidates(("p0", 0, "HTA"), ("p0", 1, "HTA"), ("p1", 0, "BPCO"))
    result = invoke("release", "dpo1")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "is scored but not among the candidates" in result.stderr
    assert not layout.scores("dpo1").exists() and not layout.metrics("release", "dpo1").exists()


def test_score_without_documents(checkout: Recorded) -> None:
    params = json.loads(Path("params.yaml").read_text())
    params["score"]["evaluator"]["kind"] = "discriminator"
    params["score"]["control"] = "shuffled"
    Path("params.yaml").write_text(json.dumps(params))
    result = invoke("score", "dpo1")
    assert result.exit_code == 0, result.output
    measures = metrics("score", "dpo1")
    assert measures["control"] == {"shuffled": 1}
    assert measures["discriminator"]["auc"] is None  # of six reports nothing is told
    written = [layout.private_scores("dpo1"), layout.metrics("score", "dpo1")]
    assert not [path for path in written if CANARY.encode() in path.read_bytes()]


def similarity_judge(weight: float = 1.0, **values: Any) -> None:
    params = json.loads(Path("params.yaml").read_text())
    params["similarity_judge"] |= {"watch": values.get("model", "models/README.md")} | values
    params["score"]["weights"]["similarity_judge"] = weight
    Path("params.yaml").write_text(json.dumps(params))


def test_without_a_similarity_judge_all_is_null(checkout: Recorded) -> None:
    layout.similarities("dpo1").unlink()
    result = invoke("score", "dpo1")
    assert result.exit_code == 1 and "similarities.parquet is missing" in result.stderr
    result = invoke("similarity_judge", "dpo1")
    assert result.exit_code == 0, result.output
    table = records.read_table(layout.similarities("dpo1"), records.SIMILARITIES)
    assert len(table) == 4 and table["similarity"].isna().all()
    assert layout.similarities("dpo1").stat().st_mode & 0o77 == 0  # its owner's alone
    assert metrics("similarity_judge", "dpo1") == {"candidates": 4, "blank": 1, "judged": 0}
    assert invoke("score", "dpo1").exit_code == 0
    similarity_judge(model="nowhere")  # the control
    result = invoke("similarity_judge", "dpo1")
    assert result.exit_code == 1 and "similarity_judge.model: 'nowhere' is neither" in result.stderr


def test_score_with_a_similarity_judge(checkout: Recorded) -> None:
    model = tiny.save_model(Path("judge"), context=6000)
    similarity_judge(model=str(model), batch_size=4, max_new_tokens=30)
    said = []
    for stage in ("similarity_judge", "score", "release"):
        result = invoke(stage, "dpo1")
        assert result.exit_code == 0, result.output
        said.append(result.output)
    table = records.read_table(layout.private_scores("dpo1"), records.SCORES)
    assert table["similarity_judge"].notna().all()
    expected = (table["similarity"] + table["similarity_judge"]) / 2
    assert table["total"].tolist() == pytest.approx(expected.tolist(), abs=1e-6)
    assert metrics("similarity_judge", "dpo1")["questions"] == 3
    own = layout.scratch("similarity_judge", "dpo1")
    assert not own.exists() and not layout.MERGED.exists()
    written = [path for folder in ("data", "metrics") for path in Path(folder).rglob("*.*")]
    searched = [path for path in written if path.is_file() and path != layout.KEYED]
    searched = [path for path in searched if path.parent != layout.PRIVATE]
    assert layout.similarities("dpo1") in searched and layout.scores("dpo1") in searched
    told = [*said, repr(checkout.calls), *(text_of(path) for path in searched)]
    assert CANARY not in "".join(told)
    assert CANARY in text_of(layout.KEYED)  # negative control: found where it is


def text_of(path: Path) -> str:
    if path.suffix == ".parquet":
        return str(pd.read_parquet(path).to_csv())
    return path.read_text("utf-8")


def test_a_similarity_judge_that_fails_leaves_no_private_text(checkout: Recorded) -> None:
    model = tiny.save_model(Path("judge"), context=6000)
    similarity_judge(model=str(model), batch_size=4, max_new_tokens=4)
    layout.similarities("dpo1").unlink()
    result = invoke("similarity_judge", "dpo1")
    assert result.exit_code == 1 and "(3 were cut at similarity_judge.max_new" in result.stderr
    own = layout.scratch("similarity_judge", "dpo1")
    kept = list(own.rglob("*.json"))
    assert len(kept) == 2 and not layout.similarities("dpo1").exists()
    assert own.stat().st_mode & 0o77 == 0
    assert CANARY not in "".join([result.output, *(path.read_text("utf-8") for path in kept)])


def test_a_similarity_judge_wants_the_device(
    checkout: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "gpu_memory", lambda: [])
    params = json.loads(Path("params.yaml").read_text())
    params["runtime"]["device"] = "cuda"
    Path("params.yaml").write_text(json.dumps(params))
    assert invoke("similarity_judge", "dpo1").exit_code == 0  # the control: no judge, no device
    similarity_judge(weight=0.0, model="nowhere")
    result = invoke("similarity_judge", "dpo1")
    assert result.exit_code == 1 and "runtime.device is 'cuda'" in result.stderr
    assert invoke("score", "dpo1").exit_code == 0  # the score asks no model
    similarity_judge(engine="openai", base_url="http://10.0.0.7/v1")
    result = invoke("similarity_judge", "dpo1")
    assert result.exit_code == 1 and "'10.0.0.7' is not on this machine" in result.stderr


def test_score_of_unknown_prompts_writes_nothing(checkout: Recorded) -> None:
    candidates(("p0", 0, "HTA"), ("stranger7", 0, "HTA"))
    result = invoke("score", "dpo1")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1 and "'stranger7'" in result.stderr
    assert not layout.private_scores("dpo1").exists()
    assert not layout.metrics("score", "dpo1").exists()


def test_classify_and_reference(checkout: Recorded) -> None:
    for stage, arguments in (("classify", ["dpo1"]), ("reference", [])):
        result = invoke(stage, *arguments)
        assert result.exit_code == 0, result.output
    step = metrics("classify", "dpo1")["size=120"]["top_k=6"]
    [cells] = [call[1] for call in checkout.calls if call[0] == "log_cells"]
    assert len(cells) == 2 * 2 * 2 * 2  # sizes, top k, seeds, evaluations
    one = {"size": 120, "top_k": 6, "evaluation": "unbiased"}
    by_seed = [figures["macro_f1"] for which, figures in cells if one.items() <= which.items()]
    assert np.mean(by_seed) == pytest.approx(step["macro_f1"]["mean"])
    reference = metrics("reference")
    assert step["macro_f1"]["mean"] > 0.7
    assert set(reference) == {"public_seed", "private_train", "mixed_public"}
    assert reference["private_train"]["size=120"]["top_k=6"]["macro_f1"]["mean"] > 0.7
    assert reference["public_seed"]["size=60"]["top_k=6"]["trained_reports"]["mean"] == 48
    assert set(reference["public_seed"]) == {"size=60"}  # of 100 reports: no row for 120
    assert step["labels"]["mean"] == 6


def test_classify_with_too_few_reports(checkout: Recorded) -> None:
    write_params(sizes=[60, 131])
    result = invoke("classify", "dpo1")
    assert result.exit_code == 1 and "lower classify.sizes" in result.stderr


def test_augment_noise_and_errors(checkout: Recorded) -> None:
    params = json.loads(Path("params.yaml").read_text())
    params["augment"] |= {"real": [40], "synthetic_shares": [0.5]}
    params["noise"]["shares"] = [0.5]
    params["errors"] |= {"bins": 2, "resamples": 20}
    Path("params.yaml").write_text(json.dumps(params))
    result = invoke("errors", "dpo1")
    assert result.exit_code == 1 and "data/private/decisions.parquet is missing" in result.stderr
    before = [("reference", []), ("classify", ["dpo1"]), ("augment", ["dpo1"])]
    for stage, arguments in [*before, ("noise", []), ("errors", ["dpo1"])]:
        result = invoke(stage, *arguments)
        assert result.exit_code == 0, result.output
    mixed = metrics("augment", "dpo1")["mixed"]["synthetic_share=0.5"]["size=40"]["top_k=6"]
    assert mixed["trained_reports"]["mean"] == 32 + 32
    public = metrics("reference")["mixed_public"]["public_share=0.5"]["size=40"]["top_k=6"]
    assert public["trained_reports"] == mixed["trained_reports"]
    minus = metrics("augment", "dpo1")["minus_public"]["synthetic_share=0.5"]["size=40"]["top_k=6"]
    apart = mixed["macro_f1"]["mean"] - public["macro_f1"]["mean"]
    assert minus["macro_f1"]["difference"]["mean"] == pytest.approx(apart, abs=1e-6)
    assert layout.kept_answers(layout.MIXED_PUBLIC).stat().st_mode & 0o77 == 0
    assert metrics("augment", "dpo1")["relabelled"]["kept_labels"] > 0.5
    assert layout.DECISIONS.stat().st_mode & 0o77 == 0  # its owner's alone
    assert len(records.read_table(layout.DECISIONS, records.DECISIONS)) == 3 * 2 * 150
    noise, errors = metrics("noise"), metrics("errors", "dpo1")
    assert noise["equal_budget"] == 0
    assert noise["none"]["macro_f1"]["mean"] > noise["spread"]["share=0.5"]["macro_f1"]["mean"]
    assert (errors["size"], errors["top_k"], errors["documents"]) == (120, 6, 150)
    assert set(errors["curves"]) == {"frequency", "length"}
    assert set(errors["noise"]["kind"]) == {"none", "spread", "concentrated"}
    assert errors["real"]["profile"]["true_total"] == errors["synthetic"]["profile"]["true_total"]


def test_compare_reads_what_classify_and_reference_kept(checkout: Recorded) -> None:
    params = json.loads(Path("params.yaml").read_text())
    params["steps"], params["rounds"] = ["step0", "dpo1"], {"dpo1": params["rounds"]["dpo1"]}
    Path("params.yaml").write_text(json.dumps(params))
    worse = records.read_table(layout.synthetic_reports("dpo1"), records.SYNTHETIC)
    worse["codes"] = [*worse["codes"][1:], worse["codes"][0]]  # another report's
    records.write_table(worse, layout.synthetic_reports("step0"), records.SYNTHETIC)
    result = invoke("compare")
    assert result.exit_code == 1 and "data/private/judged/step0.npz is missing" in result.stderr
    for stage, arguments in (("reference", []), ("classify", ["step0"]), ("classify", ["dpo1"])):
        assert invoke(stage, *arguments).exit_code == 0
    assert layout.kept_answers("dpo1").stat().st_mode & 0o77 == 0  # its owner's alone
    result = invoke("compare")
    assert result.exit_code == 0, result.output
    found = metrics("compare")
    assert "dpo1 - step0" in found["differences"]
    told = found["differences"]["dpo1 - step0"]["macro_f1"]["difference"]["mean"]
    cell = (f"size={found['size']}", f"top_k={found['top_k']}", "macro_f1")
    after, before = (
        metrics("classify", step)[cell[0]][cell[1]][cell[2]]["mean"] for step in ("dpo1", "step0")
    )
    assert told == pytest.approx(after - before, abs=1e-6) and told > 0.1


def test_a_coder_that_is_kept_is_judged_and_compared(checkout: Recorded) -> None:
    keep_coders(epochs=8)
    params = json.loads(Path("params.yaml").read_text())
    params |= {"rounds": {"dpo1": params["rounds"]["dpo1"]}, "steps": ["step0", "dpo1"]}
    Path("params.yaml").write_text(json.dumps(params))
    worse = records.read_table(layout.synthetic_reports("dpo1"), records.SYNTHETIC)
    worse["codes"] = [*worse["codes"][1:], worse["codes"][0]]  # another report's
    records.write_table(worse, layout.synthetic_reports("step0"), records.SYNTHETIC)
    result = invoke("judge_coder", "dpo1")
    assert result.exit_code == 1 and "models/coder/dpo1 is missing" in result.stderr
    steps = ("step0", "dpo1")
    per_step = [(stage, [step]) for step in steps
                for stage in ("classify", "train_coder", "judge_coder")]  # fmt: skip
    once = [("reference", []), ("reference_coder", []), ("compare", [])]
    for stage, arguments in [*per_step, *once]:
        result = invoke(stage, *arguments)
        assert result.exit_code == 0, result.output
    good, bad = (metrics("judge_coder", step)["size=120"]["top_k=6"] for step in ("dpo1", "step0"))
    assert good["macro_f1"]["mean"] > bad["macro_f1"]["mean"] + 0.1  # the control: step0
    assert good["trained_reports"]["mean"] == 96
    references = metrics("reference_coder")
    assert set(references["private_train"]) == {"size=120"}
    assert references["public_seed"] == {}  # 100 reports are too few
    told = metrics("compare")["train_coder"]["differences"]["dpo1 - step0"]["macro_f1"]
    assert told["difference"]["mean"] == pytest.approx(
        good["macro_f1"]["mean"] - bad["macro_f1"]["mean"], abs=1e-6
    )
    assert layout.kept_answers("dpo1", "train_coder").stat().st_mode & 0o77 == 0
    shown = records.read_table(layout.evidence("dpo1"), records.EVIDENCE)
    assert shown["report_id"].nunique() == 3 and shown["rank"].max() <= 4


def test_linkage_of_a_round_too_small_to_attack(checkout: Recorded) -> None:
    for stage in ("score", "release", "pair", "linkage"):
        result = invoke(stage, "dpo1")
        assert result.exit_code == 0, result.output
    found = metrics("linkage", "dpo1")
    # "by_scores" and the like are there for 20 documents and more
    assert set(found) == {"round_texts", "verdict", "tests"}
    assert found["round_texts"]["chosen"]["own"] == 1  # of one pair, which copies its document
    assert found["tests"]["round_texts"]["train"] == 1


def test_linkage_of_sums_over_the_corpus(checkout: Recorded) -> None:
    """They lie beside the private scores, whatever is released."""
    params = json.loads(Path("params.yaml").read_text())
    params["score"]["release"] = "population"
    params["score"]["evaluator"]["local"]["fit"] = "public"
    params["score"]["dp"] |= {"stratum": "codes"}
    Path("params.yaml").write_text(json.dumps(params))
    for stage in ("score", "release", "pair", "linkage"):
        result = invoke(stage, "dpo1")
        assert result.exit_code == 0, result.output
    assert metrics("linkage", "dpo1")["round_texts"]["chosen"]["own"] == 1


def test_privacy_and_fidelity(checkout: Recorded) -> None:
    write_params([60, 120], min_keyword_recall=None, min_code_recall=None, max_wrong_codes=None)
    for stage in ("privacy", "fidelity"):
        result = invoke(stage, "dpo1")
        assert result.exit_code == 0, result.output
    privacy, fidelity = metrics("privacy", "dpo1"), metrics("fidelity", "dpo1")
    assert {"train", "holdout", "gap", "verdict", "tests"} <= set(privacy)
    assert privacy["verdict"] < 2 and privacy["tests"]["copied_runs"]["detection"]["verbatim"]
    limits = layout.plot("privacy", "dpo1", "detection").read_text()
    assert limits.startswith("test,copied,reports,found\ncopied_runs,verbatim,")
    assert abs(privacy["gap"]["containment"]) < 0.05
    assert fidelity["documents"] == {
        "real": 150, "synthetic": 130, "difference": 20, "real_difference": 0,
    }  # fmt: skip
    assert 0 < fidelity["keyword_recall"]["synthetic"] < 1
    assert 0 <= fidelity["faithfulness"]["code_recall"] < 0.9  # the demo's grammar did not write it
    assert set(fidelity["faithfulness_floor"]) == set(fidelity["faithfulness_real"])
    assert figures.unknown({"fidelity": fidelity}, ["fidelity"]) == []  # all of it may leave


def test_fidelity_stops_a_step_that_has_collapsed(checkout: Recorded) -> None:
    result = invoke("fidelity", "dpo1")
    assert result.exit_code == 1 and "The data set of dpo1 has collapsed" in result.stderr
    assert "fidelity.min_code_recall" in result.stderr


def test_a_data_set_that_copies_train_is_caught(checkout: Recorded) -> None:
    """Negative control."""
    train = records.read_table(layout.PRIVATE_TRAIN, records.REPORTS)
    copied = train.assign(step="dpo2", seed=1, prompt="écris", keywords=[["HTA"]] * len(train))
    records.write_table(copied, layout.synthetic_reports("dpo2"), records.SYNTHETIC)
    assert invoke("privacy", "dpo2").exit_code == 0
    gap = metrics("privacy", "dpo2")["gap"]
    assert gap["containment"] > 0.5 and gap["report_share"]["low"] > 0
    assert metrics("privacy", "dpo2")["verdict"] == 2
    shown = layout.review("dpo2") / "index.html"
    assert CANARY in shown.read_text("utf-8") and shown.stat().st_mode & 0o77 == 0


def test_no_private_text_leaves(checkout: Recorded) -> None:
    """What the stages write outside data/private, log and print holds no private word."""
    printed = []
    stages = (
        *("similarity_judge", "score", "release", "pair", "linkage"),
        *("classify", "train_coder", "judge_coder", "augment", "errors", "privacy", "fidelity"),
    )
    keep_coders(epochs=1)
    once = [("reference", []), ("reference_coder", []), ("noise", [])]
    for stage, arguments in [*once, *((stage, ["dpo1"]) for stage in stages)]:
        printed.append(invoke(stage, *arguments).output)
    written = [
        path for path in Path().rglob("*") if path.is_file() and layout.PRIVATE not in path.parents
    ]
    for path in written:
        assert CANARY.encode() not in path.read_bytes(), path
        if path.suffix == ".parquet":
            assert CANARY not in pd.read_parquet(path).to_csv()
    assert CANARY not in "".join(printed) and CANARY not in repr(checkout.calls)
    private = pd.read_parquet(layout.PRIVATE_TRAIN).to_csv()
    assert CANARY in private  # negative control: the search finds it where it is
    names = {call[1].as_posix() for call in checkout.calls if call[0] == "log_input"}
    assert not [name for name in names if name.startswith(layout.PRIVATE.as_posix())]


@pytest.mark.parametrize("missing", [layout.PRIVATE_HOLDOUT, layout.CODE_SETS])
def test_a_missing_table_is_told(checkout: Recorded, missing: Path) -> None:
    missing.unlink()
    result = invoke("classify", "dpo1")
    assert result.exit_code == 1 and missing.as_posix() in result.stderr
    assert not layout.metrics("classify", "dpo1").exists()


@pytest.mark.parametrize(
    "stage",
    [
        *("similarity_judge", "score", "release", "linkage"),
        *("reference", "classify", "compare", "augment", "noise", "errors", "privacy", "fidelity"),
        *("train_coder", "judge_coder", "reference_coder"),
    ],
)
def test_help_imports_nothing_heavy(stage: str) -> None:
    heavy = "{'torch', 'sklearn', 'scipy', 'pandas', 'pyarrow', 'numpy', 'mlflow'}"
    code = f"import sys, stages.{stage}; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_privacy_and_fidelity_start_fast() -> None:
    code = (
        "import sys\nfrom synthfr import fidelity, records, scoring\n"
        "from synthfr.privacy import examination, rewording\n"
        "assert not {'torch', 'sklearn', 'scipy.stats', 'spacy', 'sacrebleu'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_patient_on_both_private_sides_is_refused_by_every_stage_that_reads_both(
    checkout: Recorded,
) -> None:
    for path, first in ((layout.PRIVATE_TRAIN, 0), (layout.PRIVATE_HOLDOUT, 149)):
        side = records.read_table(path, records.REPORTS)
        patients = [f"{CANARY}-{first + row}" for row in range(len(side))]
        records.write_table(side.assign(patient_id=patients), path, records.REPORTS)
    stages = ("reference", "reference_coder", "noise")
    of_step = ("augment", "errors", "fidelity", "privacy")
    for stage in (*((one,) for one in stages), *((one, "dpo1") for one in of_step)):
        result = invoke(*stage)
        assert result.exit_code == 1, stage
        assert "1 patient(s) have reports in both data/private/train.parquet and" in result.output
        assert "Traceback" not in result.output and CANARY not in result.output
    assert invoke("classify", "dpo1").exit_code == 0  # the control: it reads one side


def test_of_the_original_nothing_is_told_where_it_drops_few(
    checkout: Recorded,
) -> None:
    def told(fewest: int) -> set[str]:
        params = json.loads(Path("params.yaml").read_text())
        params["keywords"]["min_documents"] = fewest
        Path("params.yaml").write_text(json.dumps(params))
        assert invoke("classify", "dpo1").exit_code == 0
        return set(metrics("classify", "dpo1")["size=120"]["top_k=3"].get("original", {}))

    assert told(1) >= {"evaluated_reports"} and told(100) == set()
