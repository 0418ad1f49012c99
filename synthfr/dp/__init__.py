"""Differential privacy: what a noisy answer costs, noise that nobody can predict, and a ledger of
what was spent. Knows nothing of reports or scores.
"""
