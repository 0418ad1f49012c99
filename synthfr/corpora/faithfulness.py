"""Whether generated reports say what was asked for, where the truth behind a text is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def faithfulness(reports: pd.DataFrame, source: str, random_seed: int) -> dict[str, float]:
    """What generated reports (columns text, codes) say of the codes that they were asked for:
    `demo.audit.Faithfulness` as a dict. Empty for a source that does not know the truth behind its
    texts: only the demo does.
    """
    if source != "demo":
        return {}
    from dataclasses import asdict

    from synthfr.corpora import demo_audit
    from synthfr.corpora.demo.knowledge import knowledge

    owners = demo_audit.private_owners(knowledge(), random_seed)
    codes = [list(own) for own in reports["codes"]]
    return asdict(demo_audit.faithfulness(reports["text"].tolist(), codes, knowledge(), owners))
