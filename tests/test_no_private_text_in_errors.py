"""Text planted in everything that a private stage reads is in nothing that it says: stdout, stderr,
log, exception. An id that looks like one may be told, cut.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthfr import records, redact
from synthfr.corpora import Seed
from synthfr.corpora.files import reports
from synthfr.errors import UserError
from synthfr.pipeline import command, layout, parameters, tracking
from tests.stages import small_seed

# letters that no message of ours has next to one another: three of them in a row are a leak
LETTERS = "zqxkwj"
PIECE = 3
WORD = st.text(LETTERS, min_size=6, max_size=20)
TEXTS = st.one_of(
    WORD,
    WORD.map(str.title),
    st.lists(WORD, min_size=2, max_size=4).map(" ".join),
    st.lists(WORD, min_size=2, max_size=3).map("\n".join),
    st.lists(WORD, min_size=2, max_size=2).map(lambda words: f"{words[0]} né le 12/03/1961"),
    WORD.map(lambda word: f"“{word}”, âgé de 54 ans"),
    WORD.map(lambda word: f"{word}\u2028{word}"),
)
ROWS: list[dict[str, Any]] = [
    {"report_id": f"s{n}", "text": f"Une HTA {n}.", "codes": ["I10"]} for n in range(6)
]
RAW = Path("data/private/raw")


def pieces(planted: str, said: str) -> list[str]:
    """The parts of `planted` that are in `said`, in any letter case."""
    planted, said = planted.lower(), said.lower()
    parts = {planted[at : at + PIECE] for at in range(len(planted) - PIECE + 1)}
    return sorted(part for part in parts if set(part) <= set(LETTERS) and part in said)


def jsonl(rows: list[dict[str, Any]]) -> Path:
    path = RAW / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def csv(content: str | bytes) -> Path:
    path = RAW / "own.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def parquet(columns: dict[str, Any]) -> Path:
    pq.write_table(pa.table(columns), RAW / "own.parquet")
    return RAW / "own.parquet"


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def with_cell(name: str, cell: Any) -> list[dict[str, Any]]:
    return [*ROWS, {**ROWS[0], "report_id": "s99", name: cell}]


def latin(text: str) -> bytes:
    return f"report_id,text,codes\n1,{quoted(text + ' opéré')},I10\n".encode("latin-1", "replace")


def no_utf8(text: str) -> Path:
    column = pa.array([text.encode() + b"\xe9"]).view(pa.string())
    return parquet({"report_id": ["1"], "text": column, "codes": [["I10"]]})


def cut_parquet(text: str) -> Path:
    path = parquet({"report_id": ["1"], "text": [text], "codes": [["I10"]]})
    path.write_bytes(path.read_bytes()[:-30])
    return path


def doubled_columns(text: str) -> Path:
    table = pa.table([["1"], ["a"], ["b"]], names=["report_id", text, text])
    pq.write_table(table, RAW / "own.parquet")
    return RAW / "own.parquet"


def elsewhere(text: str) -> Path:
    Path("own.csv").write_text(f"report_id,text,codes\n1,{quoted(text)},I10\n")
    return Path("own.csv")


# what is wrong with a private file, with the planted text in it -> the file, and the mapping
BROKEN: dict[str, Callable[[str], tuple[Path, dict[str, str]]]] = {
    "no header": lambda t: (csv(f"{quoted(t)},{quoted(t + '!')}\n" * 2), {}),
    "header nearly": lambda t: (
        csv(f"report_id,text,{quoted('codes_du_dossier ' + t[:6])}\n1,x,I10\n"),
        {"codes": "codes_du_dossier"},
    ),
    "json key": lambda t: (jsonl([{"report_id": "1", t: t}]), {}),
    "json key nearly": lambda t: (jsonl([{"report_id": "1", "text_" + t: t}]), {}),
    "parquet column": lambda t: (parquet({"report_id": ["1"], t: [t]}), {}),
    "parquet struct": lambda t: (
        parquet({"report_id": ["1"], "text": [{t: t}], "codes": [[t]]}),
        {},
    ),
    "text is no text": lambda t: (jsonl(with_cell("text", {t: t})), {}),
    "doubled columns": lambda t: (doubled_columns(t), {}),
    "doubled header": lambda t: (csv(f"report_id,{quoted(t)},{quoted(t)}\n1,x,y\n"), {}),
    "doubled id": lambda t: (jsonl([{**row, "report_id": t} for row in ROWS]), {}),
    "text mapped to id": lambda t: (
        jsonl([{**row, "text": t} for row in ROWS]),
        {"report_id": "text"},
    ),
    "id of an empty text": lambda t: (jsonl([*ROWS, {"report_id": t, "text": ""}]), {}),
    "id is an object": lambda t: (jsonl([{**ROWS[0], "report_id": {t: t}, "text": ""}]), {}),
    "language": lambda t: (jsonl(with_cell("language", t)), {}),
    "language is a list": lambda t: (jsonl(with_cell("language", [t])), {}),
    "code": lambda t: (jsonl(with_cell("codes", ["I10", t])), {}),
    "code text": lambda t: (csv(f"report_id,text,codes\n1,x,{quoted(t)}\n"), {}),
    "codes are an object": lambda t: (jsonl(with_cell("codes", {t: t})), {}),
    "keywords are an object": lambda t: (jsonl(with_cell("keywords", {t: t})), {}),
    "patient": lambda t: (jsonl([{**row, "patient_id": ""} for row in with_cell("text", t)]), {}),
    "one patient": lambda t: (jsonl([{**row, "patient_id": t} for row in ROWS]), {}),
    "date": lambda t: (jsonl([{**row, "report_id": "1961-03-12"} for row in ROWS]), {}),
    "not utf-8": lambda t: (csv(latin(t)), {}),
    "parquet not utf-8": lambda t: (no_utf8(t), {}),
    "cut parquet": lambda t: (cut_parquet(t), {}),
    "csv as parquet": lambda t: (csv(t).rename(RAW / "own.parquet"), {}),
    "broken json": lambda t: (csv(f'{{"text": "{t}').rename(RAW / "own.jsonl"), {}),
    "half a character": lambda t: (jsonl(with_cell("text", t + "\ud83d")), {}),
    "deep json": lambda t: (csv(f'{{"{t[:6]}": ' + "[" * 9000).rename(RAW / "own.jsonl"), {}),
    "broken quoting": lambda t: (csv(f"report_id,text\n1,{quoted(t)}x\n"), {}),
    "open quote": lambda t: (csv(f'report_id,text\n1,"{t}\n'), {}),
    "stray separator": lambda t: (csv(f"report_id,text\n1,{quoted(t)},{quoted(t)}\n"), {}),
    "also public": lambda t: (jsonl(with_cell("text", "Patient suivi partout.")), {}),
    "outside data/private": lambda t: (elsewhere(t), {}),
}


@cache
def shipped() -> parameters.Params:
    return parameters.load_params(
        small_seed.ROOT / "params.yaml"
    )  # reading it takes most of a second


def seeding_from(path: Path, columns: dict[str, str]) -> None:
    """What the stages take for params.yaml from now on."""
    sources: dict[str, Any] = {
        "public": {"path": "public.jsonl", "columns": {}},
        "private": {"path": str(path), "columns": columns},
        "codes": {"path": "codes.jsonl", "columns": {}},
    }
    own = shipped().seed.model_dump() | {"source": "files"}
    seed = Seed.model_validate(own | {"files": own["files"] | sources})
    keywords = shipped().keywords.model_copy(update={"min_documents": 1})
    made = shipped().model_copy(update={"seed": seed, "keywords": keywords})
    patch.setattr(parameters, "load_params", lambda _: made)


patch = pytest.MonkeyPatch()  # undone after every example


@contextmanager
def workplace() -> Iterator[None]:
    """A checkout of its own for every example."""
    before, variables = Path.cwd(), dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        RAW.mkdir(parents=True)
        public = [{"report_id": "p1", "text": "Patient suivi partout."}]
        public += [{"report_id": f"q{n}", "text": f"HTA ancienne {n}."} for n in range(3)]
        Path("public.jsonl").write_text("".join(json.dumps(row) + "\n" for row in public))
        Path("codes.jsonl").write_text('{"code": "I10", "label": "HTA"}\n')
        patch.setattr(tracking, "open_tracker", lambda *_: small_seed.Untracked())
        try:
            yield
        finally:
            patch.undo()
            os.chdir(before)
            os.environ.clear()
            os.environ.update(variables)


def seeded(path: Path, columns: dict[str, str]) -> str:
    """All that the stage `seed` says of a private file; it must refuse it."""
    seeding_from(path, columns)
    return refused("seed")


def refused(stage: str, *arguments: str) -> str:
    heard: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        result = small_seed.run(stage, *arguments)
    finally:
        logging.getLogger().removeHandler(handler)
    assert result.exit_code == 1, result.output
    return "\n".join([result.output, result.stderr, str(result.exception), *heard])


def said_of(how: str, planted: str) -> str:
    with workplace():
        said = seeded(*BROKEN[how](planted))
        assert f"seed: {'seed.files' if how == 'outside data/private' else ''}" in said
        return said


few = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("how", BROKEN)
@few
@given(planted=TEXTS)
def test_a_broken_private_file_is_refused_in_silence(how: str, planted: str) -> None:
    said = said_of(how, planted)
    assert pieces(planted, said) == []
    # foreseen: one sentence, not an error of the program
    assert "not foreseen" not in said
    assert said.splitlines()[0].endswith(".") or how == "not utf-8"


@few
@given(word=st.text(LETTERS, min_size=60, max_size=80))
def test_of_an_id_not_more_than_its_beginning_is_told(word: str) -> None:
    planted = f"7{word}"
    with workplace():
        said = seeded(jsonl([{**row, "report_id": planted} for row in ROWS]), {})
    assert planted[: redact.ID_CHARS] in said
    assert planted[: redact.ID_CHARS + 1] not in said


def _reveal_ids(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(redact, "shown_id", repr)


def _reveal_columns(patch: pytest.MonkeyPatch) -> None:
    def told(path: Path, column: str, name: str, setting: str, theirs: list[str]) -> UserError:
        return UserError(f"{path}: it has {', '.join(theirs)}.")

    patch.setattr(reports, "missing_column", told)


@pytest.mark.parametrize(
    ("reveal", "how"),
    [
        (_reveal_ids, "doubled id"),
        (_reveal_ids, "text mapped to id"),
        (_reveal_ids, "id of an empty text"),
        (_reveal_columns, "no header"),
        (_reveal_columns, "json key"),
        (_reveal_columns, "parquet column"),
    ],
)
def test_a_leak_would_be_seen(
    reveal: Callable[[pytest.MonkeyPatch], None], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: the messages as they once were."""
    reveal(monkeypatch)
    assert pieces("Zqxkwjz wjkqxz", said_of(how, "Zqxkwjz wjkqxz"))


