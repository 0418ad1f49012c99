"""What lies outside of the private side and tells how many answers its ledger must know, so that a
ledger put back from an older copy, its head with it, is noticed: the metrics of releases, and a
mark of the highest entry. DVC removes a stage's metrics before it runs; the mark it does not know.

Neither is proof against whoever wants to cheat. Who puts back the mark and the metrics too, such as
a copy of the whole checkout's folder, is noticed by nothing here; another clone has no mark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthfr.disk import read_json, write_json
from synthfr.pipeline import layout


def known_entries() -> int:
    """Highest number of a ledger's entry that a release of this checkout had, as far as the mark
    and the metrics that are here tell; none: 0.
    """
    files = [layout.LEDGER_MARK, *sorted((layout.METRICS / "release").glob("*.json"))]
    return max((_entry(read_json(path)) for path in files if path.is_file()), default=0)


def remember(measures: Mapping[str, Any]) -> None:
    """Raise the mark to the entry that a release's `measures` speak of, if they do. Before the
    answer is let out: an entry that nobody has seen need not be known.
    """
    if (entry := _entry(measures)) > known_entries():
        write_json(layout.LEDGER_MARK, {"dp": {"ledger_entry": entry}})


def _entry(measures: Mapping[str, Any]) -> int:
    return int(measures.get("dp", {}).get("ledger_entry", 0))
