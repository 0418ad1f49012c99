"""Where a step comes from, for those who get it: digests that its makers can hold it to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from synthfr.models.published import told_adapter
from synthfr.scoring.release import population, raw

LINEAGE = "lineage.json"
_RISKS = {"raw": raw.RISK, "unguarded": population.RISK}


@dataclass(frozen=True)
class Origin:
    """Lineage of a step's policy, and of the run that wrote with it."""

    step: str
    base: Mapping[str, Any]  # provenance of the base
    adapters: Mapping[str, str]  # digest of each adapter's folder by its step, first to last
    # how each round's scores left: by a way of `score.release`, ``unguarded`` or ``unknown``
    releases: Mapping[str, str] = field(default_factory=dict)
    # of the rounds, if the scores of all left with noise: what `metrics/release` says of it
    guarantees: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # digests of the `code` and `parameters` that dvc.lock has of the data set at hand
    run: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For lineage.json."""
        known = ("source", "repo_id", "revision", "parameters", "digest", "adapters")
        return {
            "step": self.step,
            "base": {key: self.base[key] for key in known if key in self.base},
            "adapters": [{"step": step, "digest": one} for step, one in self.adapters.items()],
            "releases": dict(self.releases),
            "guarantees": {one: dict(told) for one, told in self.guarantees.items()},
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
                *self._guarantees(),
            ]
        )

    def _guarantees(self) -> list[str]:
        if not self.guarantees:
            return []
        rows = [
            f"| `{one}` | {told['epsilon']['round']:.3g} | {told['epsilon']['all_rounds']:.3g} | "
            f"{told['epsilon']['spent']:.3g} | {told['delta']:g} | "
            f"{', '.join(told['neighbours']).replace('_', ' ')} |"
            for one, told in self.guarantees.items()
        ]
        return [
            "Differential privacy of the scores that candidates were chosen by, of one patient "
            f"(Gaussian noise): {population.NOT_COVERED}.",
            "",
            "| round | epsilon | all rounds of this run | all answers of this corpus so far "
            "| delta | neighbours |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]

    def _scores_left(self) -> list[str]:
        told = []
        for way, risk in _RISKS.items():
            if rounds := [f"`{one}`" for one, by in self.releases.items() if by == way]:
                told += [
                    f"The scores of the candidates of {', '.join(rounds)} left the private side as "
                    f"numbers: {risk}.",
                    "",
                ]
        return told
