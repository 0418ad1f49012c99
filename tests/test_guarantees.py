"""What metrics outside of the private side know of the ledger inside."""

from pathlib import Path

import pytest

from synthfr.disk import write_json
from synthfr.pipeline import guarantees, layout


def test_the_highest_entry_that_a_release_speaks_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert guarantees.known_entries() == 0
    write_json(layout.metrics("release", "dpo1"), {"counts": {"pairs": 3}})  # by order
    assert guarantees.known_entries() == 0
    for item, entry in (("dpo2", 5), ("dpo3", 2)):
        write_json(layout.metrics("release", item), {"dp": {"ledger_entry": entry}})
    assert guarantees.known_entries() == 5


def test_the_mark_stays_when_the_metrics_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    guarantees.remember({"counts": {"pairs": 3}})  # by order: nothing was charged
    assert not layout.LEDGER_MARK.exists()
    guarantees.remember({"dp": {"ledger_entry": 4}})
    assert guarantees.known_entries() == 4
    guarantees.remember({"dp": {"ledger_entry": 2}})  # an earlier answer, told again
    assert guarantees.known_entries() == 4
    write_json(layout.metrics("release", "dpo2"), {"dp": {"ledger_entry": 5}})
    assert guarantees.known_entries() == 5
