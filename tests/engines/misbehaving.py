"""An OpenAI-compatible server on loopback that does to each prompt what the test wrote for it, and
then answers. Real sockets, a thread a connection.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-very-secret-key"


class Misbehaving:
    """`faults`: what to do to a prompt, one each time that it comes; see `_Handler._do`.

    Without `models` it answers with a web page. `asked` are the bodies that came, `keys` their
    Authorization headers, `at` their times (s), `most_at_once` the most that were held at once.
    """

    def __init__(
        self,
        faults: Mapping[str, Sequence[str]] | None = None,
        models: Sequence[Mapping[str, Any]] = ({"id": "step0"},),
        takes_s: float = 0.0,
    ) -> None:
        self.faults = {prompt: list(todo) for prompt, todo in (faults or {}).items()}
        self.models, self.takes_s = models, takes_s
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.at: list[float] = []
        self.most_at_once = self._now = 0
        self.lock, self.closing = threading.Lock(), threading.Event()
        owner = self

        class Handler(_Handler):
            server_of_test = owner

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64  # with the usual 5, connections at once wait a second

            def handle_error(self, *_: Any) -> None:
                """Clients that hang up are part of the test."""

        self._http = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))

    def __enter__(self) -> Misbehaving:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def came(self, body: dict[str, Any], key: str | None) -> str:
        """Note a request; what to do to it."""
        with self.lock:
            self.asked.append(body)
            self.keys.append(key)
            self.at.append(time.monotonic())
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            todo = self.faults.get(prompt_of(body))
            return todo.pop(0) if todo else "answer"

    def went(self) -> None:
        with self.lock:
            self._now -= 1


def prompt_of(body: Mapping[str, Any]) -> str:
    if "messages" in body:
        return str(body["messages"][0]["content"])
    return str(body["prompt"])


def answer_to(prompt: str) -> str:
    return f"answer to {prompt}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of_test: Misbehaving

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the test's stderr."""

    def do_GET(self) -> None:
        if self.path != "/v1/models":
            self._send(404, {"error": {"message": "no such page"}})
        elif self.server_of_test.models:
            self._send(200, {"object": "list", "data": list(self.server_of_test.models)})
        else:
            self._send(200, b"<html>Sign in</html>", "text/html")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        todo = self.server_of_test.came(body, self.headers["Authorization"])
        try:
            time.sleep(self.server_of_test.takes_s)
            self._do(todo, body)
        finally:
            self.server_of_test.went()

    def _do(self, todo: str, body: dict[str, Any]) -> None:
        """`todo`: answer, hang, drip, close, cut length, cut chunks, no json, half json, page, no
        choices, no usage, other model, to ADDRESS, a finish reason, or a status with an optional
        Retry-After in seconds ("429 after 1").
        """
        whole = self._answer(body)
        if todo == "hang":
            self.server_of_test.closing.wait(30)
            self.close_connection = True
        elif todo == "drip":  # never idle, never done
            self._head(200, {"Content-Length": "1000"})
            while not self.server_of_test.closing.wait(0.05):
                self.wfile.write(b" ")
        elif todo == "close":
            self.close_connection = True
        elif todo == "cut length":
            text = json.dumps(whole).encode()
            self._head(200, {"Content-Length": str(len(text))})
            self.wfile.write(text[: len(text) // 2])
            self.close_connection = True
        elif todo == "cut chunks":
            self._head(200, {"Transfer-Encoding": "chunked"})
            self.wfile.write(b'5\r\n{"cho\r\n')
            self.close_connection = True
        elif todo == "no json":
            self._send(200, b"{'choices': None")
        elif todo == "half json":
            self._send(200, json.dumps(whole)[:-9].encode())
        elif todo == "page":
            self._send(200, b"<html>Sign in</html>", "text/html")
        elif todo == "no choices":
            self._send(200, whole | {"choices": []})
        elif todo == "no usage":
            self._send(200, {name: value for name, value in whole.items() if name != "usage"})
        elif todo == "other model":
            self._send(200, whole | {"model": "step7"})
        elif todo.startswith("to "):  # another server's address
            self._send(307, b"", Location=f"{todo[3:]}/completions")
        elif todo[:3].isdigit():
            self._refuse(todo, body)
        else:
            if todo != "answer":
                whole["choices"][0]["finish_reason"] = todo
            self._send(200, whole)

    def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        text = answer_to(prompt_of(body))
        written = {"message": {"content": text}} if "messages" in body else {"text": text}
        return {
            "model": body["model"],
            "choices": [{**written, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 3},
        }

    def _refuse(self, todo: str, body: dict[str, Any]) -> None:
        status, _, after = todo.partition(" after ")
        number, _, reason = status.partition(": ")
        told = reason.replace("PROMPT", prompt_of(body)) or "because"
        code = "insufficient_quota" if reason == "quota" else None
        extra = {"Retry-After": after} if after else {}
        self._send(int(number), {"error": {"message": told, "code": code}}, **extra)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(
        self, status: int, content: Any, kind: str = "application/json", **headers: str
    ) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._head(status, {"Content-Type": kind, "Content-Length": str(len(data))} | named)
        self.wfile.write(data)
