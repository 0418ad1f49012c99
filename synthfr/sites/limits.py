"""Which parameters of a question let out more than a hospital does that asks for nothing special.

Its own limits are the defaults of the package. A question may ask for less protection, but then a
person says so by the parameter's name, and does not only fail to notice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from synthfr.errors import UserError
from synthfr.fidelity.settings import Distances
from synthfr.keywords.export import Keywords
from synthfr.scoring.guarantee import Guarantee

SEEDS = "train_coder.seeds"  # of the coders that come with a question about a step
_KEYWORDS, _DP, _DISTANCES = Keywords(), Guarantee(), Distances()


def _as_many(own: int) -> Callable[[Any], bool]:
    return lambda asked: asked >= own


def _no_more(own: float | None) -> Callable[[Any], bool]:
    return lambda asked: own is None or (asked is not None and asked <= own)


# parameter -> whether a value is as strict as ours
_HOLDS: Mapping[str, Callable[[Any], bool]] = {
    "keywords.min_documents": _as_many(_KEYWORDS.min_documents),
    "keywords.min_set_documents": _as_many(_KEYWORDS.min_set_documents),
    "keywords.max_keywords": _no_more(_KEYWORDS.max_keywords),
    "keywords.code_sets": lambda asked: asked == _KEYWORDS.code_sets,
    "keywords.complete_from_codes": lambda asked: not asked,
    "score.release": lambda asked: asked != "raw",
    "score.dp.delta": _no_more(_DP.delta),
    "score.dp.budget": _no_more(_DP.budget),
    # a network that was made elsewhere can be made to know one suspect's words among all others
    SEEDS: lambda asked: not asked,
    # figures of a handful of private reports, drawn by a seed that the question names
    "fidelity.distances.reports": _as_many(_DISTANCES.reports),
    "fidelity.distances.fewest": _as_many(_DISTANCES.fewest),
}


def weaker(asked: Mapping[str, Any]) -> list[str]:
    """Names of those parameters of a checked question (`leaves`) that are weaker than ours."""
    found = [name for name, holds in _HOLDS.items() if name in asked and not holds(asked[name])]
    if asked.get("score.release") == "population" and asked.get("score.dp.epsilon") is None:
        found.append("score.dp.epsilon")
    return found


def check(asked: Mapping[str, Any], agreed: Sequence[str]) -> None:
    """UserError where a parameter is weaker than ours, and not among those `agreed` to by name."""
    refused = [name for name in weaker(asked) if name not in agreed]
    if refused:
        options = " ".join(f"--weaker {name}" for name in refused)
        raise UserError(
            f"the question sets {', '.join(refused)} so that more leaves than by this hospital's "
            f"own limits: say {options} if you agree, or ask for a stricter question."
        )
