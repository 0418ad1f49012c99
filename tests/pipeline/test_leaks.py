"""The search itself: a leak of any kind must be found, or the canary test could not fail."""

import json
import sqlite3

import pandas as pd
import pytest

from tests.pipeline import leaks

CANARY = "Zqxkanari"


def _parquet(folder):
    frame = pd.DataFrame({"texts": [["clean"], [f"a {CANARY} b"]]})
    frame.to_parquet(folder / "no_suffix", compression="zstd")


def _json(folder):
    (folder / "metrics.json").write_text(json.dumps({CANARY: 1}))


def _sqlite(folder):
    connection = sqlite3.connect(folder / "mlflow.db")
    connection.execute("create table params (value text)")
    connection.execute("insert into params values (?)", (f"x{CANARY.upper()}x",))
    connection.commit()
    connection.close()


def _log(folder):
    (folder / "repro.log").write_text(f"error in report: {CANARY.lower()}\n")


@pytest.mark.parametrize("leak", [_parquet, _json, _sqlite, _log])
def test_a_leak_is_found_whatever_the_file(tmp_path, leak):
    assert leaks.find(tmp_path, [CANARY]) == []
    leak(tmp_path)
    assert len(leaks.find(tmp_path, [CANARY])) == 1


def test_the_private_side_may_hold_it(tmp_path):
    private = tmp_path / "data" / "private"
    private.mkdir(parents=True)
    _parquet(private)
    assert leaks.find(tmp_path, [CANARY]) == []
    assert leaks.find(tmp_path, [CANARY], stays=()) != []
