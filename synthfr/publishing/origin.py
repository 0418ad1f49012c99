"""Where a step comes from, for those who get it: digests that its makers can hold it to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synthfr.models.published import told_adapter
from synthfr.scoring.release.raw import RISK

LINEAGE = "lineage.json"


@dataclass(frozen=True)
class Origin:
    """Lineage of a step's policy, and of the run that wrote with it."""

    step: str
    base: Mapping[str, Any]  # provenance of the base
    adapters: Mapping[str, str]  # digest of each adapter's folder by its step, first to last
    scores_left: Sequence[str] = ()  # rounds of which scores left the private side as numbers
    # digests of the `code` and `parameters` that dvc.lock has of the data set at hand
    run: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For lineage.json."""
        known = ("source", "repo_id", "revision", "parameters", "digest", "adapters")
        return {
            "step": self.step,
            "base": {key: self.base[key] for key in known if key in self.base},
            "adapters": [{"step": step, "digest": one} for step, one in self.adapters.items()],
            "scores_left": list(self.scores_left),
            "run": dict(self.run),
        }

    @property
    def base_name(self) -> str:
        """Of a hub base its name and commit."""
        if not self.base["repo_id"]:
            return f"{self.base['source']} base, not of the hub"
        return f"`{self.base['repo_id']}` at `{self.base['revision']}`"

    def section(self) -> str:
        """A card's section."""
        rows = [f"| base: {self.base_name} | `{self.base['digest']}` |"]
        rows += [
            f"| merged into the base: {told_adapter(one)} | `{one['digest']}` |"
            for one in self.base.get("adapters", [])
        ]
        rows += [f"| adapter of `{step}` | `{one}` |" for step, one in self.adapters.items()]
        rows += [f"| {name} of the run | `{one}` |" for name, one in self.run.items()]
        return "\n".join(
            [
                "## Lineage",
                "",
                f"SHA-256 of what it was made from, first to last; the same in `{LINEAGE}`.",
                "",
                "| what | digest |",
                "|---|---|",
                *rows,
                "",
                *self._scores_left(),
            ]
        )

    def _scores_left(self) -> list[str]:
        if not self.scores_left:
            return []
        rounds = ", ".join(f"`{one}`" for one in self.scores_left)
        told = f"The scores of the candidates of {rounds} left the private side as numbers"
        return [f"{told}: {RISK}.", ""]
