"""Parameters `privacy`: those of every audit, of detection limits and of the gate."""

from __future__ import annotations

from synthfr.privacy.attributes import Attributes
from synthfr.privacy.copied import Copying
from synthfr.privacy.detection import Detection
from synthfr.privacy.identifiers.settings import Identifiers
from synthfr.privacy.membership.settings import Membership
from synthfr.privacy.review import Review
from synthfr.privacy.rewording import Rewording
from synthfr.privacy.verdicts import Gate
from synthfr.section import Count, Section


class Privacy(Section):
    """See the comments in params.yaml."""

    ngram: Count = 8
    copying: Copying = Copying()
    membership: Membership = Membership()
    attributes: Attributes = Attributes()
    identifiers: Identifiers = Identifiers()
    detection: Detection = Detection()
    rewording: Rewording = Rewording()
    review: Review = Review()
    gate: Gate = Gate()
