"""Tables are checked on every read and write, and errors carry ids, never text."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthfr import records
from synthfr.errors import UserError

PRIVATE = "Madame Canari, le 3 mars"


def reports(n: int = 2, **changes: object) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "report_id": [f"r{i}" for i in range(n)],
            "text": [f"{PRIVATE} {i}" for i in range(n)],
            "codes": [["I10"]] * n,
            "keywords": [["hypertension", "toux"]] * n,
            "language": "fr",
        }
    )
    return frame.assign(**changes)


def scores(**changes: object) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "prompt_id": ["a1", "a1"],
            "candidate": [0, 1],
            "similarity": [0.5, 0.25],
            "keyword_recall": [1.0, 0.5],
            "judge": [None, None],
            "similarity_judge": [None, 0.7],
            "bleu": [0.1, 0.2],
            "total": [0.5, 0.25],
        }
    )
    return frame.assign(**changes)


def refused(frame: pd.DataFrame, table: records.Table, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        records.validate(frame, table, "in.parquet")
    assert "in.parquet" in str(caught.value)
    assert PRIVATE not in str(caught.value)
    assert caught.value.__cause__ is None  # Arrow's own message would quote the value
    assert len(str(caught.value).splitlines()) == 1


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    frame = reports(3, patient_id=["p1", None, "p2"])
    records.write_table(frame, path, records.REPORTS)
    back = records.read_table(path, records.REPORTS)
    assert back.columns.tolist() == [*reports().columns, "patient_id"]
    assert back["keywords"].tolist() == [["hypertension", "toux"]] * 3
    assert isinstance(back["codes"][0], list)
    assert back["patient_id"].isna().tolist() == [False, True, False]
    pd.testing.assert_frame_equal(back.drop(columns="patient_id"), reports(3), check_dtype=False)


def test_disabled_scores_are_nan_after_reading(tmp_path: Path) -> None:
    records.write_table(scores(), tmp_path / "s.parquet", records.SCORES)
    back = records.read_table(tmp_path / "s.parquet", records.SCORES)
    assert back["judge"].isna().all()
    assert back.dtypes["judge"] == np.float32
    assert back["total"].tolist() == [0.5, 0.25]


def test_a_table_may_be_one_of_several(tmp_path: Path) -> None:
    """By its columns; of none of them it is told as the first."""
    numbers = {
        "best": pd.array([1, None], dtype="Int8"),
        "chosen": pd.array([None, 2], dtype="Int8"),
        "rejected": pd.array([None, 0], dtype="Int8"),
    }
    orders = pd.DataFrame({"prompt_id": ["a1", "b2"], **numbers})
    path, either = tmp_path / "released.parquet", (records.SCORES, records.ORDERS)
    for table, kind in ((orders, records.ORDERS), (scores(), records.SCORES)):
        records.write_table(table, path, kind)
        back = records.read_one_of(path, *either)
        assert records.kind_of(back, *either) is kind
        pd.testing.assert_frame_equal(back, records.read_table(path, kind))
        assert records.empty(kind).dtypes.equals(back.dtypes)
    records.write_table(orders, path, records.ORDERS)
    pd.testing.assert_frame_equal(records.read_one_of(path, *either), orders)
    records.write_table(reports(), path, records.REPORTS)
    with pytest.raises(UserError, match="column 'prompt_id' is missing from this scores table"):
        records.read_one_of(path, *either)


def test_same_rows_same_bytes(tmp_path: Path) -> None:
    shuffled = reports()[["language", "keywords", "codes", "text", "report_id"]]
    shuffled.index = [7, 9]  # neither the order of columns nor the index is part of a table
    for name, frame in {"a": reports(), "b": shuffled, "c": reports(text=["x", "y"])}.items():
        records.write_table(frame, tmp_path / name, records.REPORTS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


def test_every_table_can_be_empty(tmp_path: Path) -> None:
    tables = [table for table in vars(records).values() if isinstance(table, records.Table)]
    assert len(tables) >= 10
    for table in tables:
        records.write_table(records.empty(table), tmp_path / table.name, table)
        assert len(records.read_table(tmp_path / table.name, table)) == 0


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (reports().drop(columns="text"), "column 'text' is missing .*add it or map"),
        (reports(note="x"), "column 6 of 6 has no place"),
        (reports(text=["ok", None]), r"column 'text', row 1 \(report_id 'r1'\): is null"),
        (reports(text=["ok", " \n"]), r"column 'text', row 1 \(report_id 'r1'\): is empty"),
        (reports(report_id=["r0", "r0"]), "rows 0 and 1 have the same report_id 'r0'"),
        (reports(report_id=["r0", None]), "column 'report_id', row 1: is null"),
        (reports(text=[PRIVATE, 3]), "column 'text', row 1: not of type string"),
        (reports(codes=[["I10"], "I10"]), "column 'codes', row 1: not of type list"),
        (reports(codes=[["I10"], ["I10", ""]]), "row 1 .*holds a null or empty item"),
        (reports(codes=[["I10"], [None]]), "row 1 .*holds a null or empty item"),
    ],
)
def test_bad_reports(frame: pd.DataFrame, message: str) -> None:
    refused(frame, records.REPORTS, message)


def test_reports_may_lack_codes_and_keywords_but_prompts_may_not() -> None:
    records.validate(reports(codes=[[], []], keywords=[[], []]), records.REPORTS, "here")
    prompt = pd.DataFrame(
        {"prompt_id": ["p"], "keywords": [["toux"]], "prompt": ["Écrire"], "language": ["fr"]}
    )
    records.validate(prompt, records.PROMPTS, "here")
    refused(prompt.assign(keywords=[[]]), records.PROMPTS, "'keywords', row 0 .*empty list")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (scores(comment=PRIVATE), "column 9 of 9 has no place in a scores table"),
        (scores(similarity=[PRIVATE, "x"]), "column 'similarity', row 0: not of type float"),
        (scores(candidate=[0, None]), r"'candidate', row 1 \(prompt_id 'a1'\): is null"),
        (scores(total=[0.5, float("inf")]), "'total', row 1 .*not a finite number"),
        (scores(candidate=[0, 0]), "rows 0 and 1 have the same prompt_id 'a1', candidate 0"),
        (scores(candidate=[0, 300]), "column 'candidate', row 1: not of type int8"),
    ],
)
def test_scores_carry_ids_and_numbers_only(frame: pd.DataFrame, message: str) -> None:
    refused(frame, records.SCORES, message)


def test_a_text_column_smuggled_into_a_scores_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    records.write_table(scores(), path, records.SCORES)
    table = pq.read_table(path)
    judge = table.schema.get_field_index("judge")
    for smuggled in (
        table.append_column("why", pa.array([PRIVATE, PRIVATE])),
        table.set_column(judge, "judge", pa.array([PRIVATE, None])),
    ):
        pq.write_table(smuggled, path)
        with pytest.raises(UserError) as caught:
            records.read_table(path, records.SCORES)
        assert PRIVATE not in str(caught.value)


def test_code_sets_and_choices() -> None:
    sets = pd.DataFrame(
        {
            "kind": ["size", "code", "pair"],
            "codes": [[], ["I10"], ["E11", "I10"]],
            "size": [2, 1, 2],
            "n_documents": [40, 30, 12],
        }
    )
    records.validate(sets, records.CODE_SETS, "here")
    refused(
        sets.assign(kind=["size", "code", "triple"]), records.CODE_SETS, "one of size, code, pair"
    )
    twice = pd.concat([sets, sets.tail(1)])
    refused(twice, records.CODE_SETS, "rows 2 and 3 have the same")


def test_truncated_missing_and_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    records.write_table(reports(), path, records.REPORTS)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:-4], b"", b"report_id,text\n"):
        path.write_bytes(content)
        with pytest.raises(UserError, match="cannot be read as Parquet"):
            records.read_table(path, records.REPORTS)
    with pytest.raises(UserError, match=r"none\.parquet is missing: make it with `dvc repro`"):
        records.read_table(tmp_path / "none.parquet", records.REPORTS)


def test_wrong_type_in_a_file_names_the_column(tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    pq.write_table(pa.Table.from_pandas(scores(), preserve_index=False), path)  # int64, float64
    with pytest.raises(UserError, match="column 'candidate' has type int64"):
        records.read_table(path, records.SCORES)


def test_a_refused_table_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    records.write_table(reports(), path, records.REPORTS)
    before = path.read_bytes()
    with pytest.raises(UserError):
        records.write_table(reports(text=["ok", ""]), path, records.REPORTS)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["r.parquet"]


class TestSides:
    def write(self, folder: Path, **holdout: object) -> tuple[Path, Path]:
        train = reports(3, patient_id=["p1", "p1", "p2"])
        other = reports(2, report_id=["h1", "h2"], patient_id=["p3", "p4"]).assign(**holdout)
        places = folder / "train.parquet", folder / "holdout.parquet"
        for frame, place in zip((train, other), places, strict=True):
            records.write_table(frame.dropna(axis=1), place, records.REPORTS)
        return places

    def test_a_patient_on_both_is_refused_without_an_id(self, tmp_path: Path) -> None:
        places = self.write(tmp_path, patient_id=["p2", "p3"])
        with pytest.raises(
            UserError,
            match=r"^1 patient\(s\) have reports in both .*train.parquet "
            r"and .*holdout.parquet.*by patient .*run seed again\.$",
        ) as error:
            records.read_sides(*places)
        assert "p2" not in str(error.value) and PRIVATE not in str(error.value)

    def test_others_are_read(self, tmp_path: Path) -> None:
        train, holdout = records.read_sides(*self.write(tmp_path))
        assert train["report_id"].tolist() == ["r0", "r1", "r2"] and len(holdout) == 2

    def test_without_patients_a_report_is_one(self, tmp_path: Path) -> None:
        records.read_sides(*self.write(tmp_path, patient_id=None))
        places = self.write(tmp_path, patient_id=None, report_id=["h1", "r2"])
        with pytest.raises(UserError, match="1 patient"):
            records.read_sides(*places)

    def test_whatever_stage_reads_both_reads_them_so(self) -> None:
        both = []
        for path in Path("stages").glob("*.py"):
            stage = path.read_text(encoding="utf-8")
            if "layout.PRIVATE_TRAIN" in stage and "layout.PRIVATE_HOLDOUT" in stage:
                both.append(path.stem)
                assert path.stem == "seed" or "read_sides(layout.PRIVATE_TRAIN, layout" in stage
                assert "read_table(layout.PRIVATE" not in stage
        assert {"reference", "augment", "noise", "errors", "fidelity", "privacy"} < set(both)