# --- the stages that read the private tables


def _table(planted: str, **changes: Any) -> pa.Table:
    columns = {
        "report_id": ["s1", "s2"],
        "text": [planted, planted],
        "codes": [["I10"], ["I10"]],
        "keywords": [[planted], []],
        "language": ["fr", "fr"],
    }
    return pa.table(columns | changes)


TABLES: dict[str, Callable[[str], pa.Table]] = {
    "column": lambda t: _table(t, **{t: [t, t]}),
    "type": lambda t: _table(t, codes=[{t: t}, {t: t}]),
    "list": lambda t: _table(t, codes=[t, t]),
    "doubled": lambda t: _table(t, report_id=[t, t]),
    "empty text": lambda t: _table(t, report_id=[t, "s2"], text=[" ", t]),
    "empty item": lambda t: _table(t, report_id=[t, "s2"], codes=[[""], []]),
    "null": lambda t: _table(t, report_id=[t, "s2"], text=[None, t]),
    "missing": lambda t: _table(t).drop_columns(["language"]),
    "language": lambda t: _table(t, language=[t, "fr"]),
}


@pytest.mark.parametrize("how", TABLES)
@few
@given(planted=TEXTS)
def test_a_broken_private_table_is_refused_in_silence(how: str, planted: str) -> None:
    with workplace():
        rows = [
            {"report_id": f"s{n}", "text": f"HTA numéro {n}.", "codes": ["I10"]} for n in range(40)
        ]
        seeding_from(jsonl(rows), {})
        assert small_seed.run("seed").exit_code == 0
        pq.write_table(TABLES[how](planted), layout.PRIVATE_TRAIN)
        said = refused("keywords")
    assert pieces(planted, said) == []
    assert "not foreseen" not in said


