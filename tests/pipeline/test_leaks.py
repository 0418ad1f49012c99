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


@pytest.mark.parametrize("recipe", ["", "recipes/x"])
def test_the_private_side_may_hold_it(tmp_path, recipe):
    private = tmp_path / recipe / "data" / "private"
    private.mkdir(parents=True)
    _parquet(private)
    assert leaks.find(tmp_path, [CANARY]) == []
    assert leaks.find(tmp_path, [CANARY], stays=()) != []


def test_other_folders_of_a_recipe_may_not(tmp_path):
    for folder in ("recipes/x/data/public", "recipes/x/y/data/private", "other/x/data/private"):
        place = tmp_path / folder
        place.mkdir(parents=True)
        _parquet(place)
        assert len(leaks.find(tmp_path, [CANARY])) == 1, folder
        (place / "no_suffix").unlink()
