"""What the benchmark of scores with noise counts."""

import numpy as np

from benchmarks.population import in_order


def test_pairs_in_order_by_hand() -> None:
    prompts = np.array([0, 0, 0, 1, 1])
    true = np.array([1.0, 2.0, 2.0, 5.0, 4.0])
    # of prompt 0 the pairs (0, 1) and (0, 2), (1, 2) is no pair; of prompt 1 one
    assert in_order(true, true, prompts) == 1
    assert in_order(true, -true, prompts) == 0
    assert in_order(true, np.array([1.5, 1.0, 2.0, 1.0, 0.0]), prompts) == 2 / 3
    assert in_order(true, np.zeros(5), prompts) == 0
