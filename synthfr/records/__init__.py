"""The tables that stages hand to one another, checked on every read and write.

Texts are joined by id, never by row order. `schemas` holds the tables, `table` what checks them,
`owners` whom their reports are about, `sides` those of the private side together.
"""

from synthfr.records.owners import numbered, owners_of, shared_patients
from synthfr.records.schemas import (
    CANARIES,
    CANDIDATES,
    CODE_SETS,
    CODES,
    DECISIONS,
    EVIDENCE,
    JUDGEMENTS,
    KEYED,
    ORDERS,
    PAIRS,
    PRIVATE_SCORES,
    PROMPTS,
    REPORTS,
    SCORES,
    SFT,
    SIMILARITIES,
    SYNTHETIC,
)
from synthfr.records.sides import read_sides
from synthfr.records.table import (
    Table,
    empty,
    kind_of,
    read_one_of,
    read_table,
    validate,
    write_table,
)

__all__ = [
    "CANARIES",
    "CANDIDATES",
    "CODES",
    "CODE_SETS",
    "DECISIONS",
    "EVIDENCE",
    "JUDGEMENTS",
    "KEYED",
    "ORDERS",
    "PAIRS",
    "PRIVATE_SCORES",
    "PROMPTS",
    "REPORTS",
    "SCORES",
    "SFT",
    "SIMILARITIES",
    "SYNTHETIC",
    "Table",
    "empty",
    "kind_of",
    "numbered",
    "owners_of",
    "read_one_of",
    "read_sides",
    "read_table",
    "shared_patients",
    "validate",
    "write_table",
]
