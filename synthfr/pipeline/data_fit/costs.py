"""What a run with these data will take, from the assumptions of `pipeline.plan`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from synthfr.hardware import GIB, available_memory, gpu_memory
from synthfr.models.footprint import Footprint
from synthfr.pipeline.data_fit.base_reader import BaseReader
from synthfr.pipeline.data_fit.fit import Fit, note, ok
from synthfr.pipeline.plan import costs, memory
from synthfr.pipeline.plan.lines import core_minutes, unmeasured

if TYPE_CHECKING:
    from synthfr.corpora.corpus import Corpus
    from synthfr.pipeline.parameters import Params


def cost_fits(corpus: Corpus, reader: BaseReader, params: Params) -> Iterator[Fit]:
    """Time, disk and memory."""
    *lines, total = costs.plan(params, len(corpus.public))
    takes = f"{total.tokens / 1e6:,.1f} M tokens, {total.steps:,} optimiser steps"
    if params.base.source == "tiny":
        takes += f", some {core_minutes(lines):,.0f} minutes on a CPU core"
        if others := unmeasured(lines):
            takes += f" without {' and '.join(others)}, whose model nobody has timed on one"
    elif total.gpu_hours:  # nothing is known of a base whose name does not tell its size
        takes += f", some {total.gpu_hours:,.1f} hours of a GPU of the H100 class"
    yield ok("time", f"{takes}, {total.disk_bytes / 1e9:,.2f} GB of disk (synth-fr plan)")

    size = Footprint.of(reader.folder, "base")
    merged, cards = size.weights("float32"), gpu_memory()
    ram, card = available_memory(), cards[0] if cards else available_memory()
    need = memory.need("sft", params, card)
    trained = float(size.weights(params.sft.precision))
    if isinstance(need, memory.Need):
        trained = need.total if cards else need.total - need.parts["CUDA"]
    told = (
        f"merging adapters takes {merged / GIB:.1f} GiB and SFT at least {trained / GIB:.1f} GiB"
        f"{' of GPU memory' if cards else ''}; {ram / GIB:.0f} GiB are free here"
        f"{f', the GPU has {card / GIB:.0f}' if cards else ''}"
    )
    if merged > ram or trained > card:
        yield note(
            "memory",
            f"{told}: run the stages on a larger machine, or lower sft.device_batch_size, choose "
            "sft.precision bfloat16 or sft.quantisation nf4, or a smaller base",
        )
    else:
        yield ok("memory", told)
