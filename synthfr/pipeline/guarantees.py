"""What metrics of earlier releases say of the ledger of differential privacy, which lies on the
private side: they are versioned, so that a ledger put back from an older copy is noticed by them.
"""

from __future__ import annotations

from synthfr.disk import read_json
from synthfr.pipeline import layout


def known_entries() -> int:
    """Highest number of a ledger's entry that a release of this checkout has; none: 0."""
    entries = [0]
    for path in sorted((layout.METRICS / "release").glob("*.json")):
        entry = read_json(path).get("dp", {}).get("ledger_entry", 0)
        entries.append(int(entry))
    return max(entries)
