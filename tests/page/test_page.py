"""The page: complete, self-contained, escaped, the same bytes each time, and whole when data are
not.
"""

from __future__ import annotations

import html
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthfr.disk import write_json
from synthfr.dp.accounting import tpr_ceiling
from synthfr.pipeline.page import Sources, figures, write, write_times
from synthfr.pipeline.page.times import read_times
from synthfr.records import ORDERS, SCORES, read_table, write_table
from tests.dp.test_claims import claim
from tests.page.conftest import ROUNDS, SCRIPT, STEPS, make, privacy_test, seeds_record

VOID = {"meta", "br", "hr", "img", "input", "link"}


def page(
    sources: Sources,
    out: Path,
    samples: int = 2,
    source: str = "demo",
    steps: tuple[str, ...] = STEPS,
) -> str:
    write(
        sources,
        out,
        steps=steps,
        rounds=ROUNDS,
        source=source,
        samples_per_step=samples,
        random_seed=0,
    )
    return (out / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page made of a whole run."""
    root = tmp_path_factory.mktemp("whole")
    page(make(root), root / "reports")
    return root / "reports"


@pytest.fixture
def whole(folder: Path) -> str:
    return (folder / "index.html").read_text(encoding="utf-8")


class Balanced(HTMLParser):
    """Fails on a tag that is not closed in its turn; collects ids, links and headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.referred: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.ids += [known["id"]] if known.get("id") else []
        self.referred += [known["aria-labelledby"]] if known.get("aria-labelledby") else []
        self.links += [value for name, value in attrs if name in {"href", "src"} and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, tag


def test_it_is_well_formed_and_every_anchor_leads_somewhere(whole: str) -> None:
    parsed = Balanced(whole)
    assert {link[1:] for link in parsed.links if link.startswith("#")} <= set(parsed.ids)
    assert set(parsed.referred) <= set(parsed.ids)
    sections = {"utility", "rounds", "faithfulness", "watch", "privacy", "samples"}
    assert sections <= {link[1:] for link in parsed.links}


def test_it_needs_nothing_from_elsewhere(whole: str) -> None:
    outside = [link for link in Balanced(whole).links if not link.startswith("#")]
    beside = ["../mlruns/timings/times.js", "../mlruns/timings/since.js"]  # if they are there
    assert outside == beside
    urls = set(re.findall(r"https?://[^\s\"'<)]+", whole))
    assert urls <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "@import" not in whole and "url(http" not in whole


def test_every_figure_and_number_is_there(whole: str) -> None:
    assert whole.count("<svg") == 7
    for number in (".700 <small>± .020</small>", "+25.0 %", "+25.5 %", ".890"):
        assert number in whole
    assert "closes 41 % of the gap" in whole
    assert "decision rule top_k_mean" in whole
    assert "70.0" in whole and "75.0" in whole  # words a report, last step and real


def test_the_originals_evaluation_is_shown_by_its_own_rule(whole: str) -> None:
    _, _, others = whole.partition("The same coders judged in other ways")
    caption, tuned = "the original&#39;s evaluation: ", "the decision rule as above (not the orig"
    own = others[others.index(caption) : others.index(tuned)]
    assert "a probability above .5" in own
    assert ".500 <small>± .020" in own and ".900 <small>± .020" not in own  # dpo3
    assert ".900 <small>± .020" in others[others.index(tuned) :]


def test_errors_are_drawn_beside_those_of_the_real_coder(
    sources: Sources, tmp_path: Path, whole: str
) -> None:
    assert "F1 of codes by frequency" in whole
    row = r'<th scope="row">codes a report that it gives</th>' + "".join(
        f"<td>{value}</td>" for value in ("1.68", "1.50", "1.80", "1.95", "2.10", "2.70")
    )
    assert row in whole
    shutil.rmtree(sources.metrics / "errors")
    without = page(sources, tmp_path / "without")
    assert "What kind of errors" not in without and "F1 of codes by freq" not in without


def test_the_headline_starts_from_the_better_baseline(
    sources: Sources, tmp_path: Path, whole: str
) -> None:
    assert "<b>.550</b> (bare base, the better of bare base and step0)" in whole
    assert "(the chosen rule) to +30.4 % (top_k_mean)" in whole
    assert "dpo3 vs best baseline" in whole
    old = page(sources, tmp_path / "old", steps=STEPS[1:])
    assert "<b>.490</b> (step0) to" in old and "+40.8 %" in old
    assert "dpo3 vs step0" in old and "best baseline" not in old and "bare base" not in old


def test_faithfulness_is_shown_where_it_is_known(
    sources: Sources, tmp_path: Path, whole: str
) -> None:
    row = r'<th scope="row">code recall</th>' + "".join(
        rf"<td>{value}</td>" for value in ("0.500", "0.600", "0.700", "0.800", "0.900")
    )
    assert row in whole and "left out" in whole
    for step in STEPS:
        write_json(sources.metrics / "fidelity" / f"{step}.json", {"words_mean": {"synthetic": 8}})
    real = page(sources, tmp_path / "real", source="files")
    assert "code recall" not in real and "Not measured: it takes corpora" in real


def test_scores_are_shown_only_where_they_left(
    sources: Sources, tmp_path: Path, whole: str
) -> None:
    left = "scores of dpo1, dpo2, dpo3 left the private side as numbers (score.release: raw)"
    kept = "scores of {} stayed on the private side"
    assert left in whole and "Distribution of candidate scores" in whole
    assert kept.split("{}")[1] not in whole
    numbers = {name: pd.array([0], dtype="Int8") for name in ("best", "chosen", "rejected")}
    orders = pd.DataFrame({"prompt_id": ["p0"], **numbers})
    for one in ROUNDS:
        write_table(orders, sources.rounds / one / "scores.parquet", ORDERS)
    none = page(sources, tmp_path / "none")
    assert kept.format("dpo1, dpo2, dpo3") in none and "as numbers" not in none
    assert "Distribution of candidate scores" not in none


def test_scores_without_noise_are_no_guarantee(sources: Sources, tmp_path: Path) -> None:
    """As `population` releases them: the total alone."""
    for one in ROUNDS:
        path = sources.rounds / one / "scores.parquet"
        table = read_table(path, SCORES)
        parts = [name for name in SCORES.schema.names[2:] if name != "total"]
        write_table(table.assign(**dict.fromkeys(parts, np.float32("nan"))), path, SCORES)
    write_json(sources.metrics / "release/dpo1.json", {"dp": claim(0.5)})
    text = page(sources, tmp_path / "reports")
    assert "scores of dpo2, dpo3 are of the private corpus as a whole (score.release: popul" in text
    assert "as numbers without noise (score.dp.epsilon: null): nothing is guaranteed" in text
    assert "scores of dpo1 are of the private corpus as a whole, not of a candidate" in text


def test_samples_are_the_same_request_at_every_step_and_escaped(whole: str) -> None:
    assert SCRIPT not in whole and html.escape(SCRIPT) in whole.replace("&#39;", "&#x27;")
    texts = re.findall(r'<pre lang="fr">(\w+) écrit (\d)', whole)
    assert [step for step, _ in texts] == [*STEPS, *STEPS]
    assert len({number for _, number in texts}) == 2
    assert len({number for _, number in texts[: len(STEPS)]}) == 1


def test_the_words_behind_a_code_stand_below_the_sample(
    sources: Sources, tmp_path: Path, whole: str
) -> None:
    told = f"E11 (.97): metformine {html.escape(SCRIPT)} .40".replace("&#x27;", "&#39;")
    assert whole.replace("&#x27;", "&#39;").count(told) == 2 * len(STEPS)
    (sources.evidence / f"{STEPS[-1]}.parquet").unlink()
    fewer = page(sources, tmp_path / "a").replace("&#x27;", "&#39;")
    assert fewer.count(told) == 2 * (len(STEPS) - 1)
    for step in STEPS[:-1]:
        (sources.evidence / f"{step}.parquet").unlink()
    assert "words that it attends to most" not in page(sources, tmp_path / "b")


def test_a_coder_of_another_family_has_a_table_of_its_own(
    sources: Sources, tmp_path: Path, whole: str
) -> None:
    assert "macro-F1 of a coder of another family (PLM-ICD" in whole
    for step in STEPS:
        (sources.metrics / f"judge_coder/{step}.json").unlink()
    assert "another family" not in page(sources, tmp_path / "without")


def test_the_same_inputs_give_the_same_bytes(
    sources: Sources, tmp_path: Path, whole: str, folder: Path
) -> None:
    assert page(sources, tmp_path / "again") == whole
    assert re.search(r"20\d\d-\d\d-\d\d", whole) is None  # no dates
    csv = (tmp_path / "again" / "results.csv").read_text()
    assert csv == (folder / "results.csv").read_text()


def test_other_inputs_give_another_page(sources: Sources, tmp_path: Path, whole: str) -> None:
    path = sources.metrics / "classify" / "dpo3.json"
    path.write_text(path.read_text().replace("0.7", "0.71"))
    assert page(sources, tmp_path / "again") != whole


@pytest.mark.parametrize(
    "missing",
    [
        "metrics",
        *(
            pytest.param(name, marks=pytest.mark.slow)  # each draws all figures that are left
            for name in (
                "plots",
                "rounds",
                "synthetic",
                "metrics/classify/dpo2.json",
                "metrics/classify/base.json",
                "metrics/fidelity/base.json",
                "metrics/reference.json",
            )
        ),
    ],
)
def test_a_partial_run_gives_a_page_of_what_there_is(
    sources: Sources, tmp_path: Path, missing: str
) -> None:
    path = tmp_path / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    text = page(sources, tmp_path / "reports")
    Balanced(text)
    assert "None" not in text and "nan" not in re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL)


def test_before_any_run_it_says_what_to_do(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    text = page(Sources(*[nowhere] * 6), tmp_path / "reports")
    Balanced(text)
    assert "<code>dvc repro</code>" in text and "<svg" not in text


def test_it_says_what_the_corpora_can_show(sources: Sources, tmp_path: Path, whole: str) -> None:
    assert "nothing about clinical realism" in whole
    assert "nothing about clinical realism" not in page(sources, tmp_path / "own", source="files")


def test_the_table_is_there_for_machines(folder: Path) -> None:
    lines = (folder / "results.csv").read_text().splitlines()
    assert lines[0] == "metric,size,top_k,data,mean,low,high"
    assert "macro_f1,250,10,dpo3,0.7,0.68,0.72" in lines
    assert len(lines) == 1 + 2 * 4 * 7  # metrics x cells x (steps and references)


def test_times_are_a_script_beside_the_page(tmp_path: Path) -> None:
    took = {"seconds": 1.5, "peak_memory_mib": 300.0}
    (tmp_path / "dpo").mkdir()
    (tmp_path / "dpo" / "dpo1.json").write_text(json.dumps(took))
    (tmp_path / "seed.json").write_text(json.dumps(took))
    write_times(tmp_path)
    text = (tmp_path / "times.js").read_text()
    assert text.startswith("window.synthfrTimes = ") and text.endswith(";\n")
    found = json.loads(text.removeprefix("window.synthfrTimes = ").rstrip(";\n"))
    assert found == {"dpo@dpo1": took, "seed": took}


@pytest.mark.parametrize("damaged", ["{", "[]", '{"seconds": null}', '{"seconds": 1}'])
def test_a_damaged_time_is_named_and_left_out(
    damaged: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    took = {"seconds": 1.5, "peak_memory_mib": 300.0}
    (tmp_path / "seed.json").write_text(json.dumps(took))
    (tmp_path / "sft.json").write_text(damaged)
    assert read_times(tmp_path) == {"seed": took}
    [sentence] = capsys.readouterr().err.splitlines()
    assert "sft.json holds no times" in sentence


@pytest.mark.slow
def test_controls_are_shown_where_the_record_over_seeds_is_of_this_run(tmp_path: Path) -> None:
    sources = make(tmp_path)
    without = page(sources, tmp_path / "reports")
    assert "scores shuffled" not in without and "make controls" in without
    write_json(sources.record, seeds_record())
    shown = page(sources, tmp_path / "reports")
    Balanced(shown)
    assert "scores shuffled" in shown and "2 seeds of the whole loop" in shown
    other = seeds_record()
    other["steps"] = other["steps"][1:]
    write_json(sources.record, other)
    assert page(sources, tmp_path / "reports") == without


def test_the_published_table_stands_there_where_the_grid_matches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "theirs" not in page(make(tmp_path / "other"), tmp_path)
    monkeypatch.setattr("tests.page.conftest.SIZES", (250, 50_000))
    shown = page(make(tmp_path / "same"), tmp_path)
    assert "step0, theirs" in shown and ".4450" in shown and "50,000 reports, top 20" in shown


def test_privacy_is_one_row_a_question_with_its_limit_and_verdict(whole: str) -> None:
    row = re.search(r"<tr><th scope=\"row\" class=\"wrap\">Does a synthetic.*?</tr>", whole)
    assert row is not None
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row.group())
    assert cells == ["1.5", "1.25", "+0.25", "-0.25 … +0.75", "5", "–", "pass"]
    # base pass, step0 cannot tell, dpo1 fail, dpo2 pass, dpo3 cannot tell
    told = re.findall(r'Data set of ([\w ]+): <b class="verdict\d">([\w ]+)</b>', whole)
    assert [verdict for _, verdict in told] == [
        "pass", "cannot tell", "fail", "pass", "cannot tell",
    ]  # fmt: skip
    assert whole.count("<details open>") == 2  # what failed, and the last step
    assert "ceiling of the guarantee" not in whole  # nothing is guaranteed


@pytest.mark.slow
def test_a_guarantee_is_drawn_with_what_attacks_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = make(tmp_path)
    dp = claim(0.5)
    attack = privacy_test(0) | {"tpr_at_fpr_1": {"mean": 0.02, "low": 0.0, "high": 0.05}}
    for one in ROUNDS:
        write_json(sources.metrics / "release" / f"{one}.json", {"dp": dp})
        found = {"verdict": 0, "tests": {"score_membership": attack}}
        write_json(sources.metrics / "linkage" / f"{one}.json", found)
    text = page(sources, tmp_path / "reports")
    Balanced(text)
    assert "ceiling of the guarantee" in text and "strongest attack" in text
    assert "Do the scores that leave tell" in text
    # the bound of all rounds so far, none once a round has no guarantee
    ceilings = [tpr_ceiling(0.5 * number**0.5, 0.01) for number in (1, 2, 3)]
    drawn: list[dict[str, float | None]] = []
    monkeypatch.setattr(figures, "sandwich", lambda bounds, *_: drawn.append(bounds) or "")
    page(sources, tmp_path / "again")
    write_json(sources.metrics / "release/dpo2.json", {"total": {"mean": 0.4}})
    page(sources, tmp_path / "broken")
    assert list(drawn[0].values()) == pytest.approx(ceilings)
    assert list(drawn[1].values()) == [pytest.approx(ceilings[0]), None, None]
