"""Croissant metadata of a data set: files, columns and their types as JSON-LD, for programs that
load or search data sets.

Source: MLCommons Croissant format specification 1.0,
https://docs.mlcommons.org/croissant/docs/croissant-spec.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from synthfr.disk import sha256_file

CROISSANT = "croissant.json"
RECORDS = "reports"  # name of the record set
_VOCABULARY = "http://mlcommons.org/croissant/"
_TERMS = (
    "citeAs", "column", "data", "dataType", "equivalentProperty", "examples", "extract", "field",
    "fileObject", "fileProperty", "fileSet", "format", "includes", "isLiveDataset", "jsonPath",
    "key", "md5", "parentField", "path", "recordSet", "references", "regex", "repeated", "replace",
    "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip
_TYPED = {"data": "@json", "dataType": "@vocab", "examples": "@json"}


def croissant(
    table: Path, *, name: str, description: str, licence: str, columns: Mapping[str, str]
) -> dict[str, Any]:
    """Metadata of a data set that is the one Parquet file `table`.

    `columns` says what each of its columns holds.
    """
    file = table.name
    schema = pq.read_schema(table)
    return {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": f"{_VOCABULARY}1.0",
        "name": name,
        "description": description,
        "license": licence,
        "isLiveDataset": False,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": file,
                "name": file,
                "contentUrl": file,
                "contentSize": f"{table.stat().st_size} B",
                "encodingFormat": "application/x-parquet",
                "sha256": sha256_file(table),
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": RECORDS,
                "name": RECORDS,
                "field": [_field(file, one, columns[one.name]) for one in schema],
            }
        ],
    }


def _context() -> dict[str, Any]:
    terms = {
        term: {"@id": f"cr:{term}", "@type": _TYPED[term]} if term in _TYPED else f"cr:{term}"
        for term in _TERMS
    }
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "sc": "https://schema.org/",
        "cr": _VOCABULARY,
        "rai": f"{_VOCABULARY}RAI/",
        "dct": "http://purl.org/dc/terms/",
        "conformsTo": "dct:conformsTo",
        **terms,
    }


def _field(file: str, column: pa.Field, description: str) -> dict[str, Any]:
    is_list = pa.types.is_list(column.type)
    kind = column.type.value_type if is_list else column.type
    field = {
        "@type": "cr:Field",
        "@id": f"{RECORDS}/{column.name}",
        "name": column.name,
        "description": description,
        "dataType": "sc:Integer" if pa.types.is_integer(kind) else "sc:Text",
        "source": {"fileObject": {"@id": file}, "extract": {"column": column.name}},
    }
    return field | ({"repeated": True} if is_list else {})
