"""The openai engine against a server that misbehaves, on real sockets."""

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from synthfr import redact
from synthfr.engines import Completion, Request
from synthfr.engines.chunks import complete
from synthfr.engines.engine_settings import Sampling
from synthfr.engines.openai import openai_server, retries
from synthfr.engines.openai.openai_engine import OpenaiEngine
from synthfr.engines.openai.openai_settings import OpenaiSettings
from synthfr.errors import UserError
from synthfr.models import Lineage, ModelFiles
from tests.engines.misbehaving import KEY, Misbehaving, answer_to

STEP0 = ModelFiles("step0", None)
PROMPTS = [f"écris {i} : fièvre, toux, amoxicilline" for i in range(8)]
SCHEMA = '{"type": "object", "properties": {"score": {"type": "number"}}}'


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def settings(**changed: Any) -> OpenaiSettings:
    given = {
        "base_url": None, "model": "{name}", "chat": False, "api_key_variable": "OPENAI_API_KEY",
        "concurrency": 4, "requests_per_minute": None, "timeout_s": 30, "max_retries": 2,
        "price_per_million": {"input": 0.5, "output": 2},
    }  # fmt: skip
    return OpenaiSettings.model_validate(given | changed)


def how(**changed: Any) -> Sampling:
    given = {
        "engine": "openai", "top_p": 1.0, "top_k": 0, "max_new_tokens": 9,
        "batch_size": 100, "chunk_size": 100,
    }  # fmt: skip
    return Sampling.model_validate(given | changed)


def engine(server: Misbehaving, files: ModelFiles = STEP0, **changed: Any) -> OpenaiEngine:
    return OpenaiEngine(how(), settings(base_url=server.url, **changed), files)


def requests(n: int = len(PROMPTS), **sampling: Any) -> list[Request]:
    given = {"temperature": 0.7, "top_p": 0.9, "max_new_tokens": 9} | sampling
    return [Request(f"r{i}", PROMPTS[i], seed=i, **given) for i in range(n)]


def write(
    server: Misbehaving, asked: list[Request] | None = None, **changed: Any
) -> dict[str, Completion]:
    with engine(server, **changed) as made:
        return {one.id: one for one in made.generate(requests() if asked is None else asked)}


def test_every_request_has_its_own_answer() -> None:
    with Misbehaving() as server:
        done = write(server)
    assert done == {
        f"r{i}": Completion(f"r{i}", answer_to(PROMPTS[i]), i, 0.7, 0.9, 3, "stop")
        for i in range(8)
    }
    body = next(body for body in server.asked if body["prompt"] == PROMPTS[3])
    assert body == {
        "model": "step0", "prompt": PROMPTS[3], "max_tokens": 9, "temperature": 0.7, "top_p": 0.9,
        "seed": 3,
    }  # fmt: skip
    assert set(server.keys) == {f"Bearer {KEY}"}


def test_a_chat_is_one_turn_of_the_user() -> None:
    with Misbehaving(models=[{"id": "big judge"}]) as server:
        asked = requests(1, json_schema=SCHEMA, top_k=5)
        done = write(server, asked, chat=True, model="big judge")
    assert done["r0"].text == answer_to(PROMPTS[0])
    assert server.asked == [
        {
            "model": "big judge", "messages": [{"role": "user", "content": PROMPTS[0]}],
            "max_tokens": 9, "temperature": 0.7, "top_p": 0.9, "seed": 0, "top_k": 5,
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "answer", "strict": True,
                    "schema": {"type": "object", "properties": {"score": {"type": "number"}}},
                },
            },
        }
    ]  # fmt: skip


def test_vllm_is_told_everything_and_its_end_token_is_not_counted() -> None:
    card = {"id": "step0", "owned_by": "vllm", "max_model_len": 99}
    with Misbehaving(models=[card]) as server:
        done = write(server, requests(1))
    assert done["r0"].n_tokens == 2
    # unsaid, they would be those of the model's generation_config.json
    assert {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}.items() <= server.asked[0].items()


