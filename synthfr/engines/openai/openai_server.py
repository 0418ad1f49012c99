"""A client of one OpenAI-compatible server: address, key, and what its errors mean.

Nothing that leaves it holds the key or a prompt. Imports the `openai` package when it is made.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import socket
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from synthfr import redact
from synthfr.engines.openai.retries import LONGEST_WAIT_S, Fault, passes, wait_asked_s
from synthfr.errors import UserError

if TYPE_CHECKING:
    from synthfr.engines.openai.openai_settings import OpenaiSettings

CONNECT_S = 30.0
_REASON_CHARS = 300
_ECHO_CHARS = 16  # so many characters of a prompt in a server's message are a quotation
_LOCAL_SUFFIXES = (".local", ".internal", ".lan", ".home.arpa")
_WHERE = "engines.openai.base_url"


class Server:
    """Sends JSON and returns JSON. What may pass is a `Fault`, what may not a UserError; no attempt
    is repeated here.
    """

    def __init__(self, settings: OpenaiSettings) -> None:
        try:
            import httpx2
            import openai
        except ImportError:
            raise UserError(
                "The openai engine needs the package openai: install it with "
                "`pip install 'synthfr[openai]'`, or choose another engine."
            ) from None
        address = settings.base_url or os.environ.get("OPENAI_BASE_URL")
        if not address:
            raise UserError(
                f"The openai engine has no server: set {_WHERE} to its address "
                "(http://host:port/v1), or the variable OPENAI_BASE_URL."
            )
        self.url = _shown(address)
        self._variable = settings.api_key_variable
        key = _key(address, self.url, self._variable)
        self._has_key = key is not None
        self._timeout_s = settings.timeout_s
        connections = httpx2.Limits(
            max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency
        )
        self._client = openai.AsyncOpenAI(
            base_url=address,
            api_key=key or "EMPTY",
            max_retries=0,  # ours count, and keep to the limits
            http_client=openai.DefaultAsyncHttpxClient(
                limits=connections,
                follow_redirects=False,  # a text goes to the server that was named, or nowhere
                timeout=httpx2.Timeout(
                    settings.timeout_s, connect=min(CONNECT_S, settings.timeout_s)
                ),
            ),
        )

    async def models(self) -> dict[str, dict[str, Any]]:
        """What the server serves: its cards by model id."""
        try:
            listed = await self._send("GET", "/models", None, "its list of models", ())
        except Fault as fault:
            if fault.cause != "invalid_json":
                raise
            listed = None  # a web page
        cards = listed.get("data") if isinstance(listed, dict) else None
        if not isinstance(cards, list):
            raise UserError(
                f"{self.url} answers, but is no OpenAI-compatible server: check {_WHERE}, which "
                "usually ends in /v1."
            )
        return {str(card["id"]): card for card in cards if isinstance(card, dict) and "id" in card}

    async def ask(
        self, path: str, body: dict[str, Any], request_id: str, secrets: Sequence[str]
    ) -> Any:
        """The server's JSON to `body`; `secrets` is what a message about it must not quote."""
        return await self._send("POST", path, body, request_id, secrets)

    async def close(self) -> None:
        await self._client.close()

    async def _send(
        self, method: str, path: str, body: dict[str, Any] | None, name: str, secrets: Sequence[str]
    ) -> Any:
        import httpx2
        import openai

        try:
            # the limit of the whole exchange: a server that drips never runs into a read timeout
            async with asyncio.timeout(self._timeout_s):
                if method == "GET":
                    response = await self._client.get(path, cast_to=httpx2.Response)
                else:
                    response = await self._client.post(path, cast_to=httpx2.Response, body=body)
        except (TimeoutError, openai.APITimeoutError):
            raise Fault("timeout") from None
        except openai.APIStatusError as error:
            raise self._meaning(error, path, name, secrets) from None
        except openai.APIConnectionError as error:
            if _is_tls(error):
                raise UserError(
                    f"The certificate of {self.url} is not trusted here: name the file of its "
                    f"authority in the variable SSL_CERT_FILE, or check {_WHERE}."
                ) from None
            refused = isinstance(error.__cause__, httpx2.ConnectError)
            raise Fault("connection" if refused else "cut") from None
        try:
            return json.loads(response.content)
        except ValueError:
            raise Fault("invalid_json") from None

    def _meaning(
        self, error: Any, path: str, name: str, secrets: Sequence[str]
    ) -> Fault | UserError:
        """What an HTTP status (of an openai.APIStatusError) says about trying again."""
        status: int = error.status_code
        if status == 429 and error.code == "insufficient_quota":
            return UserError(
                f"{self.url}: the account's quota is used up; run again when it is not, finished "
                "chunks are kept."
            )
        if passes(status):
            wait_s = wait_asked_s(error.response.headers)
            if wait_s is not None and wait_s > LONGEST_WAIT_S:
                return UserError(
                    f"{self.url} asks to wait {wait_s:.0f} s (status {status}): run the stage "
                    "again then, finished chunks are kept."
                )
            return Fault(str(status), wait_s)
        if status in (401, 403):
            return UserError(
                f"{self.url} refuses the key in {self._variable} (status {status}): check it."
                if self._has_key
                else f"{self.url} wants a key (status {status}): put it in {self._variable}."
            )
        if 300 <= status < 400:
            return UserError(
                f"{self.url} sends requests on to another address (status {status}), where "
                f"nothing is sent unasked: name that address in {_WHERE}, if you trust it."
            )
        if status in (404, 405):
            return UserError(
                f"{self.url} has no {path} (status {status}): check {_WHERE}, which usually ends "
                "in /v1, and engines.openai.chat, which says which of the two ways to ask it has."
            )
        return UserError(
            f"{self.url} refuses {name} (status {status}): {_reason(error.body, secrets)} Change "
            "engines.openai or the stage's sampling parameters."
        )

    def unreachable(self) -> UserError:
        return UserError(
            f"No server can be reached at {self.url}: start it, wait until it is up, or change "
            f"{_WHERE}."
        )


