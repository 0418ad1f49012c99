"""All that is wrong with a user's files is told at once, one sentence a kind, nothing repeated."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthfr import corpora
from synthfr.corpora import files
from synthfr.corpora.problems import SHOWN, UserErrors, places, sentences
from synthfr.errors import UserError
from tests.corpora import broken
from tests.corpora.broken import BROKEN, CANARY, REPORTS, changed, jsonl, params, table, without


def problems(folder: Path, private: Path, **settings: Any) -> tuple[str, ...]:
    """What is told of the files; the stage refuses them with the same sentences."""
    seed = params(folder, private, **settings)
    found = files.read(seed, 0).problems
    if not found:
        corpora.load(seed, 0)
        return ()
    with pytest.raises(UserError) as error:
        corpora.load(seed, 0)
    assert sentences(error.value) == found
    assert CANARY.lower() not in str(error.value).lower()
    assert "\n" not in str(error.value)
    return found


def codes_read(folder: Path, private: Path) -> list[list[str]]:
    frame = files.read(params(folder, private), 0).private.frame
    assert frame is not None
    return [list(codes) for codes in frame["codes"]]


def test_the_files_that_are_broken_here_are_good_by_themselves(tmp_path: Path) -> None:
    """Negative control."""
    assert problems(tmp_path, jsonl(tmp_path / "own.jsonl", REPORTS)) == ()


@pytest.mark.parametrize("how", BROKEN)
def test_each_kind_is_named(tmp_path: Path, how: str) -> None:
    write, said = BROKEN[how]
    found = problems(tmp_path, write(tmp_path))
    assert [one for one in found if said in one], found
    assert len(found) == (3 if how in ("columns missing", "no header", "one column") else 1)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = jsonl(tmp_path / "own.jsonl", REPORTS)
    opened = Path.open

    def refused(self: Path, *arguments: Any, **options: Any) -> Any:
        if self == path:
            raise PermissionError(13, "Permission denied")
        return opened(self, *arguments, **options)

    seed = params(tmp_path, path)
    monkeypatch.setattr(Path, "open", refused)
    [told] = files.read(seed, 0).problems
    assert told == f"{path} cannot be read (Permission denied): let this user read it (chmod u+r)."


def test_all_kinds_are_told_in_one_call(tmp_path: Path) -> None:
    rows = [dict(row) for row in REPORTS]
    rows[3]["text"] = ""
    rows[4]["codes"] = [CANARY]
    rows[5]["report_id"] = "s1"
    rows[6]["patient_id"] = None
    rows[7]["text"] = "une anémie cas 2"
    rows[8]["language"] = CANARY
    public = tmp_path / "other.csv"
    public.write_bytes("report_id;text\n1;Une anémie\n".encode("utf-16"))
    found = problems(tmp_path, jsonl(tmp_path / "own.jsonl", rows), public={"path": str(public)})
    rows.insert(2, {})
    jsonl(tmp_path / "own.jsonl", rows)
    text = (tmp_path / "own.jsonl").read_text().replace("{}\n", "{\n")
    (tmp_path / "own.jsonl").write_text(text)
    again = problems(tmp_path, tmp_path / "own.jsonl")
    assert [one for one in again if "line 3: not a JSON object" in one]
    assert [one for one in again if "row 5 (report_id 's3'): the text is empty" in one]
    for kind in ("is empty", "ICD-10", "earlier row", "patient is", "its language", "UTF-16"):
        assert len([one for one in found if kind in one]) == 1, kind
    assert [one for one in again if "is also in" in one]  # beside the good public file


def test_the_error_of_several_kinds_numbers_them(tmp_path: Path) -> None:
    rows = changed(text="", report_id=None)
    with pytest.raises(UserErrors, match=r"^2 things to mend: \(1\) .* \(2\) "):
        corpora.load(params(tmp_path, jsonl(tmp_path / "own.jsonl", rows)), 0)


def test_of_many_rows_ten_are_named_and_all_counted(tmp_path: Path) -> None:
    rows = [{**row, "text": ""} if n >= 15 else row for n, row in enumerate(REPORTS)]
    [told] = problems(tmp_path, jsonl(tmp_path / "own.jsonl", rows))
    assert "own.jsonl, 25 rows (16 's15', 17 's16'" in told
    assert "25 's24', and 15 more): the text is empty" in told
    assert places(range(1, SHOWN + 1)).endswith("9, 10)")  # no more: all are named


def test_an_id_that_looks_like_none_is_left_out(tmp_path: Path) -> None:
    rows = [*REPORTS, *({**REPORTS[n], "report_id": f"Dupont {CANARY} {n}"} for n in range(3))]
    rows = [{**row, "text": ""} if n >= 39 else row for n, row in enumerate(rows)]
    [told] = problems(tmp_path, jsonl(tmp_path / "own.jsonl", rows))
    assert "4 rows (40 's39', 41, 42, 43): the text is empty" in told


@pytest.mark.parametrize(
    "written",
    [
        '["I10", "E11.9"]',
        "['I10', 'E11.9']",
        "I10,E11.9",
        "i10 ; e119",
        "I10|E11.9",
        "I10 E11.9",
        "I10\nE11.9",
        "I10 / E11.9",
        "I10†, E11.9*",
        "I10 † E11.9 *",
        "I10+ E11.9*",
        "I10†E11.9*",
        "I10+(E11.9*)",
        "(I10) E 11.9",
        "I10! E11 .9",
        "{I10,E119}",
        ["I10", "E11.9"],
        ["I10;E11.9"],
        ["I10†", None, "e119"],
    ],
)
def test_lists_of_codes_are_read_however_they_are_written(tmp_path: Path, written: Any) -> None:
    path = jsonl(tmp_path / "own.jsonl", changed(codes=written))
    assert problems(tmp_path, path) == ()
    assert codes_read(tmp_path, path)[-3:] == [["I10", "E11.9"]] * 3


@pytest.mark.parametrize("written", ["", "[]", "nan", "None", "-", None, [], [None]])
def test_a_report_may_have_no_code(tmp_path: Path, written: Any) -> None:
    path = jsonl(tmp_path / "own.jsonl", changed(codes=written))
    assert problems(tmp_path, path) == ()
    assert codes_read(tmp_path, path)[-3:] == [[]] * 3


def test_a_code_with_an_extension_of_its_own_stays(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "own.jsonl", changed(codes="C16.9+0, A17.0+G01*"))
    assert codes_read(tmp_path, path)[-1] == ["C16.9+0", "A17.0", "G01"]


@pytest.mark.parametrize("written", ['["HTA", "toux"]', "['HTA', 'toux']", "HTA; toux"])
def test_keywords_written_as_a_list(tmp_path: Path, written: str) -> None:
    path = jsonl(tmp_path / "own.jsonl", changed(keywords=written))
    frame = files.read(params(tmp_path, path), 0).private.frame
    assert frame is not None and list(frame["keywords"].iloc[-1]) == ["HTA", "toux"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_separators_are_found(tmp_path: Path, separator: str, encoding: str) -> None:
    text = table(without("codes"), separator)
    lines = [line + separator + "I10, E11.9" for line in text.splitlines()[1:]]
    if separator == ",":
        lines = [line.replace("I10, E11.9", '"I10, E11.9"') for line in lines]
    path = tmp_path / "own.csv"
    header = separator.join(["report_id", "text", "patient_id", "codes"])
    path.write_text("\n".join([header, *lines]), encoding)
    assert problems(tmp_path, path) == ()
    assert codes_read(tmp_path, path) == [["I10", "E11.9"]] * 40


def test_a_name_with_another_separator_in_it_misleads_nobody(tmp_path: Path) -> None:
    """The separator is the one that gives the columns asked for."""
    path = tmp_path / "own.csv"
    body = table(REPORTS, ";").splitlines()[1:]
    path.write_text("\n".join(["report_id;text;codes;patient_id;a,b,c,d,e,f"] + [
        f'{line.replace("I10;E11.9", "I10")};' for line in body
    ]))  # fmt: skip
    assert problems(tmp_path, path) == ()


def test_a_spreadsheets_empty_cells_and_blank_lines_are_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(
        "\n report_id,text ,codes,,\n"
        + "".join(f"s{n},Une HTA {n}.,I10,,,\n" for n in range(20))
        + ",,,,\n\n"
    )
    seed = params(tmp_path, path)
    corpus = corpora.load(seed, 0)
    assert len(corpus.private_train) + len(corpus.private_holdout) == 20


def test_a_folder_with_one_table_is_that_table(tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "README.md").write_text("put them here")
    jsonl(folder / "own.jsonl", REPORTS)
    assert problems(tmp_path, folder) == ()


def test_the_other_files_are_read_though_one_is_not_there(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        tmp_path / "nowhere.csv",
        public={"path": str(tmp_path / "neither.csv")},
        codes={"path": str(tmp_path / "no.csv")},
        language="xx",
    )
    assert len(found) == 3 and "seed.language" in found[0]
    found = problems(tmp_path, tmp_path / "nowhere.csv", codes={"path": str(tmp_path / "no.csv")})
    assert [one.rpartition("/")[2].split()[0] for one in found] == ["nowhere.csv", "no.csv"]


def test_a_near_copy_is_refused_and_told_with_its_share(tmp_path: Path) -> None:
    long = " ".join(f"mot{n}" for n in range(100))
    public = jsonl(
        tmp_path / "p.jsonl", [*broken.PUBLIC, {"report_id": "near", "text": long + " Fin."}]
    )
    edited = long.replace("mot50", "Madame").replace("mot20", "lundi")
    rows = [*REPORTS[:-1], {**REPORTS[-1], "text": f"{CANARY}. {edited}"}]
    path = jsonl(tmp_path / "own.jsonl", rows)
    own = {"public": {"path": str(public)}}
    [told] = problems(tmp_path, path, **own)
    # 94 passages of 8 words, 16 of them with a changed word, one with the last
    assert "row 40 (report_id 's39', there row 7, 82%): the report is in large part also" in told
    assert problems(tmp_path, path, **own, also_public_share=0.9) == ()  # negative control


def test_the_public_copies_can_be_left_out(tmp_path: Path) -> None:
    public = [{**row, "patient_id": f"q{n}"} for n, row in enumerate(broken.PUBLIC)]
    public[1]["patient_id"] = "p4"  # has private reports, too
    own = {"public": {"path": str(jsonl(tmp_path / "p.jsonl", public))}}
    rows = [*REPORTS[:-1], {**REPORTS[-1], "text": "une anémie cas 5"}]
    path = jsonl(tmp_path / "own.jsonl", rows)
    found = problems(tmp_path, path, **own)
    assert len(found) == 2
    assert "2 rows (9 's8', 10 's9'): 1 of its patients have reports on the public" in found[1]
    reading = files.read(params(tmp_path, path, **own, also_public="leave_out"), 0)
    assert reading.problems == () and reading.corpus is not None
    assert reading.corpus.public["report_id"].tolist() == ["c0", "c2", "c3", "c4"]
    assert [one for one in reading.notes if "2 of 6 public reports are left out" in one]


def test_nothing_left_of_the_public_side_is_told(tmp_path: Path) -> None:
    rows = [*REPORTS, *({**row, "codes": [], "patient_id": "q"} for row in broken.PUBLIC)]
    path = jsonl(tmp_path / "own.jsonl", rows)
    found = problems(tmp_path, path, also_public="leave_out")
    assert len(found) == 1 and "no public report is left" in found[0]


def test_what_stops_nothing_is_noted(tmp_path: Path) -> None:
    rows = [{**row, "text": f"{row['text']} {CANARY} Ã©tÃ©"} for row in without("patient_id")]
    rows[7]["text"] = rows[2]["text"].upper()
    reading = files.read(params(tmp_path, jsonl(tmp_path / "own.jsonl", rows)), 0)
    assert reading.corpus is not None
    for kind in ("row 8 (report_id 's7'): the text is that", "letters look misread", "no patients"):
        assert len([one for one in reading.notes if kind in one]) == 1, reading.notes
    assert not any(CANARY in one for one in reading.notes)
    good = files.read(params(tmp_path, jsonl(tmp_path / "own.jsonl", REPORTS)), 0)
    assert good.notes == ()  # negative control


def test_a_row_with_two_mistakes_is_told_in_both_kinds(tmp_path: Path) -> None:
    frame = pd.DataFrame(changed(text=None, codes=["250.0"]))
    path = tmp_path / "own.parquet"
    frame.to_parquet(path)
    assert len(problems(tmp_path, path)) == 2
