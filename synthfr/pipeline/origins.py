"""Where a step comes from, as what is here and dvc.lock tell: for cards and for the dossier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthfr.disk import digest_tree
from synthfr.models.adapters import FIRST_STEP
from synthfr.pipeline import audited, layout

if TYPE_CHECKING:
    from synthfr.publishing.origin import Origin


def origin_of(step: str) -> Origin:
    """Lineage of the policy of `step`, of the run that wrote with it, and how the scores of its
    rounds left.
    """
    from synthfr import models
    from synthfr.publishing.origin import Origin

    chain = models.adapter_chain(layout.MODELS, step)
    rounds = [folder.name for folder in chain if folder.name != FIRST_STEP]
    return Origin(
        step,
        models.read_provenance(layout.BASE),
        {folder.name: digest_tree(folder) for folder in chain},
        audited.releases(rounds),
        audited.guarantees(rounds),
        audited.run_of(step),
    )
