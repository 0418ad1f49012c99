"""The benchmark of real corpora, on a made-up one: a coder that learns is told from one that does
not, and no article is on both sides of a fold. The reports of the grid's benchmark: as described.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from benchmarks import coding_grid
from benchmarks.coding import __main__ as benchmark
from benchmarks.coding import judging
from benchmarks.coding.judging import Setup
from synthfr.coding import decisions
from synthfr.coding.coders import CoderSettings
from tests.coding import toy

SETUP = Setup("global_threshold", (0, 1), judging.FOLDS, 0, Path("the linear coder keeps nothing"))
TFIDF = CoderSettings()


@pytest.fixture(scope="module")
def reports() -> pd.DataFrame:
    """Two cases an article."""
    made = toy.reports(105, seed=3)
    return made.assign(article=[f"a{number // 2}" for number in range(len(made))])


def test_space_by_hand() -> None:
    codes = [["E11.9", "E11.0", "I10"], ["E11"], ["J18"], ["J18", "I10"], ["I10"]]
    assert judging.space_of(codes, 2) == ["I10", "E11", "J18"]  # E11 counts once a document
    assert judging.space_of(codes, 3) == ["I10"]


def test_folds_part_the_articles(reports: pd.DataFrame) -> None:
    articles = reports["article"].tolist()
    folds = judging.folds_of(articles, 0)
    assert sorted(np.concatenate(folds).tolist()) == list(range(len(reports)))
    of_folds = [set(reports["article"].iloc[rows]) for rows in folds]
    assert sum(map(len, of_folds)) == len(set(articles))
    assert {len(fold) for fold in of_folds} <= {
        len(set(articles)) // 5,
        len(set(articles)) // 5 + 1,
    }
    other = judging.folds_of(articles, 1)
    assert any(not np.array_equal(one, two) for one, two in zip(folds, other, strict=True))
    alone = judging.folds_of(reports["report_id"].tolist(), 0)  # the control: articles are parted
    assert sum(len(set(reports["article"].iloc[rows])) for rows in alone) > len(set(articles))


def test_a_coder_beats_the_prior_unless_codes_are_permuted(reports: pd.DataFrame) -> None:
    coder, prior = judging.cross_validated(reports, toy.SPACE, TFIDF, SETUP)
    assert [one.seed for one in coder] == [0, 1]
    assert sorted(coder[0].document_ids) == sorted(reports["report_id"])
    permuted, _ = judging.cross_validated(reports, toy.SPACE, TFIDF, SETUP, permuted=True)
    for metric, least in (("macro_f1", 0.8), ("micro_f1", 0.8), ("map_document", 0.9)):
        of_coder, of_prior, of_permuted = (
            judging.with_limits(answers, metric, 0) for answers in (coder, prior, permuted)
        )
        assert of_coder.mean > least
        assert of_coder.low > of_prior.high
        assert of_permuted.low < of_prior.high


def test_some_folds_are_those_of_all(reports: pd.DataFrame) -> None:
    """Each is judged by the same coder, trained on the other four fifths."""
    every, _ = judging.cross_validated(reports, toy.SPACE, TFIDF, SETUP)
    first = Setup(SETUP.rule, (0,), 1, 0, SETUP.scratch)
    (some,), _ = judging.cross_validated(reports, toy.SPACE, TFIDF, first)
    assert 0 < len(some.document_ids) < len(reports) / 3
    assert np.array_equal(some.scores, every[0].scores[: len(some.document_ids)])


def test_ranked_categories(reports: pd.DataFrame) -> None:
    expressed = [
        [max(codes, key=lambda code: sum(word in text for word in toy.WORDS[code]))]
        for text, codes in zip(reports["text"], reports["codes"], strict=True)
    ]
    split = ["train" if number < 70 else "dev" for number in range(len(reports))]
    single = reports.assign(codes=pd.Series(expressed), split=split)
    coder, prior = judging.rankings(single, TFIDF, SETUP)
    permuted, _ = judging.rankings(single, TFIDF, SETUP, permuted=True)
    assert coder[3].mean > 0.9 and coder[1].mean > prior[1].high
    assert permuted[1].low < prior[1].mean
    frequent = pd.Series([codes[0] for codes in single["codes"][:70]]).mode()[0]
    hits = [codes == [frequent] for codes in single["codes"][70:]]
    assert prior[1].mean == pytest.approx(np.mean(hits))


def test_an_unknown_category_is_a_miss(reports: pd.DataFrame) -> None:
    train = reports.head(60).assign(split="train")
    dev = reports.tail(20).assign(split="dev", codes=pd.Series([["Z99"]] * 20, reports.index[-20:]))
    found, _ = judging.rankings(pd.concat([train, dev]), TFIDF, SETUP)
    assert found[3].mean == 0


def test_tables_from_files(
    reports: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNTHFR_TEST_DATA", str(tmp_path))
    monkeypatch.setattr(benchmark, "TFIDF", {"tfidf": {}})
    app = typer.Typer()
    app.command()(benchmark.main)
    missing = CliRunner().invoke(app, ["codiesp-fr"])
    assert missing.exit_code != 0
    frame = pd.DataFrame(
        {
            "id": [f"{one}-{number}" for number, one in enumerate(reports["article"])],
            "text": reports["text"],
            "codes": "another column of codes",
            "codes_cat3": reports["codes"],
        }
    )
    frame.to_parquet(tmp_path / "fr_codiesp_icd10_train.parquet")
    told = CliRunner().invoke(app, ["codiesp-fr", "--seeds", "1"])
    assert told.exit_code == 0, told.output
    assert f"105 documents of {reports['article'].nunique()} articles" in told.output
    rows = ["tfidf", "tfidf, codes permuted", "label prior", "every label"]
    assert _rows(told.output) == rows
    without = CliRunner().invoke(app, ["codiesp-fr", "--seeds", "1", "--no-control"])
    assert _rows(without.output) == [rows[0], *rows[2:]]
    assert CliRunner().invoke(app, ["other"]).exit_code == 2
    assert CliRunner().invoke(app, ["codiesp-fr", "--only-plm-icd"]).exit_code == 2


def _rows(output: str) -> list[str]:
    return [line.split("macro_f1")[0].strip() for line in output.splitlines()[2:]]


def test_reports_of_the_grid_benchmark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(coding_grid, "DEMO_REPORTS", 50)
    some = coding_grid.made(60, 0, "training")
    assert set(some["text"].str.split().map(len)) == {coding_grid.WORDS}
    assert some["codes"].map(len).between(1, coding_grid.CODES).all()
    expressed = [
        any(word[:-1] == code.lower() for word in text.split())
        for text, codes in zip(some["text"], some["codes"], strict=True)
        for code in codes
    ]
    assert 0.8 < np.mean(expressed) < 0.97
    assert some.equals(coding_grid.made(60, 0, "training"))
    assert not some["text"].equals(coding_grid.made(60, 0, "holdout")["text"])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # which it sets: undone afterwards
    coding_grid.main([30, 60], [2, 3], seeds=1, cores=1, holdout=20, seed=0)
    assert f"{2 * 2 * 2 * len(decisions.RULES)} cells" in capsys.readouterr().out
