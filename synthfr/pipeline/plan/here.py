"""Whether the stages fit the GPUs of this machine: for ``synth-fr doctor``."""

from __future__ import annotations

from collections.abc import Iterator

from synthfr import hardware
from synthfr.errors import UserError
from synthfr.pipeline.findings import Finding, Weight
from synthfr.pipeline.parameters import load_params
from synthfr.pipeline.plan.memory import GB, Unknown
from synthfr.pipeline.plan.verdicts import verdicts


def findings() -> Iterator[Finding]:
    """A finding for each stage that does not fit, or wants more GPUs than there are; nothing where
    there is no GPU, or none is to be used. Of several GPUs the smallest counts.
    """
    try:
        params = load_params()
    except UserError:  # told by `diagnosis.parameters`
        return
    cards = [] if params.runtime.device == "cpu" else hardware.gpu_memory()
    if not cards:
        return
    smallest = min(cards)
    here = f"{smallest / GB:.0f} GB of GPU memory are here"
    fit = 0
    for one in verdicts(params, smallest):
        if isinstance(one, Unknown):
            text = f"whether {one.stage} fits is unknown: no config.json of {one.model} is here"
            yield Finding("memory", Weight.NOTE, f"{text} (synth-fr prefetch)")
        elif one.need.gpus > len(cards):
            text = (
                f"{one.need.stage} asks for {one.need.gpus} GPUs, this machine has {len(cards)}: "
                "choose another profile, or lower its parallel settings"
            )
            yield Finding("memory", Weight.STOP, text)
        elif not one.fits:
            taken = f"{one.need.total / GB:.0f} GB in {one.need.share:.0%} of a GPU"
            text = f"{one.need.stage} takes {taken}, {here}: it {one.sentence}"
            yield Finding("memory", Weight.STOP, text)
        else:
            fit += 1
    if fit:
        yield Finding("memory", Weight.OK, f"{fit} stages that load a model fit: {here}")
