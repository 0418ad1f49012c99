"""How far keyword sets tell documents apart, by hand."""

from __future__ import annotations

from synthfr.keywords.prompt_sets import prompt_sets

DOCUMENTS = [["a"], ["a"], ["a", "b"], ["b", "a"], ["a", "c"], []]


def test_shares_by_hand() -> None:
    assert prompt_sets(DOCUMENTS, 1) == {
        "unique_share": 0.2,  # {a, c}
        "unique_in_order_share": 0.6,
        "unique_pair_share": 0.2,  # a with c
        "size_shares": {"1": 0.4, "2": 0.6},
    }


def test_a_share_of_few_documents_is_not_told() -> None:
    """Nor can it be worked out from the others."""
    told = prompt_sets(DOCUMENTS, 3)
    assert told["unique_share"] is None and told["unique_in_order_share"] == 0.6
    assert told["size_shares"] == {"other": 1.0}
    sizes = prompt_sets([["a"]] * 9 + [["a", "b"]] * 4 + [["a", "b", "c"]], 3)["size_shares"]
    assert sizes == {"1": 9 / 14, "other": 5 / 14}
    assert prompt_sets([["a"]] * 5, 3)["unique_share"] == 0.0
