"""What a pipeline run leaves for the report, made up: enough of every file, with known values."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthfr.disk import write_json
from synthfr.pipeline.page import Sources
from synthfr.records import EVIDENCE, SCORES, SYNTHETIC, write_table

STEPS = ("base", "step0", "dpo1", "dpo2", "dpo3")
ROUNDS = STEPS[2:]
SIZES, TOP_K = (250, 1000), (10, 20)
MACRO_F1 = {"base": 0.56, "step0": 0.5, "dpo1": 0.6, "dpo2": 0.65, "dpo3": 0.7}
KEPT_F1 = {"base": 0.51, "step0": 0.53, "dpo1": 0.63, "dpo2": 0.68, "dpo3": 0.73}
SCRIPT = "<script>alert('x')</script> & toux"  # a report may hold anything


def estimate(mean: float, half: float = 0.02) -> dict[str, float]:
    return {"mean": mean, "low": mean - half, "high": mean + half}


def grid(macro_f1: float) -> dict[str, Any]:
    """A coder's file: every cell the same but for 0.01 less a top k of 20."""
    return {
        f"size={size}": {
            f"top_k={top_k}": {
                "macro_f1": estimate(macro_f1 - 0.01 * (top_k == 20)),
                "map": estimate(macro_f1 + 0.1),
                "original": {
                    "macro_f1": estimate(macro_f1 + 0.2),
                    "rules": {"fixed_threshold": {"macro_f1": estimate(macro_f1 - 0.2)}},
                },
                "rules": {"top_k_mean": {"macro_f1": estimate(macro_f1 - 0.1)}},
            }
            for top_k in TOP_K
        }
        for size in SIZES
    }


def errors(f1: float) -> dict[str, Any]:
    """A step's file of errors: F1 of its coder and of the real one (.9); one bin is held back."""
    coders = {"synthetic": f1, "real": 0.9}
    return {
        **{name: {"profile": {"predicted_per_document": 3 * one}} for name, one in coders.items()},
        "curves": {
            axis: {
                "bin=1": {place: 10.0, **coders},
                "bin=2": None,
                "bin=3": {place: 30.0, **coders},
            }
            for axis, place in (("frequency", "frequency"), ("length", "words"))
        },
        "size": 1000,
        "top_k": 20,
    }


def make(root: Path) -> Sources:
    """Write the files of a whole run below `root`."""
    folders = ("metrics", "plots", "rounds", "synthetic", "evidence", "docs/seeds.json")
    sources = Sources(*(root / name for name in folders))
    for number, step in enumerate(STEPS):
        write_json(sources.metrics / "classify" / f"{step}.json", grid(MACRO_F1[step]))
        _write_fidelity(sources.metrics / "fidelity" / f"{step}.json", number)
        _write_privacy(sources.metrics / "privacy" / f"{step}.json", number)
        write_table(_reports(step), sources.synthetic / step / "reports.parquet", SYNTHETIC)
        write_json(sources.metrics / "judge_coder" / f"{step}.json", grid(KEPT_F1[step]))
        _write_evidence(sources.evidence / f"{step}.parquet")
        write_json(sources.metrics / "errors" / f"{step}.json", errors(MACRO_F1[step]))
    references = {"public_seed": grid(0.62), "private_train": grid(0.9)}
    write_json(sources.metrics / "reference.json", references)
    write_json(sources.metrics / "reference_coder.json", {"private_train": grid(0.95)})
    for number, one in enumerate(ROUNDS):
        write_json(sources.metrics / "generate" / f"{one}.json", {"candidates": 1000})
        released = {"total": {"mean": 0.4}, "spread": 0.1}
        write_json(sources.metrics / "release" / f"{one}.json", released)
        write_json(sources.metrics / "pair" / f"{one}.json", {"counts": {"pairs": 240}})
        write_json(sources.metrics / "dpo" / f"{one}.json", {"margin": 1.0, "accuracy": 0.9})
        write_table(_scores(number), sources.rounds / one / "scores.parquet", SCORES)
        _write_curve(sources.plots / "dpo" / "history" / f"{one}.csv")
    return sources


