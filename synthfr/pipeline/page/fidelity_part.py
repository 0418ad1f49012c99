"""The page's tables on fidelity: every distance of synthetic reports from real ones beside its
floor, what two real samples differ by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthfr.pipeline.page import baselines
from synthfr.pipeline.page.measured import Measured
from synthfr.pipeline.page.values import Table, at, below, figure, filled, with_limits

Titled = tuple[str, Table]  # a caption and its table

_DISTANCES = {  # title: path in the fidelity file, digits; each has "synthetic" and "floor"
    "words a report, largest gap of the distributions": ("distributions/words_per_report/ks", 2),
    "codes a report": ("distributions/codes_per_report/ks", 2),
    "numbers in 100 words": ("distributions/numbers_per_100_words/ks", 2),
    "negated mentions": ("distributions/negated_share/ks", 2),
    "section headings, Jensen-Shannon divergence": ("distributions/sections/js", 3),
    "codes": ("distributions/codes/js", 3),
    "pairs of codes": ("distributions/code_pairs/js", 3),
    "words": ("distributions/words/js", 3),
    "embeddings: Fréchet distance": ("embedding/frechet", 3),
    "precision (1 is best)": ("embedding/precision", 3),
    "recall (1 is best)": ("embedding/recall", 3),
    "density (1 is best)": ("embedding/density", 3),
    "coverage (1 is best)": ("embedding/coverage", 3),
    "MAUVE (1 is best)": ("embedding/mauve", 3),
    "a classifier tells them apart: AUC": ("discriminator/auc", 3),
}
_LEVELS = {  # title: path, digits; each has "real", "synthetic" and "floor"
    "self-BLEU": ("diversity/self_bleu", 3),
    "self-BLEU of reports with the same codes": ("diversity/same_codes_self_bleu", 3),
    "distinct word pairs": ("diversity/distinct_2_words", 3),
    "a real coder's probability of a report's codes": ("own_codes/probability", 3),
    "of codes that it does not have": ("own_codes/other_probability", 3),
    "pairs of the two in the right order": ("own_codes/ranked_right", 3),
    "F1 of its likeliest codes": ("own_codes/micro_f1", 3),
}


def load(measured: Measured, steps: Sequence[str]) -> list[Titled]:
    """Distances and levels of every step, and by what kinds of features a classifier tells the last
    one apart; only what was measured.
    """
    trees = {step: measured.of("fidelity", step) for step in steps}
    found = [
        (
            "How far each step's reports are from private holdout reports. Floor: private train "
            "reports from the holdout; nothing can be nearer.",
            _beside(trees, _DISTANCES, "floor"),
        ),
        (
            "Do reports repeat each other, and do they express the codes they carry? A figure "
            "above that of real reports is stereotype, not quality.",
            _beside(trees, _LEVELS, "real"),
        ),
        (
            "AUC of a classifier that sees one kind of features alone",
            _kinds(trees),
        ),
    ]
    return [(title, table) for title, table in found if table.rows]


def _beside(
    trees: Mapping[str, Mapping[str, Any]], paths: Mapping[str, tuple[str, int]], last: str
) -> Table:
    rows = []
    for title, (path, digits) in paths.items():
        cells = [with_limits(tree, f"{path}/synthetic", digits) for tree in trees.values()]
        rows.append((title, [*cells, _of_real(trees, f"{path}/{last}", digits)]))
    columns = [*map(baselines.title, trees), "floor" if last == "floor" else "private holdout"]
    return Table(columns, filled(rows))


def _of_real(trees: Mapping[str, Mapping[str, Any]], path: str, digits: int) -> str:
    """As the first step that has it says: it is of real reports, the same for all steps."""
    tree = next((one for one in trees.values() if below(one, path) is not None), {})
    return with_limits(tree, path, digits)


def _kinds(trees: Mapping[str, Mapping[str, Any]]) -> Table:
    kinds = {
        kind: None for tree in trees.values() for kind in below(tree, "discriminator/alone") or {}
    }
    rows = [
        (
            kind.replace("_", " "),
            [
                *(
                    figure(at(tree, f"discriminator/alone/{kind}/synthetic"), 3)
                    for tree in trees.values()
                ),
                _of_real(trees, f"discriminator/alone/{kind}/floor", 3),
            ],
        )
        for kind in kinds
    ]
    return Table([*map(baselines.title, trees), "floor"], filled(rows))
