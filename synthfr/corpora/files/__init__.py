"""Source ``files``: the user's own public and private reports, with a mapping of column names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from synthfr import icd10, redact, seeding
from synthfr.corpora.corpus import Corpus
from synthfr.corpora.files.code_list import code_list
from synthfr.corpora.reading import Columns, missing_column, read_columns
from synthfr.errors import UserError
from synthfr.section import ProperShare, Section
from synthfr.text.language_names import known_languages

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.corpora import Seed


class FileSource(Section):
    """Parameters `seed.files.codes` and `seed.files.public` and `seed.files.private`:
    see the comments in params.yaml.
    """

    path: str | None = None
    columns: dict[
        Literal[
            "report_id",
            "text",
            "codes",
            "keywords",
            "language",
            "patient_id",
            "code",
            "label",
            "synonyms",
        ],
        str,
    ] = {}


class SeedFiles(Section):
    """Parameters `seed.files`: see the comments in params.yaml."""

    public: FileSource = FileSource(path="data/public/raw")
    private: FileSource = FileSource(path="data/private/raw")
    codes: FileSource = FileSource(path="data/public/codes")
    list_separator: Annotated[str, Field(min_length=1)] = ";"
    holdout_share: ProperShare = 0.3


REPORT_COLUMNS = ("report_id", "text", "codes", "keywords", "language", "patient_id")


def corpus(params: Seed, random_seed: int) -> Corpus:
    """The user's corpus; the private reports split by patient.

    Raises:
        UserError: naming file, row or id, and remedy; never any text of a report.
    """
    files = params.files
    if params.language not in known_languages():
        raise UserError(
            f"seed.language: there are no resources for language '{params.language}' (known: "
            f"{', '.join(known_languages())}): correct it, or add a file to synthfr/text/languages."
        )
    public = reports(files.public, "public", params.language, files.list_separator)
    private = reports(
        files.private, "private", params.language, files.list_separator, required=("codes",)
    )
    _refuse_shared_texts(public, private, files.public, files.private)
    train, holdout = split_by_patient(private, files.holdout_share, random_seed)
    codes = code_list(files.codes, params.language, files.list_separator)
    return Corpus(public, train, holdout, codes)


def reports(
    source: FileSource,
    side: str,
    language: str,
    list_separator: str,
    required: Sequence[str] = (),
) -> pd.DataFrame:
    """A REPORTS table from one file. Without a column of theirs, codes and keywords are empty."""
    import pandas as pd

    path, columns = _mapped(source, side, ("report_id", "text", *required))
    ids = [_identity(value) for value in columns["report_id"]]
    for row, report_id in enumerate(ids):
        if not report_id:
            raise UserError(f"{path}, row {row + 1}: the report has no id: give it one of its own.")
    _refuse_repeats(path, ids)

    def where(row: int) -> str:
        return f"{path}, row {row + 1} (report_id {redact.shown_id(ids[row])})"

    for row, text in enumerate(columns["text"]):
        if not isinstance(text, str) or not text.strip():
            raise UserError(f"{where(row)}: the text is empty: fill it in or remove the row.")
    nothing = [None] * len(ids)
    table: dict[str, list[Any]] = {
        "report_id": ids,
        "text": columns["text"],
        "codes": [
            _codes(_items(cell, list_separator, where(row), "codes"), where(row))
            for row, cell in enumerate(columns.get("codes", nothing))
        ],
        "keywords": [
            _items(cell, list_separator, where(row), "keywords")
            for row, cell in enumerate(columns.get("keywords", nothing))
        ],
        "language": [cell or language for cell in columns.get("language", nothing)],
    }
    for row, own in enumerate(table["language"]):
        if own not in known_languages():
            raise UserError(
                f"{where(row)}: its language is none of those known ({', '.join(known_languages())}"
                "): correct it, leave it empty for seed.language, or map no language column."
            )
    if "patient_id" in columns:
        table["patient_id"] = [_identity(value) for value in columns["patient_id"]]
        for row, patient in enumerate(table["patient_id"]):
            if not patient:
                raise UserError(
                    f"{where(row)}: the patient is missing: fill in the patient's id, or map no "
                    "patient_id at all (the split is then by report)."
                )
    return pd.DataFrame(table)


def split_by_patient(
    private: pd.DataFrame, holdout_share: float, random_seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and holdout part, no patient in both (without `patient_id`: by report).

    A patient's side depends on the seed and the patient's id alone, so that it stays when reports
    are added; the share is therefore met on average.
    """
    patients = private["patient_id" if "patient_id" in private else "report_id"]
    threshold = holdout_share * 2.0**seeding.SEED_BITS
    held = patients.map(lambda patient: seeding.derive(random_seed, "holdout", patient) < threshold)
    parts = private[~held].reset_index(drop=True), private[held].reset_index(drop=True)
    if not all(map(len, parts)):
        raise UserError(
            f"The {patients.nunique()} private patients do not fill both train and holdout at "
            f"seed.files.holdout_share {holdout_share}: give more of them or change the share."
        )
    return parts


