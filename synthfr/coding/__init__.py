"""Coders: models that assign ICD-10 codes, trained on synthetic reports and judged on private
holdout reports.
"""

from synthfr.coding.grid import evaluate_grid
from synthfr.coding.labels import exported_space
from synthfr.coding.real import evaluate_real
from synthfr.coding.summary import counting, summarise

__all__ = ["counting", "evaluate_grid", "evaluate_real", "exported_space", "summarise"]
