"""Addresses of MLflow's pages that answer a question at once; the plain experiment opens on an
empty list of traces.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from synthfr.pipeline.tracking import family as families
from synthfr.pipeline.tracking import summary
from synthfr.pipeline.tracking.shown import Shown


def newest_state(shown: Sequence[Shown]) -> str | None:
    """Of the family that was begun last, among the runs shown (newest first)."""
    return next((run.tags["state"] for run in shown if run.tags.get("kind") == families.KIND), None)


def comparison(shown: Sequence[Shown], state: str, steps: Sequence[str]) -> str | None:
    """The page that sets the steps' summaries side by side; None when there is none."""
    own = {run.name: run for run in shown if _is_of(run, summary.KIND, state)}
    runs = [own[step] for step in steps if step in own]
    if not runs:
        return None
    ids = _json([run.run_id for run in runs])
    return f"#/compare-runs?runs={ids}&experiments={_json([runs[0].experiment_id])}"


def bars(shown: Sequence[Shown], state: str) -> str | None:
    """The chart view of a family's summaries: a bar a step."""
    chosen = f"tags.kind = '{summary.KIND}' and tags.state = '{state}'"
    page = _charts(shown, summary.KIND, chosen, state)
    # in any order but that of time, MLflow does not fold nested runs into their parent
    return page and f"{page}&orderByKey={quote('tags.`round`', safe='')}&orderByAsc=true"


def lines(shown: Sequence[Shown]) -> str | None:
    """The chart view of all families: a line each, over the rounds."""
    return _charts(shown, families.KIND, f"tags.kind = '{families.KIND}'")


def _charts(shown: Sequence[Shown], kind: str, chosen: str, state: str | None = None) -> str | None:
    found = next((run for run in shown if _is_of(run, kind, state)), None)
    if found is None:
        return None
    return (
        f"#/experiments/{found.experiment_id}/runs?workflowType=machine_learning"
        f"&compareRunsMode=CHART&searchFilter={quote(chosen, safe='')}"
    )


def _is_of(run: Shown, kind: str, state: str | None) -> bool:
    return run.tags.get("kind") == kind and state in (None, run.tags.get("state"))


def _json(values: Sequence[str]) -> str:
    return quote(json.dumps(list(values), separators=(",", ":")))
