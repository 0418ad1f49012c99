"""A folder of figures, as far as they may be shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Measured:
    """What the stages measured: ``<stage>.json``, or ``<stage>/<item>.json`` of a round or step.

    `is_shown` says of a file's path whether it may be shown. Beside the figures of the present
    state (`synthfr.pipeline.standing`) a folder may hold those of an earlier one.
    """

    folder: Path
    is_shown: Callable[[Path], bool] = Path.is_file

    def of(self, stage: str, item: str | None = None) -> dict[str, Any]:
        """The figures of one file; none if it is not there, or not to be shown."""
        path = self.folder / (f"{stage}.json" if item is None else f"{stage}/{item}.json")
        if not path.is_file() or not self.is_shown(path):
            return {}
        tree = json.loads(path.read_text(encoding="utf-8"))
        return tree if isinstance(tree, dict) else {}
