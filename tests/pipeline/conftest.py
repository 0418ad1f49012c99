"""The whole graph, run once with planted strings on the private side, for tests to look at."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml

from synthfr.corpora import demo
from synthfr.corpora.demo import DemoSizes
from tests.pipeline.workspace import Workspace

TEXT_CANARIES = ("Zqxkanaritrain", "Zqxkanariholdout")
ID_CANARY = "kanaripatient"
PRIVATE_SOURCE = "data/private/raw/reports.parquet"
SHARED_CANARY = "Zqxkanarishared"
"""In so many private documents that only the dictionary keeps it from being exported."""


def plant(workspace: Workspace) -> None:
    """Gives the workspace a `files` source: the demo reports, with canaries in the private ones."""
    made = demo.corpus(DemoSizes(public=64, private_train=96, private_holdout=40), random_seed=0)
    public = made.public.drop(columns="patient_id")
    private = pd.concat([made.private_train, made.private_holdout], ignore_index=True)
    private["patient_id"] = [f"{ID_CANARY}{row}" for row in range(len(private))]
    private["text"] = [
        f"{text}\n{TEXT_CANARIES[row % 2]} {SHARED_CANARY}."
        for row, text in enumerate(private["text"])
    ]
    public.to_parquet(workspace.root / "public_source.parquet")
    private.to_parquet(workspace.root / PRIVATE_SOURCE)
    made.codes.to_parquet(workspace.root / "codes_source.parquet")
    (workspace.root / ".git" / "info" / "exclude").write_text("*_source.parquet\n")
    workspace.change_params(
        {
            "seed.source": "files",
            "seed.files.public.path": "public_source.parquet",
            "seed.files.private.path": PRIVATE_SOURCE,
            "seed.files.codes.path": "codes_source.parquet",
        }
    )


def one_round(workspace: Workspace) -> None:
    """Drops all rounds but the first: each costs a minute and shows nothing new here."""
    rounds = yaml.safe_load((workspace.root / "params.yaml").read_text("utf-8"))["rounds"]
    workspace.change_params({"rounds": {"dpo1": rounds["dpo1"]}, "steps": ["step0", "dpo1"]})


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with planted strings, before anything ran."""
    workspace = Workspace.copy(tmp_path_factory.mktemp("planted") / "checkout")
    workspace.run("synth-fr", "profile", "apply", "smoke")
    one_round(workspace)
    plant(workspace)
    return workspace


@pytest.fixture(scope="module")
def finished(planted: Workspace) -> Workspace:
    """The same after `dvc repro`, committed."""
    planted.dvc("repro")
    planted.commit("after repro")
    return planted
