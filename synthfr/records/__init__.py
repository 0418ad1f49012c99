"""The tables that stages hand to one another, checked on every read and write.

Texts are joined by id, never by row order. `schemas` holds the tables, `table` what checks them,
`owners` whom their reports are about.
"""

from synthfr.records.owners import owners_of
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
    "owners_of",
    "read_one_of",
    "read_table",
    "validate",
    "write_table",
]
