"""Membership by the nearest neighbour: how similar the most similar synthetic text is to a report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthfr.privacy.findings import Finding
from synthfr.privacy.membership.attack import membership_finding
from synthfr.privacy.membership.ngrams import tokens
from synthfr.privacy.sides import Sides
