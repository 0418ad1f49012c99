"""Coders on real reports: how well do they learn, and do the controls fail?

``SYNTHFR_TEST_DATA=FOLDER python -m benchmarks.coding [CORPUS ...] [--plm-icd MODEL]``

FOLDER has, as far as they are asked for, fr_codiesp_icd10_train.parquet (`codiesp-fr`),
en_codiesp_train.parquet (`codiesp-en`) and ru_rumedtop3_train_dev.parquet (`rumedtop3`).

CodiEsp: the ICD-10 categories that at least 10 documents have. Five folds; two cases of one
article, which may share a patient, are in one fold. Each fold is coded by a coder that has seen
none of it: thresholds are learnt on a part of the other folds that nothing else is trained on,
which each seed draws anew. Macro-F1 is the mean over all labels of the space. Figures of all
documents together, means over seeds; limits by the bootstrap over documents crossed with seeds.

RuMedTop3: one category a document. Trained on `train`, judged on `dev`: the share of documents
whose category is the best ranked one, or among the best three, with Wilson's limits. Nothing is
decided, so no threshold is learnt and no report held out for it.

Controls, all of which a coder has to beat: the first coder of the table, trained on reports that
have each other's codes; the label prior, which ranks all labels by how many training documents have
them, the same for every document, its threshold the best for the training documents themselves; and
every label for every document, which by macro-F1 is hardest to beat, as rare labels count like
frequent ones there.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import numpy as np
import typer

from benchmarks.coding import judging
from benchmarks.coding.judging import FOLDS, MIN_DOCUMENTS, Setup
from synthfr.coding import decisions
from synthfr.coding.coders import CoderSettings
from synthfr.coding.judged import Judged
from synthfr.stats import Interval

if TYPE_CHECKING:
    import pandas as pd

Found = TypeVar("Found")

# file, and its column of codes
CODIESP = {
    "codiesp-fr": ("fr_codiesp_icd10_train", "codes_cat3"),
    "codiesp-en": ("en_codiesp_train", "codes_cat3"),
}
RUMEDTOP3 = "rumedtop3"
RUMEDTOP3_FILE = "ru_rumedtop3_train_dev"
MEASURED = ("macro_f1", "micro_f1", "map_document")
TFIDF: dict[str, dict[str, Any]] = {
    "tfidf": {},
    "tfidf, characters": {"char_ngrams": [3, 5]},
    "tfidf, characters, logistic": {"char_ngrams": [3, 5], "model": "logistic"},
}
# For a tiny model and some hundred reports: one layer, and small batches, so that there are enough
# steps. Chosen among seven settings on a part of CodiEsp-FR's training reports of the first fold.
TINY_PLM_ICD = {
    "layers": 1,
    "learning_rate": 0.0005,
    "batch_size": 2,
    "device_batch_size": 2,
    "warmup_ratio": 0.1,
    "selection": "map",
    "epochs": 30,
    "patience": 30,
}


def main(
    corpora: Annotated[list[str] | None, typer.Argument(help="Which ones; none: all.")] = None,
    plm_icd: Annotated[
        Path | None, typer.Option(help="A tiny model, also judged as PLM-ICD on CodiEsp.")
    ] = None,
    plm_icd_tokens: Annotated[int, typer.Option(help="That it reads of a report.")] = 6000,
    only_plm_icd: Annotated[bool, typer.Option(help="No other coder.")] = False,
    control: Annotated[bool, typer.Option(help="The first coder, on permuted codes, too.")] = True,
    rule: Annotated[str, typer.Option(help="Decision rule.")] = "global_threshold",
    seeds: Annotated[int, typer.Option(min=1, help="Of the validation part.")] = 3,
    folds: Annotated[int, typer.Option(min=1, max=FOLDS, help="Judged, of five.")] = FOLDS,
    seed: Annotated[int, typer.Option(help="Of the folds and the bootstrap.")] = 0,
) -> None:
    """Print a table for each corpus."""
    if only_plm_icd and plm_icd is None:
        raise typer.BadParameter("--only-plm-icd wants --plm-icd MODEL")
    folder = Path(os.environ.get("SYNTHFR_TEST_DATA", ""))
    kinds: dict[str, dict[str, Any]] = (
        {} if only_plm_icd else {name: {"tfidf": how} for name, how in TFIDF.items()}
    )
    if plm_icd is not None:
        how = TINY_PLM_ICD | {"model": str(plm_icd), "max_length": plm_icd_tokens}
        kinds["plm_icd"] = {"kind": "plm_icd", "plm_icd": how}
    coders = {name: CoderSettings.model_validate(kind) for name, kind in kinds.items()}
    with tempfile.TemporaryDirectory() as scratch:
        setup = Setup(_rule(rule), range(seeds), folds, seed, Path(scratch))
        for corpus in corpora or [*CODIESP, RUMEDTOP3]:
            if corpus == RUMEDTOP3:
                linear = {name: how for name, how in coders.items() if how.kind == "tfidf"}
                if linear:
                    reports = judging.rumedtop3(_file(folder, RUMEDTOP3_FILE))
                    _print_rankings(reports, linear, setup, control)
            elif corpus in CODIESP:
                file, codes = CODIESP[corpus]
                reports = judging.codiesp(_file(folder, file), codes)
                _print_decisions(corpus, reports, coders, setup, control)
            else:
                raise typer.BadParameter(f"no corpus {corpus}: {[*CODIESP, RUMEDTOP3]}")


def _print_decisions(
    name: str,
    reports: pd.DataFrame,
    coders: dict[str, CoderSettings],
    setup: Setup,
    control: bool,
) -> None:
    space = judging.space_of(reports["codes"].tolist())
    print(
        f"\n{name}: {len(reports)} documents of {reports['article'].nunique()} articles, "
        f"{len(space)} categories with {MIN_DOCUMENTS} or more of them; {setup.folds} of {FOLDS} "
        f"folds judged, {len(setup.seeds)} seeds; {setup.rule}"
    )

    def line(what: str, answers: Sequence[Judged], seconds: float) -> None:
        figures = [judging.with_limits(answers, metric, setup.random_seed) for metric in MEASURED]
        _print_line(what, dict(zip(MEASURED, figures, strict=True)), seconds)

    prior: list[Judged] = []
    for what, how in coders.items():
        seconds, (answers, prior) = _timed(
            partial(judging.cross_validated, reports, space, how, setup)
        )
        line(what, answers, seconds)
    if control:
        what, how = next(iter(coders.items()))
        seconds, (answers, _) = _timed(
            partial(judging.cross_validated, reports, space, how, setup, permuted=True)
        )
        line(f"{what}, codes permuted", answers, seconds)
    line("label prior", prior, 0.0)
    all_given = [replace(one, decided=np.ones_like(one.decided)) for one in prior]
    line("every label", all_given, 0.0)


def _print_rankings(
    reports: pd.DataFrame, coders: dict[str, CoderSettings], setup: Setup, control: bool
) -> None:
    parts = reports["split"].value_counts()
    print(f"\n{RUMEDTOP3}: trained on {parts['train']} documents, judged on {parts['dev']} of dev")

    def line(what: str, found: dict[int, Interval], seconds: float) -> None:
        _print_line(what, {f"acc@{k}": one for k, one in found.items()}, seconds)

    prior: dict[int, Interval] = {}
    for what, how in coders.items():
        seconds, (found, prior) = _timed(partial(judging.rankings, reports, how, setup))
        line(what, found, seconds)
    if control:
        what, how = next(iter(coders.items()))
        seconds, (found, _) = _timed(partial(judging.rankings, reports, how, setup, permuted=True))
        line(f"{what}, codes permuted", found, seconds)
    line("label prior", prior, 0.0)


def _print_line(what: str, figures: dict[str, Interval], seconds: float) -> None:
    told = "  ".join(
        f"{name} {100 * one.mean:5.2f} [{100 * one.low:5.2f}, {100 * one.high:5.2f}]"
        for name, one in figures.items()
    )
    print(f"  {what:28} {told}  {seconds:6.0f} s CPU", flush=True)


def _timed(work: Callable[[], Found]) -> tuple[float, Found]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def _rule(name: str) -> decisions.Rule:
    for rule in decisions.RULES:
        if rule == name:
            return rule
    raise typer.BadParameter(f"no decision rule {name}: {', '.join(decisions.RULES)}")


def _file(folder: Path, name: str) -> Path:
    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise SystemExit(f"SYNTHFR_TEST_DATA is '{folder}', which has no {name}.parquet.")
    return path


if __name__ == "__main__":
    typer.run(main)
