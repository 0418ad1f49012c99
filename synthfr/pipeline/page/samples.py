"""Samples of the page: one request as every step answered it, and the words behind its codes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr import seeding
from synthfr.pipeline.page.numbers import short

if TYPE_CHECKING:
    import pandas as pd


def load(
    tables: Mapping[str, Path], n: int, random_seed: int
) -> list[list[tuple[str, Mapping[str, Any]]]]:
    """`n` reports, each as every step wrote it: the same codes and keywords, another policy.

    `tables`: SYNTHETIC by step.
    """
    from synthfr.records import SYNTHETIC, read_table

    frames: dict[str, pd.DataFrame] = {
        step: read_table(path, SYNTHETIC).set_index("report_id") for step, path in tables.items()
    }
    if not frames or not n:
        return []
    common = set.intersection(*(set(frame.index) for frame in frames.values()))
    return [
        [(step, frame.loc[name]) for step, frame in frames.items()]
        for name in seeding.first(common, n, random_seed, "report")
    ]


def evidence(tables: Mapping[str, Path]) -> dict[tuple[str, str], list[str]]:
    """By step and report: for each code, how likely the kept coder finds it, and by which words.

    `tables`: EVIDENCE by step.
    """
    from synthfr.records import EVIDENCE, read_table

    found: dict[tuple[str, str], list[str]] = {}
    for step, path in tables.items():
        table = read_table(path, EVIDENCE)
        for (report_id, label), rows in table.groupby(["report_id", "label"], sort=False):
            words = zip(rows["word"], rows["share"], strict=True)
            told = ", ".join(f"{word} {short(share, 2)}" for word, share in words)
            likely = short(rows["probability"].iloc[0], 2)
            found.setdefault((step, str(report_id)), []).append(f"{label} ({likely}): {told}")
    return found
