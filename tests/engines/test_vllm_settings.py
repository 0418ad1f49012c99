"""A judge's vLLM has what is set for it, and else what the policy has."""

import copy
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from synthfr.disk import read_yaml
from synthfr.engines import identity
from synthfr.engines.engine_settings import Engines
from synthfr.engines.vllm.vllm_settings import Role
from synthfr.errors import UserError
from synthfr.pipeline.parameters import parse

PARAMS = Path(__file__).parents[2] / "params.yaml"


@pytest.fixture
def data() -> dict[str, Any]:
    return copy.deepcopy(read_yaml(PARAMS))


def test_what_is_not_set_is_the_policys(data: dict[str, Any]) -> None:
    vllm = data["engines"]["vllm"]
    vllm |= {"max_model_len": 100, "tensor_parallel": 2, "dtype": "float32", "eager": True}
    vllm["judge"] |= {"max_model_len": 300, "eager": False}
    engines = parse(data, "mine").engines
    policy, judge, similarity = (
        engines.vllm.of(role) for role in ("policy", "judge", "similarity_judge")
    )
    assert (policy.max_model_len, judge.max_model_len, similarity.max_model_len) == (100, 300, 100)
    assert (policy.eager, judge.eager, similarity.eager) == (True, False, True)
    assert {one.tensor_parallel for one in (policy, judge, similarity)} == {2}
    assert {one.dtype for one in (policy, judge, similarity)} == {"float32"}
    assert [one.section for one in (policy, judge, similarity)] == [
        "engines.vllm",
        "engines.vllm.judge",
        "engines.vllm.similarity_judge",
    ]


def test_nothing_set_is_what_it_was_before() -> None:
    roles: tuple[Role, ...] = ("policy", "judge", "similarity_judge")
    first, *others = (Engines().vllm.of(role).model_dump() for role in roles)
    assert others == [first, first]


def test_settings_reach_the_processes_of_copies() -> None:
    made = Engines().vllm.of("judge")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as copies:
        assert copies.submit(attrgetter("section"), made).result() == "engines.vllm.judge"


def test_a_judges_own_values_change_no_text(data: dict[str, Any]) -> None:
    """Unfinished work is kept under the identity: it survives another context, not another type."""

    def told(**own: Any) -> dict[str, Any]:
        mine = copy.deepcopy(data)
        mine["engines"]["vllm"]["judge"] |= own.pop("judge", {})
        mine["engines"]["vllm"] |= own
        params = parse(mine, "mine")
        return identity(params.judge.model_copy(update={"engine": "vllm"}), params.engines)

    assert told(judge={"max_model_len": 300, "tensor_parallel": 2}) == told()
    assert told(dtype="float16") != told()


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"dtype": "float16"}, r"engines\.vllm\.judge: unknown parameter 'dtype'"),
        ({"max_model_len": 0}, r"engines\.vllm\.judge\.max_model_len"),
        ({"gpu_memory_utilization": 1.0}, r"engines\.vllm\.judge\.gpu_memory_utilization"),
    ],
)
def test_mistakes_are_named(data: dict[str, Any], own: dict[str, Any], message: str) -> None:
    data["engines"]["vllm"]["judge"] |= own
    with pytest.raises(UserError, match=message):
        parse(data, "mine")
