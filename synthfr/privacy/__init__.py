"""Privacy audits of synthetic data: numbers about private texts, never the texts."""

from synthfr.privacy.description import describe

__all__ = ["describe"]
