"""The parameters `seed.hub`."""

from __future__ import annotations

from typing import Literal

from synthfr.corpora.hub_table import HubSplit
from synthfr.section import Section


class HubReports(HubSplit):
    """Parameters `seed.hub.public`: see the comments in params.yaml."""

    columns: dict[
        Literal["report_id", "text", "codes", "keywords", "language", "patient_id"], str
    ] = {}


class HubCodes(HubSplit):
    """Parameters `seed.hub.codes`: see the comments in params.yaml."""

    columns: dict[Literal["code", "label", "synonyms"], str] = {}


class SeedHub(Section):
    """Parameters `seed.hub`: see the comments in params.yaml."""

    public: HubReports = HubReports()
    codes: HubCodes = HubCodes()