def _mapped(source: FileSource, side: str, required: Sequence[str]) -> tuple[Path, Columns]:
    """The file's columns under our names."""
    setting = f"seed.files.{side}"
    if source.path is None:
        raise UserError(f"{setting}.path is not set: name the file with the {side} reports.")
    path = Path(source.path)
    theirs = read_columns(path)
    ours: Columns = {}
    mapping: dict[str, str] = dict(source.columns.items())
    for name in REPORT_COLUMNS:
        column = mapping.get(name, name)
        if column in theirs:
            ours[name] = theirs[column]
        elif name in mapping or name in required:
            raise missing_column(path, column, name, f"{setting}.columns", list(theirs))
    return path, ours


def _identity(value: Any) -> str:
    """An id as text; empty where there is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None or value != value else str(value).strip()


def _refuse_repeats(path: Path, ids: Sequence[str]) -> None:
    seen: dict[str, int] = {}
    for row, report_id in enumerate(ids):
        if seen.setdefault(report_id, row) != row:
            raise UserError(
                f"{path}, rows {seen[report_id] + 1} and {row + 1}: both have the same report_id, "
                f"{redact.shown_id(report_id)}: give every report an id of its own, or map "
                "report_id to the column that holds ids."
            )


def _items(cell: Any, separator: str, where: str, name: str) -> list[str]:
    """A list cell: a list as it is, a text cut at the separator, nothing as an empty list."""
    if cell is None or cell != cell:
        return []
    parts = cell.split(separator) if isinstance(cell, str) else cell
    if not isinstance(parts, list):
        raise UserError(
            f"{where}: its {name} are neither a list nor text: write a list, or one text with "
            "seed.files.list_separator between the items."
        )
    return [str(part).strip() for part in parts if part is not None and str(part).strip()]


def _codes(cells: Sequence[str], where: str) -> list[str]:
    codes = []
    for number, cell in enumerate(cells, start=1):
        try:
            codes.append(icd10.normalise_code(cell))
        except UserError:
            raise UserError(
                f"{where}: item {number} of its codes is not an ICD-10 code: write codes as I10 or "
                "E11.9, and set seed.files.list_separator to what stands between them."
            ) from None
    return list(dict.fromkeys(codes))


def _refuse_shared_texts(
    public: pd.DataFrame, private: pd.DataFrame, public_source: FileSource, source: FileSource
) -> None:
    """A private report in the public seed would be trained on and shown: a hole in the wall."""
    known = dict(zip(public["text"].str.strip(), public["report_id"], strict=True))
    texts = private["text"].str.strip()
    for row, (text, report_id) in enumerate(zip(texts, private["report_id"], strict=True), start=1):
        if text in known:
            raise UserError(
                f"{source.path}: the report in row {row} (report_id {redact.shown_id(report_id)}) "
                f"is also in {public_source.path} (as {redact.shown_id(known[text])}), whose "
                "reports may be shared: remove it from one of them."
            )