def seeds_record() -> dict[str, Any]:
    """A record over seeds 0 and 1 whose seed 0 is the run that `make` writes."""
    runs = {**MACRO_F1, "shuffled_scores": 0.55, "public_seed": 0.62, "private_train": 0.9}
    metrics: dict[str, Any] = {"macro_f1": {}, "map": {}}
    for name, value in runs.items():
        for size, below in grid(value).items():
            for top_k, cell in below.items():
                for metric, cells in metrics.items():
                    mean = cell[metric]["mean"]
                    cells.setdefault(f"{size}/{top_k}", {})[name] = [mean, mean + 0.01]
    return {
        "seeds": [0, 1],
        "steps": list(STEPS),
        "controls": {"shuffled_scores": "scores shuffled"},
        "commit": "abc1234",
        "metrics": metrics,
        "faithfulness": {"code_recall": {"shuffled_scores": [0.8, 0.9]}},
        "privacy": {"longest_run_gap": {"dpo3": [0.5, 0.7], "shuffled_scores": [0.1, 0.2]}},
    }


def _write_evidence(path: Path) -> None:
    """Of every report one word behind its code."""
    words: dict[str, Any] = {
        "report_id": [f"r{number}" for number in range(5)],
        "label": "E11",
        "rank": 0,
    }
    words |= {"probability": 0.97, "word": f"metformine {SCRIPT}", "share": 0.4}
    write_table(pd.DataFrame(words), path, EVIDENCE)


def _write_fidelity(path: Path, number: int) -> None:
    features = {"words_mean": 86.0 - 4 * number, "distinct_3": 0.5, "keyword_recall": 0.9}
    tree: dict[str, Any] = {name: {"synthetic": value} for name, value in features.items()}
    tree["words_mean"]["real"] = 75.0
    tree["faithfulness"] = {"code_recall": 0.5 + 0.1 * number, "left_out": 0.123}
    write_json(path, tree)


def _write_privacy(path: Path, number: int) -> None:
    side = {"containment": 0.01 * number, "longest_run_words": {"mean": 4.0, "max": 11}}
    gap = {"containment": 0.001, "report_share": estimate(0.001, 0.002)}
    verdict = {"verdict": number % 3, "tests": {"copied_runs": privacy_test(number % 3)}}
    write_json(path, {"train": side, "holdout": side, "gap": gap, **verdict})


def privacy_test(verdict: int) -> dict[str, Any]:
    """One test, as `synthfr.privacy.verdicts` writes it."""
    return {
        "train": 1.5,
        "holdout": 1.25,
        "difference": estimate(0.25, 0.5),
        "risk": 0,
        "detection": {"verbatim": 5, "reworded": None},
        "verdict": verdict,
    }


def _reports(step: str) -> pd.DataFrame:
    rows = [
        {
            "report_id": f"r{number}",
            "text": f"{step} écrit {number}: {SCRIPT}",
            "codes": ["I10", "E11"],
            "keywords": ["hypertension", "diabète"],
            "language": "fr",
            "step": step,
            "seed": number,
            "prompt": "p",
        }
        for number in range(5)
    ]
    return pd.DataFrame(rows)


def _scores(number: int) -> pd.DataFrame:
    rows = [
        {
            "prompt_id": f"p{prompt}",
            "candidate": candidate,
            "similarity": 0.1,
            "keyword_recall": None,
            "judge": None,
            "similarity_judge": None,
            "bleu": None,
            "total": 0.3 + 0.05 * number + 0.1 * ((prompt * 7 + candidate * 3) % 10) / 10,
        }
        for prompt in range(20)
        for candidate in range(4)
    ]
    unused = ("keyword_recall", "judge", "similarity_judge", "bleu")
    return pd.DataFrame(rows).astype(dict.fromkeys(unused, float))


def _write_curve(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "loss", "margin", "accuracy", "eval_loss"])
        for step in range(0, 60, 5):
            evaluated = round(0.69 - step / 200, 4) if step % 20 == 0 else ""
            writer.writerow([step, 0.69 - step / 150, step / 30, 0.5 + step / 150, evaluated])


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return make(tmp_path)
