"""The tests that one set of synthetic texts is put to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from synthfr.privacy.copied import BestMatch5, CopiedRuns, SharedNgrams8
from synthfr.privacy.findings import Audit
from synthfr.privacy.settings import Privacy
from synthfr.privacy.sides import Sides

# name in the metrics file -> sets the test up, or None where the parameters switch it off
Make = Callable[[Sides, Privacy, int], Audit[Any] | None]

AUDITS: Mapping[str, Make] = {
    CopiedRuns.name: lambda sides, of, seed: CopiedRuns(sides, of.copying, seed),
    SharedNgrams8.name: lambda sides, of, seed: SharedNgrams8(sides, of.copying, seed),
    BestMatch5.name: lambda sides, of, seed: BestMatch5(sides, of.copying, seed),
}
