"""What `classify` and `reference` will see: the label space against the holdout, sizes against the
reports there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from synthfr import coding
from synthfr.coding import labels
from synthfr.coding.grid import check_labels
from synthfr.coding.real import check_real
from synthfr.errors import UserError
from synthfr.pipeline.data_fit.exported import Exported
from synthfr.pipeline.data_fit.fit import Fit, note, ok, stop

if TYPE_CHECKING:
    from synthfr.corpora.corpus import Corpus
    from synthfr.pipeline.parameters import Params

FEW = 5  # holdout reports with a code: below, its F1 moves by a fifth and more with each of them


def label_fits(corpus: Corpus, made: Exported, params: Params) -> Iterator[Fit]:
    """All that codes tell about the coders' trainings."""
    import pandas as pd

    space = coding.exported_space(made.code_sets)
    yield from _space(corpus, space, params)
    asked = pd.DataFrame(
        {
            "report_id": [one.report_id for one in made.planned],
            "codes": [one.codes for one in made.planned],
        }
    )
    how, seed = params.classify, params.random_seed
    try:
        check_labels(asked, corpus.private_holdout, how, space, seed)
    except UserError as error:
        yield stop("classify", str(error).removesuffix("."))
    reached = {}
    for name, training in (
        ("public seed", corpus.public),
        ("private train", corpus.private_train),
    ):
        try:
            reached[name] = check_real(training, corpus.private_holdout, how, space, seed)
        except UserError as error:
            yield stop(
                "reference",
                f"coders trained on the {name}: {str(error).removesuffix('.')}, or leave the codes "
                "of this side out (seed.files)",
            )
    yield from _sizes(corpus, reached, params)


def _space(corpus: Corpus, space: list[str], params: Params) -> Iterator[Fit]:
    """How many holdout reports have each label."""
    known = labels.categories(corpus.private_holdout["codes"])
    positives = labels.matrix(known, space).sum(axis=0)
    told = []
    for top_k in sorted(params.classify.top_k):
        part = positives[:top_k]
        told.append(
            f"top {top_k}: {len(part)} labels, {int((part == 0).sum())} without and "
            f"{int((part < FEW).sum())} with fewer than {FEW} of {len(known):,} holdout reports"
        )
        if not part.any():
            yield stop(
                "labels",
                f"no holdout report has a code of the top {top_k} that the private side exports: "
                "give more documents or raise seed.files.holdout_share",
            )
            return
    text = "; ".join(told)
    smallest = positives[: min(params.classify.top_k)]
    weigh = note if (smallest < FEW).any() else ok
    yield weigh("labels", text)
    if len(space) < max(params.classify.top_k):
        fitting = [top_k for top_k in params.classify.top_k if top_k < len(space)]
        fitting.append(len(space))
        yield note(
            "labels",
            f"the private side exports {len(space)} categories, classify.top_k asks for up to "
            f"{max(params.classify.top_k)}: set it to {fitting}",
            {"classify.top_k": fitting},
        )


def _sizes(corpus: Corpus, reached: Mapping[str, list[int]], params: Params) -> Iterator[Fit]:
    sizes = params.classify.sizes
    missed = {name: len(sizes) - len(own) for name, own in reached.items() if len(own) < len(sizes)}
    if not missed:
        yield ok("sizes", f"both references reach every size of classify.sizes {sizes}")
        return
    coded = sum(len(codes) > 0 for codes in corpus.private_train["codes"])
    text = f"classify.sizes {sizes}: no figures for " + ", ".join(
        f"the {name} at {count} of them" for name, count in missed.items()
    )
    settings: dict[str, Any] = {}
    if coded < max(sizes):
        fitting = [size for size in _quarters(coded) if size]
        text += (
            f" (the private side has {coded:,} coded reports to learn from): set it to {fitting}"
        )
        settings = {"classify.sizes": fitting}
    yield note("sizes", text, settings)


def _quarters(number: int) -> list[int]:
    """A quarter, half and all of it, to two digits, downwards, without repeats."""
    return sorted({_two_digits(number // part) for part in (4, 2, 1)})


def _two_digits(number: int) -> int:
    step = int(10 ** max(0, len(str(number)) - 2))
    return number // step * step
