"""Categories, the shared label space and the original's cap."""

import pandas as pd
import pytest

from synthfr import icd10
from synthfr.coding import labels
from synthfr.errors import UserError


def test_categories_keep_the_order_and_drop_repeats() -> None:
    assert labels.categories([["E11.9", "I10", "E11.2"], []]) == [("E11", "I10"), ()]


def test_codes_of_another_system_are_refused_without_being_repeated() -> None:
    with pytest.raises(UserError) as error:
        labels.categories([["Monsieur Dupont"]])
    assert "Dupont" not in str(error.value)


def test_exported_space_ranks_categories_by_documents() -> None:
    code_sets = pd.DataFrame(
        [
            ("code", ["I10"], 1, 9),
            ("code", ["E11.9"], 1, 6),
            ("code", ["E11.2"], 1, 5),
            ("code", ["C50.9"], 1, 9),
            ("pair", ["I10", "J18.9"], 2, 50),
            ("size", [], 3, 40),
        ],
        columns=["kind", "codes", "size", "n_documents"],
    )
    assert labels.exported_space(code_sets) == ["E11", "C50", "I10"]  # 11, then 9 and 9 by name


def test_matrix_ignores_what_is_outside_the_space() -> None:
    matrix = labels.matrix([("E11", "I10"), ("J18",), ()], ["I10", "E11"])
    assert matrix.tolist() == [[True, True], [False, False], [False, False]]


def test_capped_counts_inside_the_space_only() -> None:
    document = ("J18", "E11", "I10", "C50")
    assert labels.capped([document], ["C50", "E11", "I10"], 2) == [("E11", "I10")]


def test_most_frequent_is_the_label_space_of_categories() -> None:
    documents = [("E11", "I10"), ("I10",), ("J18", "E11"), ()]
    assert labels.most_frequent(documents, 2) == ["E11", "I10"]  # a tie is broken by name
    assert labels.most_frequent(documents, 9) == icd10.label_space(documents, 9)
    assert labels.most_frequent(documents, 9) != labels.most_frequent(documents[2:], 9)
