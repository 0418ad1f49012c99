"""The page's tables on fidelity: every distance of synthetic reports from real ones beside its
floor, what two real samples differ by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthfr.pipeline.page import baselines, faithfulness_figures
from synthfr.pipeline.page.measured import Measured
from synthfr.pipeline.page.values import Table, at, below, figure, filled, with_limits

Titled = tuple[str, Table]  # a caption and its table
Trees = Mapping[str, Mapping[str, Any]]  # the fidelity file of each step

_DISTANCES = {  # title: path in the fidelity file, digits; each has "synthetic" and "floor"
    "words a report, largest gap of the distributions": ("distributions/words_per_report/ks", 2),
    "codes a report": ("distributions/codes_per_report/ks", 2),
    "numbers in 100 words": ("distributions/numbers_per_100_words/ks", 2),
    "negated mentions": ("distributions/negated_share/ks", 2),
    "embeddings: Fréchet distance": ("embedding/frechet", 3),
    "precision (1 is best)": ("embedding/precision", 3),
    "recall (1 is best)": ("embedding/recall", 3),
    "density (1 is best)": ("embedding/density", 3),
    "coverage (1 is best)": ("embedding/coverage", 3),
    "MAUVE (1 is best)": ("embedding/mauve", 3),
    "a classifier tells them apart: AUC": ("discriminator/auc", 3),
}
_KINDS = {  # the same of each kind of things: divergence, and what it cannot see
    title + part: (f"distributions/{kind}/{path}", 3)
    for title, kind in {
        "section headings": "sections",
        "codes": "codes",
        "pairs of codes": "code_pairs",
        "words": "words",
    }.items()
    for part, path in {
        "": "js",
        ": counted as one": "merged",
        ": of private holdout": "merged_real",
        ": hardly any holdout patient has": "apart",
    }.items()
}


@dataclass(frozen=True)
class Level:
    """Where a figure of synthetic reports, of private holdout, and what holdout and private train
    differ by, stand in the fidelity file.
    """

    synthetic: str
    real: str
    floor: str
    digits: int = 3


def _level(path: str, floor: str = "floor", digits: int = 3) -> Level:
    return Level(f"{path}/synthetic", f"{path}/real", f"{path}/{floor}", digits)


_FEATURES = {  # the first eight: Kiefer et al.
    title: _level(name, "real_difference", digits)
    for title, name, digits in (
        ("documents", "documents", 0),
        ("sentences", "sentences", 0),
        ("tokens", "tokens", 0),
        ("unique tokens", "unique_tokens", 0),
        ("sentences a document", "sentences_per_document", 2),
        ("tokens a document", "tokens_per_document", 1),
        ("tokens a sentence", "tokens_per_sentence", 2),
        ("unique tokens / tokens", "unique_token_ratio", 4),
        ("unique tokens / tokens at equal size", "unique_token_ratio_at_equal_size", 4),
        ("words a report, mean", "words_mean", 1),
        ("words a report, standard deviation", "words_sd", 1),
        ("words a report, median", "words_median", 1),
        ("distinct 3-grams at equal size", "distinct_3", 4),
        ("distinct texts, share", "distinct_texts", 3),
    )
}
_LEVELS = {
    "self-BLEU": _level("diversity/self_bleu"),
    "self-BLEU of reports with the same codes": _level("diversity/same_codes_self_bleu"),
    "distinct words": _level("diversity/distinct_1_words"),
    "distinct word pairs": _level("diversity/distinct_2_words"),
    "distinct word 4-grams": _level("diversity/distinct_4_words"),
    "a real coder's probability of a report's codes": _level("own_codes/probability"),
    "of codes that it does not have": _level("own_codes/other_probability"),
    "pairs of the two in the right order": _level("own_codes/ranked_right"),
    "F1 of its likeliest codes": _level("own_codes/micro_f1"),
} | {
    faithfulness_figures.title(name): Level(
        f"faithfulness/{name}", f"faithfulness_real/{name}", f"faithfulness_floor/{name}"
    )
    for name in faithfulness_figures.COLUMNS
}


def load(measured: Measured, steps: Sequence[str]) -> list[Titled]:
    """Distances, features and levels of every step, and by what kinds of features a classifier
    tells each apart; only what was measured.
    """
    trees = {step: measured.of("fidelity", step) for step in steps}
    found = [
        (
            "How far each step's reports are from private holdout reports. Floor: private train "
            "reports from the holdout, which is what two samples of real reports differ by. Nearer "
            "than that means nothing.",
            _distances(trees, _DISTANCES),
        ),
        (
            "Jensen-Shannon divergence of each step's reports from private holdout reports, by "
            "kind. Floor: as above. Below each what it cannot see. Counted as one: the share of "
            "the step (floor: of private train) whose kinds too few reports of one side have "
            "(keywords.min_documents) to be compared one by one; whichever they are, they count as "
            "the same. Where this share is large, a small divergence says little. Of private "
            "holdout: its share beside it. Where one of the two is missing, it is of too few "
            "patients to be told, and the divergence compares the other kinds alone. Hardly any "
            "holdout patient has: the share that the divergence counts as wholly different.",
            _distances(trees, _KINDS),
        ),
        (
            "The eight features of Kiefer et al., lengths and repetition. Floor: what private "
            "holdout and train reports differ by (of counts, mostly the sizes of the corpora).",
            _beside(trees, _FEATURES),
        ),
        (
            "Do reports repeat each other, and do they express the codes they carry? Floor: what "
            "private holdout and train reports differ by. Above private holdout by more than that "
            "is stereotype, not quality, in both self-BLEU, and in a real coder's probability of a "
            "report's codes, the right order and the F1. Of distinct words, pairs and 4-grams, and "
            "of codes that a report does not have, more is not stereotype.",
            _beside(trees, _LEVELS),
        ),
        (
            "AUC of a classifier that sees one kind of features alone (.5: it cannot tell)",
            _alone(trees),
        ),
    ]
    return [(title, table) for title, table in found if table.rows]


def _distances(trees: Trees, paths: Mapping[str, tuple[str, int]]) -> Table:
    rows = []
    for title, (path, digits) in paths.items():
        cells = [with_limits(tree, f"{path}/synthetic", digits) for tree in trees.values()]
        rows.append((title, [*cells, _of_real(trees, f"{path}/floor", digits)]))
    return Table([*map(baselines.title, trees), "floor"], filled(rows))


def _beside(trees: Trees, levels: Mapping[str, Level]) -> Table:
    rows = []
    for title, level in levels.items():
        cells = [figure(at(tree, level.synthetic), level.digits) for tree in trees.values()]
        floor = _first(trees, level.floor)
        real = figure(_first(trees, level.real), level.digits)
        cells += [real, figure(None if floor is None else abs(floor), level.digits)]
        rows.append((title, cells))
    return Table([*map(baselines.title, trees), "private holdout", "floor"], filled(rows))


def _first(trees: Trees, path: str) -> float | None:
    """As the first step that has it says: it is of real reports, the same for all steps."""
    found = (at(tree, path) for tree in trees.values())
    return next((value for value in found if value is not None), None)


def _of_real(trees: Trees, path: str, digits: int) -> str:
    """As `_first`, with limits where there are some."""
    tree = next((one for one in trees.values() if below(one, path) is not None), {})
    return with_limits(tree, path, digits)


def _alone(trees: Trees) -> Table:
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
