"""Parameters `privacy`: those of every audit, of detection limits and of the gate."""

from __future__ import annotations

from synthfr.privacy.copied import Copying
from synthfr.privacy.detection import Detection
from synthfr.privacy.verdicts import Gate
from synthfr.section import Count, Section


class Privacy(Section):
    """See the comments in params.yaml."""

    ngram: Count = 8
    copying: Copying = Copying()
    detection: Detection = Detection()
    gate: Gate = Gate()
