"""Whether stages have run since the page was written: a script beside it, which it reads when it is
opened. A page that a run left behind when it failed then says so itself.
"""

from __future__ import annotations

import json

from synthfr.disk import write_text
from synthfr.pipeline import layout


def tell(stage: str | None) -> None:
    """That a stage has started since; None: that the page holds."""
    write_text(layout.TIMINGS / "since.js", f"window.synthfrSince = {json.dumps(stage)};\n")
