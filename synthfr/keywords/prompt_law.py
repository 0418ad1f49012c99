"""Whether a generator is asked with prompts of the kind that it learnt from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from synthfr.keywords.report_terms import Keyword, terms_of

LAW_RATIO = 2  # more than so many times apart, prompts are of two kinds


def prompt_law(
    prompts: Sequence[Sequence[str]], seen: Sequence[Sequence[Keyword]]
) -> dict[str, float]:
    """What prompts are like: terms a prompt, and the share of them that the report names itself."""
    held = [(terms, terms_of(own)) for terms, own in zip(prompts, seen, strict=True) if terms]
    n_terms = sum(len(terms) for terms, _ in held)
    return {
        "terms_per_prompt": n_terms / max(len(held), 1),
        "share_in_text": sum(term in own for terms, own in held for term in terms)
        / max(n_terms, 1),
    }


def other_prompts(training: Mapping[str, float], asked: Mapping[str, float]) -> Iterator[str]:
    """A generator that learnt from prompts of one kind is asked with another: say so."""
    for name, meaning in (
        ("terms_per_prompt", "terms a prompt"),
        ("share_in_text", "of a prompt's terms named by its report"),
    ):
        low, high = sorted((training[name], asked[name]))
        if high > LAW_RATIO * low:
            remedy = (
                "set keywords.training_terms to as_private, or lower keywords.min_documents."
                if name == "terms_per_prompt"
                else "set keywords.complete_public and complete_from_codes alike."
            )
            yield (
                f"training prompts and private prompts differ: {training[name]:.2f} against "
                f"{asked[name]:.2f} {meaning}; {remedy}"
            )
