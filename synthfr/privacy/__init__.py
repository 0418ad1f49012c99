"""Privacy audits of synthetic data: numbers about private texts, never the texts."""
