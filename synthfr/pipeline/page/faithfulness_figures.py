"""How true a step's reports are to what was asked, as `fidelity` measured it.

Known for corpora whose truth is known (the demo); elsewhere there is nothing to show.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from synthfr.pipeline.page.measured import Measured

TITLES = {
    "code_recall": "code recall",
    "wrong_codes": "wrong codes a report",
    "well_formed": "well-formed reports",
    "hospital_share": "ward phrases",
    "known_share": "ward phrases, seen in pre-training",
    "local_share": "ward phrases, never seen",
    "known_coverage": "share of the ward phrases seen in pre-training that occur",
    "local_coverage": "share of those never seen that occur",
    "hospital_binding": "ward phrases that belong to a code asked for",
    "public_binding": "textbook phrases that belong to a code asked for",
    "phrases": "phrases a report",
}
COLUMNS = (
    "code_recall",
    "wrong_codes",
    "well_formed",
    "hospital_share",
    "known_share",
    "local_share",
)
"""What is compared run by run."""


def title(measure: str) -> str:
    """What a reader sees of a measure's name."""
    return TITLES.get(measure, measure.replace("_", " "))


def ordered(measures: Iterable[str]) -> list[str]:
    """Those with a title first, in their order; then the others by name."""
    found = set(measures)
    return [name for name in TITLES if name in found] + sorted(found - set(TITLES))


def load(measured: Measured, steps: Sequence[str]) -> dict[str, list[float | None]]:
    """Measure -> one value a step, as `fidelity` has it; empty where nobody measured."""
    trees = [measured.of("fidelity", step).get("faithfulness", {}) for step in steps]
    return {
        name: [tree.get(name) for tree in trees]
        for name in ordered(name for tree in trees for name in tree)
    }