FAULTS = {
    "hang": "timeout",
    "drip": "timeout",
    "429 after 0": "429",
    "408": "408",
    "409": "409",
    "500": "500",
    "503": "503",
    "close": "cut",
    "cut length": "cut",
    "cut chunks": "cut",
    "no json": "invalid_json",
    "half json": "invalid_json",
    "page": "invalid_json",
    "no choices": "incomplete_answer",
    "no usage": "incomplete_answer",
    "abort": "unfinished_answer",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_passes(fault: str) -> None:
    """Every request meets it once, some twice; each text still arrives under its own id."""
    faults = {prompt: [fault] * (1 + i % 2) for i, prompt in enumerate(PROMPTS)}
    given = {"timeout_s": 1 if FAULTS[fault] == "timeout" else 30, "max_retries": 3}
    with Misbehaving(faults) as server, engine(server, concurrency=8, **given) as made:
        texts = {one.id: one.text for one in made.generate(requests())}
        assert texts == {f"r{i}": answer_to(PROMPTS[i]) for i in range(8)}
        told = made.measures()["server"]
    assert len(server.asked) == told["requests"] == 8 + 12
    assert told["retries"] == told[f"retries_{FAULTS[fault]}"] == 12
    # tokens of answers that came and could not be used are paid, too
    paid = 8 + (12 if fault in ("no choices", "abort") else 0)
    assert (told["prompt_tokens"], told["completion_tokens"]) == (10 * paid, 3 * paid)
    assert told["cost"] == pytest.approx((10 * paid * 0.5 + 3 * paid * 2) / 1e6)


def test_retries_end_and_the_others_are_not_lost() -> None:
    """Negative control for the faults that pass: three in a row are more than two retries mend."""
    with Misbehaving({PROMPTS[1]: ["500", "hang", "503"]}) as server:
        with engine(server, timeout_s=2) as made:
            written = made.generate(requests(4))
            kept = []
            with pytest.raises(
                UserError, match=r"no answer for r1 in 3 attempts, .* status 503"
            ) as told:
                for one in written:
                    kept.append(one.id)
        assert sorted(kept) == ["r0", "r2", "r3"]  # they were under way
        assert [body["prompt"] for body in server.asked].count(PROMPTS[1]) == 3
    assert_tells_no_secret(told.value)


def test_after_a_failure_nothing_more_is_begun() -> None:
    with (
        Misbehaving({PROMPTS[0]: ["400"]}, takes_s=0.05) as server,
        pytest.raises(UserError, match="refuses r0"),
    ):
        write(server, concurrency=2)
    assert len(server.asked) <= 4


def assert_tells_no_secret(error: BaseException) -> None:
    seen: BaseException | None = error
    while seen is not None and not seen.__suppress_context__:
        seen = seen.__cause__ or seen.__context__
        assert seen is None  # a traceback would show it
    told = str(error)
    assert KEY not in told and "fièvre" not in told and "écris" not in told
    assert len(told) < 700 and "\n" not in told


@pytest.mark.parametrize(
    "fault, expected",
    [
        ("400: context of 99 tokens", "refuses r0 (status 400): context of 99 tokens. "),
        ("400: what is PROMPT ?", "refuses r0 (status 400): its reason quotes the prompt"),
        ("413", "refuses r0 (status 413): because."),
        ("422: " + "x" * 999, "(status 422): " + "x" * 300 + "."),
        ("401", "refuses the key in OPENAI_API_KEY (status 401)"),
        ("403", "refuses the key in OPENAI_API_KEY (status 403)"),
        ("404", "has no /completions (status 404): check engines.openai.base_url"),
        ("429: quota", "quota is used up"),
        ("429 after 86400", "asks to wait 86400 s"),
    ],
)
def test_what_does_not_pass_is_told_at_once(fault: str, expected: str) -> None:
    with Misbehaving({PROMPTS[0]: [fault]}) as server:
        with pytest.raises(UserError) as told:
            write(server, requests(1))
        assert len(server.asked) == 1
    assert expected in str(told.value)
    assert_tells_no_secret(told.value)


def test_a_private_stage_tells_nothing_that_a_server_says() -> None:
    def told() -> str:
        return openai_server._reason({"message": "near Dupont: bad"}, ["M. Dupont, 54 ans"])

    assert told() == "near Dupont: bad."  # negative control: shorter than what counts as quoted
    with redact.private_stage():
        assert told() == "its reason may quote private text and is not shown."


def test_prompts_sent_as_token_ids_are_not_quoted_either() -> None:
    ids = list(range(250, 290))
    secrets = [PROMPTS[0], str(ids)[1:-1]]
    told = openai_server._reason({"message": f"bad input {ids[7:20]}"}, secrets)
    assert told == "its reason quotes the prompt and is not shown."
    told = openai_server._reason({"message": "at most 250 tokens"}, secrets)
    assert told == "at most 250 tokens."


def test_an_answer_of_another_model_is_refused() -> None:
    faults = {PROMPTS[0]: ["other model"]}
    with (
        Misbehaving(faults, [{"id": "step0", "owned_by": "vllm"}]) as server,
        pytest.raises(UserError, match="another model than step0"),
    ):
        write(server, requests(1))
    with Misbehaving(faults) as server:  # an API answers with the dated name of an alias
        assert write(server, requests(1))["r0"].text


def test_a_filtered_answer_is_empty_and_counted() -> None:
    with Misbehaving({PROMPTS[0]: ["content_filter"]}) as server, engine(server) as made:
        done = {one.id: one for one in made.generate(requests(2))}
        assert made.measures()["server"]["filtered"] == 1
    assert (done["r0"].text, done["r0"].n_tokens) == ("", 0)
    assert done["r1"].text == answer_to(PROMPTS[1])
    assert len(server.asked) == 2  # asking again would be filtered again


def test_retry_after_is_honoured_by_all_requests() -> None:
    with Misbehaving({PROMPTS[0]: ["429 after 1"]}) as server:
        assert len(write(server, requests(6), concurrency=1)) == 6
    assert server.at[1] - server.at[0] >= 1
    with Misbehaving({PROMPTS[5]: ["429 after 1"]}, takes_s=0.02) as server:
        asked = [requests()[i] for i in (0, 5, 1, 2, 3, 4)]
        assert len(write(server, asked, concurrency=2)) == 6
    # the other worker may have begun one more before the server spoke
    assert sum(at - server.at[0] < 1 for at in server.at) <= 4


def test_no_more_than_the_limit_is_under_way() -> None:
    for limit in (1, 3):
        with Misbehaving(takes_s=0.05) as server:
            write(server, concurrency=limit)
        assert server.most_at_once == limit
    with Misbehaving(takes_s=0.05) as server:
        with OpenaiEngine(how(chunk_size=2), settings(base_url=server.url), STEP0) as made:
            assert len(list(made.generate(requests()))) == 8
        assert server.most_at_once == 2


def test_requests_per_minute_on_the_wire() -> None:
    with Misbehaving() as server:
        write(server, requests(6), requests_per_minute=600)  # one in 0.1 s, the check too
    took = server.at[-1] - server.at[0]
    assert took >= 0.45
    with Misbehaving() as unlimited:
        write(unlimited, requests(6))
    assert unlimited.at[-1] - unlimited.at[0] < took


def test_a_second_run_asks_only_for_what_is_missing(tmp_path: Path) -> None:
    faults = {PROMPTS[5]: ["500"] * 3}
    with Misbehaving(faults) as server:
        with engine(server) as made, pytest.raises(UserError, match="no answer for r5"):
            complete(made, requests(), 2, tmp_path)
        assert len(list(tmp_path.iterdir())) == 3  # r0-r3, and a part: r4
        server.asked.clear()
        with engine(server) as made:
            done = complete(made, requests(), 2, tmp_path)
        assert sorted(body["prompt"] for body in server.asked) == PROMPTS[5:]
    assert {name: one.text for name, one in done.items()} == {
        f"r{i}": answer_to(PROMPTS[i]) for i in range(8)
    }


def test_nothing_is_sent_on_to_another_server() -> None:
    with Misbehaving() as other:
        faults = {prompt: [f"to {other.url}"] for prompt in PROMPTS}
        with Misbehaving(faults) as server:
            with pytest.raises(UserError, match=r"sends requests on to another address") as told:
                write(server)
            assert other.asked == [] and PROMPTS[0] not in str(told.value)
        with Misbehaving(faults) as server:  # the control: the client alone would follow
            client = openai.OpenAI(base_url=server.url, api_key=KEY)
            client.completions.create(model="step0", prompt=PROMPTS[0])
            assert [body["prompt"] for body in other.asked] == [PROMPTS[0]]


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """SIGINT as Python has it, also where the tests run in the background of a shell's script."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_stops_what_is_under_way() -> None:
    interrupted: list[float] = []

    def interrupt_when(ready: Callable[[], bool]) -> None:
        while not ready():
            time.sleep(0.01)
        interrupted.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    with Misbehaving({prompt: ["hang"] for prompt in PROMPTS}) as server:
        threading.Thread(target=interrupt_when, args=(lambda: len(server.asked) == 4,)).start()
        with engine(server, timeout_s=30) as made, pytest.raises(KeyboardInterrupt):
            list(made.generate(requests()))
        assert time.monotonic() - interrupted[0] < 5
        assert len(server.asked) == 4


def test_a_reader_that_leaves_early_leaves_nothing_behind() -> None:
    with Misbehaving(takes_s=0.05) as server, engine(server, concurrency=1) as made:
        written = made.generate(requests())
        next(written)
        written.close()  # type: ignore[attr-defined]
        assert len(list(made.generate(requests(2)))) == 2
        left = made.generate(requests())
        next(left)
    with pytest.raises(RuntimeError, match="closed"):
        list(left)
    assert list(made.generate([])) == []


def test_the_server_must_serve_the_model() -> None:
    with Misbehaving(models=[{"id": "base"}, {"id": "dpo1"}]) as server:
        with pytest.raises(UserError) as told:
            write(server)
        assert "does not serve 'step0' but base, dpo1: start it with `vllm serve" in str(told.value)
        assert "--lora-modules step0=" in str(told.value)
        assert not server.asked
        assert len(write(server, files=ModelFiles("dpo1", None))) == 8
        assert len(write(server, model="base")) == 8


def test_a_wrong_address() -> None:
    with Misbehaving() as server:
        url = server.url.removesuffix("/v1")
        with (
            OpenaiEngine(how(), settings(base_url=url), STEP0) as made,
            pytest.raises(UserError, match=r"no /models \(status 404\): .* usually ends in /v1"),
        ):
            list(made.generate(requests()))


def test_a_web_page_is_no_server() -> None:
    begun = time.monotonic()
    with Misbehaving(models=[]) as server, pytest.raises(UserError, match="is no OpenAI-compat"):
        write(server)
    assert time.monotonic() - begun < 10  # and not after many attempts


def test_no_server_is_told_soon() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://user:{KEY}@127.0.0.1:{free.getsockname()[1]}/v1?key={KEY}"
    begun = time.monotonic()
    with (
        OpenaiEngine(how(), settings(base_url=url), STEP0) as made,
        pytest.raises(UserError, match=r"No server can be reached at http://127.0.0.1:\d+/v1:"),
    ):
        list(made.generate(requests()))
    assert time.monotonic() - begun < 2


def refusal(monkeypatch: pytest.MonkeyPatch, key: str | None, url: str | None) -> str:
    if key is None:
        monkeypatch.delenv("OPENAI_API_KEY")
    else:
        monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(UserError) as told:
        OpenaiEngine(how(), settings(base_url=url), STEP0)
    assert_tells_no_secret(told.value)
    return str(told.value)


@pytest.mark.parametrize(
    "key, url, expected",
    [
        (None, "https://1.1.1.1/v1", "wants a key: put it in the environment variable OPENAI_API"),
        (" ", "http://1.1.1.1/v1", "wants a key"),
        (KEY, "http://1.1.1.1/v1", "would cross the network unencrypted"),
        (KEY + "\néé", "https://1.1.1.1/v1", "OPENAI_API_KEY holds no key"),
        (KEY, None, "has no server: set engines.openai.base_url"),
        (KEY, "127.0.0.1:80/v1", "is no address of a server"),
        (KEY, "http://[::1/v1", "is no address of a server"),
        (KEY, "ftp://127.0.0.1/v1", "is no address of a server"),
    ],
)
def test_keys_and_addresses(
    monkeypatch: pytest.MonkeyPatch, key: str | None, url: str | None, expected: str
) -> None:
    assert expected in refusal(monkeypatch, key, url)


def test_a_server_on_this_machine_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with Misbehaving({PROMPTS[0]: ["401"]}) as server:
        assert len(write(server, requests()[1:])) == 7
        assert set(server.keys) == {"Bearer EMPTY"}
        with pytest.raises(UserError, match=r"wants a key \(status 401\): put it in OPENAI_API"):
            write(server, requests(1))
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        with OpenaiEngine(how(), settings(), STEP0) as made:
            assert len(list(made.generate(requests(1)))) == 1


def test_a_chat_with_a_policy_that_never_saw_one() -> None:
    files = ModelFiles("step0", None, lineage=(Lineage("step0", None, "a", None),))
    with pytest.raises(UserError, match="step0 was trained on plain prompts"):
        OpenaiEngine(how(), settings(chat=True, base_url="http://127.0.0.1/v1"), files)


# ---- pace and pauses, on a clock that jumps


class _Jumping(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next thing to do, instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self._jumped = 0.0
        select = self._selector.select  # type: ignore[attr-defined]

        def jump(timeout: float | None = None) -> Any:
            self._jumped += timeout or 0.0
            return select(0)

        self._selector.select = jump  # type: ignore[attr-defined]

    def time(self) -> float:
        return self._jumped


@pytest.fixture
def clock() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=_Jumping) as runner:
        yield runner


async def starts(
    pace: retries.Pace, n: int, hold: tuple[float, float] | None = None
) -> list[float]:
    """When each of `n` requests that come at once may start, in order."""
    loop = asyncio.get_running_loop()
    begun: list[tuple[int, float]] = []

    async def one(number: int) -> None:
        await pace.turn()
        begun.append((number, loop.time()))

    async def held() -> None:
        if hold is not None:
            await asyncio.sleep(hold[0])
            pace.hold(hold[1])

    await asyncio.gather(held(), *(one(number) for number in range(n)))
    assert [number for number, _ in begun] == list(range(n))  # first come, first served
    return [at for _, at in begun]


def test_turns_are_evenly_spaced_however_many_wait(clock: asyncio.Runner) -> None:
    pace = retries.Pace(per_minute=30)
    assert clock.run(starts(pace, 5)) == pytest.approx([0, 2, 4, 6, 8])
    clock.run(asyncio.sleep(60))  # what was not used is not saved up
    assert clock.run(starts(pace, 3)) == pytest.approx([68, 70, 72])
    assert clock.run(starts(retries.Pace(None), 3)) == pytest.approx([72] * 3)


def test_a_pause_holds_those_that_wait(clock: asyncio.Runner) -> None:
    found = clock.run(starts(retries.Pace(per_minute=30), 4, hold=(3, 10)))
    assert found == pytest.approx([0, 2, 13, 15])
    assert clock.run(starts(retries.Pace(None), 2, hold=(1, 5))) == pytest.approx([15, 15])


def test_pauses_double_and_differ_by_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 1.0)
    for attempt, most in enumerate([1, 2, 4, 8, 16, 32, 60, 60]):
        found = [retries.pause_s(seed, attempt) for seed in range(50)]
        assert found == [retries.pause_s(seed, attempt) for seed in range(50)]
        assert most / 2 < min(found) < 0.6 * most and 0.9 * most < max(found) <= most


def test_what_a_server_says_about_waiting() -> None:
    from email.utils import formatdate

    assert retries.wait_asked_s({}) is None
    assert retries.wait_asked_s({"retry-after": "7"}) == 7
    assert retries.wait_asked_s({"retry-after": "7", "retry-after-ms": "250"}) == 0.25
    later = formatdate(time.time() + 90, usegmt=True)
    assert retries.wait_asked_s({"retry-after": later}) == pytest.approx(90, abs=3)
    assert retries.wait_asked_s({"retry-after": formatdate(0, usegmt=True)}) == 0
    assert retries.wait_asked_s({"retry-after": "soon"}) is None
