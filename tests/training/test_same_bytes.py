"""The same parameters and the same rows, in whatever order: the same adapter, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.training import small


@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_same_parameters_same_bytes(
    kind: str,
    base: Path,
    tmp_path: Path,
    saved: Callable[[Any], bytes],
    plain: Callable[[str], Any],
) -> None:
    rows = small.reports() if kind == "sft" else small.pairs()
    first = plain(kind)
    turned = small.train(kind, base, tmp_path / "turned", rows=rows[::-1])
    assert saved(first.model) == saved(turned.model)
    assert first.history == turned.history
    other = small.train(kind, base, tmp_path / "other", seed=1)  # the control
    assert saved(first.model) != saved(other.model)