@given(planted=TEXTS)
@few
def test_what_is_written_is_refused_in_silence(planted: str) -> None:
    frame = _table(planted).to_pandas()
    for name, cell in (("codes", planted), ("text", [planted]), ("text", planted + "\ud83d")):
        broken = frame.copy()
        broken[name] = pd.Series([broken[name].iloc[1], cell], dtype=object)
        with pytest.raises(UserError) as caught:
            records.validate(broken, records.REPORTS, "here")
        assert pieces(planted, str(caught.value)) == []


@pytest.mark.parametrize("stage", command.PRIVATE_STAGES)
@few
@given(planted=TEXTS)
def test_an_unforeseen_error_is_told_in_silence(stage: str, planted: str) -> None:
    """Of every stage: its first read fails as libraries fail, with what they met."""

    def fails(*_: Any, **__: Any) -> None:
        pa.scalar(planted).cast(pa.float64())  # quotes it

    once = ("seed", "keywords", "reference", "reference_coder", "compare", "noise")
    arguments = [] if stage in once else ["dpo1"]
    with workplace():
        seeding_from(jsonl(ROWS), {})
        patch.setattr("synthfr.records.read_table", fails)
        patch.setattr("synthfr.records.read_sides", fails)
        patch.setattr("synthfr.corpora.load", fails)
        patch.setattr("synthfr.coding.kept.read_judged", fails)
        said = refused(stage, *arguments)
        assert pieces(planted, said) == []
        assert "ArrowInvalid" in said
        assert pieces(planted, layout.FAILURES.joinpath(f"{stage}.txt").read_text())  # control
