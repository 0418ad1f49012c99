"""Writing reports: candidates of a round, data set of a step."""

from synthfr.generation.candidates import candidate_requests, candidates, candidates_summary
from synthfr.generation.synthesis import Synthesis, plan, synthesis

__all__ = [
    "Synthesis",
    "candidate_requests",
    "candidates",
    "candidates_summary",
    "plan",
    "synthesis",
]