def _shown(address: str) -> str:
    """The address without a user's name, password or query. UserError if it is none."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in ("http", "https"):
        raise UserError(f"{_WHERE} is no address of a server: write it as http://host:port/v1.")
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _key(address: str, shown: str, variable: str) -> str | None:
    """The key for this server; None where it needs none."""
    key = os.environ.get(variable, "").strip()
    near = _is_near(urlsplit(address).hostname or "")
    if not key:
        if near:
            return None
        raise UserError(
            f"{shown} is a public server, which wants a key: put it in the environment "
            f"variable {variable} (engines.openai.api_key_variable)."
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UserError(f"{variable} holds no key: it has characters that no key can have.")
    if not near and shown.startswith("http:"):
        raise UserError(f"The key in {variable} would cross the network unencrypted: use https.")
    return key


def _is_near(host: str) -> bool:
    """Whether `host` is this machine or on its own network."""
    if ("." not in host and ":" not in host) or host.endswith(_LOCAL_SUFFIXES):
        return True  # localhost, or a node's short name
    try:
        found = {str(info[4][0]).split("%")[0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return all(ipaddress.ip_address(each).is_private for each in found)


def _is_tls(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, ssl.SSLError):
        seen = seen.__cause__ or seen.__context__
    return seen is not None


def _reason(body: Any, secrets: Sequence[str]) -> str:
    """What the server says is wrong, unless it quotes what was sent."""
    told = body.get("message", body) if isinstance(body, dict) else body
    told = " ".join(told.split()) if isinstance(told, str) else ""
    if not told:
        return "it gives no reason."
    if redact.is_private_stage():
        return "its reason may quote private text and is not shown."
    for secret in secrets:
        for form in {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]}:
            form = " ".join(form.split())
            width = min(len(form), _ECHO_CHARS)
            if any(form[at : at + width] in told for at in range(len(form) - width + 1) if width):
                return "its reason quotes the prompt and is not shown."
    return told[:_REASON_CHARS].rstrip(".") + "."
