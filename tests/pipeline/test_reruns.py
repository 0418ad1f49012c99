"""What `dvc repro` would run again after a change, by DVC's own hashes of the real dvc.yaml.

The files that the stages read and write are empty ones, committed as if the stages had made them:
a stage then runs again if DVC finds it changed, or if one that it needs runs again. The stages
themselves are run by the other tests of this folder.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from synthfr.disk import read_yaml

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.pipeline


class Checkout:
    """A copy of the pipeline's definition, with an empty file for every file that it names."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def stale(self) -> set[str]:
        """Names of the stages that DVC would run."""
        from dvc.repo import Repo

        with Repo(str(self.root)) as repo:
            changed = set(repo.status())
            graph = repo.index.graph  # from a stage to what it needs
            wanted = [stage for stage in graph if stage.addressing in changed]
            for stage in wanted:
                wanted += [above for above in graph.predecessors(stage) if above not in wanted]
            return {stage.addressing for stage in wanted}

    def edit(self, old: str, new: str) -> None:
        path = self.root / "params.yaml"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, old
        path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    from dvc.dependency import ParamsDependency
    from dvc.repo import Repo

    root = tmp_path_factory.mktemp("checkout")
    for name in ("dvc.yaml", "params.yaml", ".dvcignore", ".gitignore"):
        shutil.copy(ROOT / name, root / name)
    (root / ".dvc").mkdir()
    shutil.copy(ROOT / ".dvc/config", root / ".dvc/config")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    made = Checkout(root)
    with pytest.MonkeyPatch.context() as patch, Repo(str(root)) as repo:
        patch.chdir(root)
        names = set()
        for stage in repo.index.stages:
            names.add(stage.addressing)
            for file in (*stage.deps, *stage.outs):
                if not isinstance(file, ParamsDependency):
                    path = root / file.def_path
                    # a folder as one with a file, which dependencies below it may join
                    path = path if path.suffix else path / "file"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text("{}")
        assert made.stale() == names
        repo.commit(force=True)
    return made


@pytest.fixture
def checkout(committed: Checkout, monkeypatch: pytest.MonkeyPatch) -> Iterator[Checkout]:
    """Everything is up to date; what a test edits is mended after it."""
    monkeypatch.chdir(committed.root)
    params = (committed.root / "params.yaml").read_text(encoding="utf-8")
    yield committed
    (committed.root / "params.yaml").write_text(params, encoding="utf-8")


def per_step(*steps: str) -> set[str]:
    stages = ("synthesize", "classify", "train_coder", "judge_coder")
    stages += ("augment", "errors", "privacy", "fidelity")
    return {f"{stage}@{step}" for stage in stages for step in steps} | {
        "compare",
        "headline",
        "page",
    }


def per_round(*rounds: str) -> set[str]:
    stages = ("generate", "judge", "similarity_judge", "score", "release", "pair", "linkage", "dpo")
    return {f"{stage}@{name}" for stage in stages for name in rounds}


def test_nothing_changed_nothing_runs(checkout: Checkout) -> None:
    assert checkout.stale() == set()


def test_a_parameter_reruns_only_what_depends_on_it(checkout: Checkout) -> None:
    checkout.edit("threads: 1 ", "threads: 2 ")
    checkout.edit("experiment: synth-fr ", "experiment: mine ")
    checkout.edit("ngram: 8", "ngram: 9")
    checkout.edit("max_labels: 10", "max_labels: 9")
    stale = {stage.partition("@")[0] for stage in checkout.stale()}
    assert stale == {
        *("privacy", "linkage", "classify", "reference", "headline", "page"),
        *(
            "compare",
            "noise",
            "errors",
            "augment",
        ),  # read the answers that were kept; the same: not run
    }


def after_the_scores() -> set[str]:
    """Everything that hangs on what is released of the scores, but no score of the first round."""
    first = {f"{stage}@dpo1" for stage in ("release", "pair", "linkage", "dpo")}
    return first | per_round("dpo2", "dpo3") | per_step("dpo1", "dpo2", "dpo3")


@pytest.mark.parametrize(
    ("old", "new"),
    [("min_margin: 0.02", "min_margin: 0.03"), ("release: order ", "release: raw ")],
)
def test_what_is_chosen_and_released_scores_nothing_anew(
    checkout: Checkout, old: str, new: str
) -> None:
    if "raw" in new:  # another module then counts
        path = checkout.root / "synthfr/scoring/release/raw.py"
        path.write_text("{}")
    checkout.edit(old, new)
    assert checkout.stale() == after_the_scores()


def test_a_round_reruns_itself_and_its_descendants(checkout: Checkout) -> None:
    text = (checkout.root / "params.yaml").read_text(encoding="utf-8")
    found = re.search(r"dpo2: \{parent: dpo1, prompts: \d+, learning_rate: ([\d.]+)", text)
    assert found
    checkout.edit(found[0], found[0].removesuffix(found[1]) + "0.123")
    # its candidates, scores and pairs do not depend on how it trains on them
    assert checkout.stale() == per_round("dpo3") | {"dpo@dpo2"} | per_step("dpo2", "dpo3")


def test_a_fourth_round_is_one_line_and_its_name(checkout: Checkout) -> None:
    rounds = read_yaml(checkout.root / "params.yaml")["rounds"]
    line = json.dumps(rounds["dpo3"] | {"parent": "dpo3"})
    comment, steps = (
        "\n\n# What is synthesised and evaluated",
        "steps: [base, step0, dpo1, dpo2, dpo3",
    )
    checkout.edit(comment, f"\n  dpo4: {line}{comment}")
    checkout.edit(steps, f"{steps}, dpo4")
    assert checkout.stale() == per_round("dpo4") | per_step("dpo4")
