"""Privacy audits of synthetic data: numbers about private texts, never the texts."""

from synthfr.privacy.overlap import Audit, Overlap, audit

__all__ = ["Audit", "Overlap", "audit"]
