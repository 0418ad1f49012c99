"""What a step's reports share with private ones, as `privacy` measured it: the figures of it that
are followed over seeds.
"""

from __future__ import annotations

from collections.abc import Mapping

MEASURES: Mapping[str, tuple[str, ...]] = {  # name -> where it stands in ``privacy/<step>.json``
    "shares_with_train": ("train", "reports_sharing", "mean"),
    "shares_with_holdout": ("holdout", "reports_sharing", "mean"),
    "share_gap": ("gap", "report_share", "mean"),
    "longest_run_gap": ("gap", "longest_run_words", "mean"),
}
TITLES: Mapping[str, str] = {
    "shares_with_train": "reports that share an n-gram with training documents",
    "shares_with_holdout": "with holdout documents",
    "longest_run_gap": "longest shared run, words: training minus equally many holdout documents",
}
GAP = "longest_run_gap"  # what only repeating training documents widens
