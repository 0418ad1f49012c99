"""A Hugging Face hub on loopback: the parts of its HTTP API that downloads use, serving folders."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".parquet")  # kept as LFS: the hub tells their SHA-256
Repositories = dict[str, dict[str, str | Path]]


class FakeHub:
    """``with FakeHub({"owner/name": {"main": COMMIT, COMMIT: folder}}) as hub: hub.url``.

    `models` and `datasets` are apart, as on the hub: a data set is no model. `corrupt`: names of
    files that are served with one byte changed.
    """

    def __init__(self, models: Repositories, datasets: Repositories | None = None) -> None:
        self.models = models
        self.datasets = datasets or {}
        self.corrupt: set[str] = set()
        self.downloads: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                """Quiet."""

            def do_HEAD(self) -> None:
                hub.answer(self, body=False)

            def do_GET(self) -> None:
                hub.answer(self, body=True)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FakeHub:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """No answer from here on."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler, body: bool) -> None:
        parts = unquote(urlsplit(request.path).path).strip("/").split("/")
        if parts[0] == "api":
            served = {"models": self.models, "datasets": self.datasets}[parts[1]]
            repo, (kind, revision) = "/".join(parts[2:4]), (*parts[4:6], "revision", "main")[:2]
            self._info(request, served, repo, revision, tree=kind == "tree")
        else:
            served = self.datasets if parts[0] == "datasets" else self.models
            parts = parts[1:] if parts[0] == "datasets" else parts
            self._file(request, served, "/".join(parts[:2]), parts[3], "/".join(parts[4:]), body)

    def _commit(
        self, request: BaseHTTPRequestHandler, served: Repositories, repo: str, revision: str
    ) -> str | None:
        code = None
        if repo not in served:
            code = "RepoNotFound"
        elif revision not in served[repo]:
            code = "RevisionNotFound"
        if code:
            request.send_response(404)
            request.send_header("X-Error-Code", code)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return None
        found = served[repo][revision]
        return found if isinstance(found, str) else revision

    def _info(
        self,
        request: BaseHTTPRequestHandler,
        served: Repositories,
        repo: str,
        revision: str,
        tree: bool,
    ) -> None:
        commit = self._commit(request, served, repo, revision)
        if commit is None:
            return
        folder = Path(served[repo][commit])
        siblings = []
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            name, size = file.relative_to(folder).as_posix(), file.stat().st_size
            sha = hashlib.sha256(file.read_bytes()).hexdigest()
            row: dict[str, object] = {"rfilename": name, "size": size}
            if tree:
                row = {"type": "file", "path": name, "size": size, "oid": sha[:40]}
            if name.endswith(LARGE):
                row["lfs"] = {"sha256": sha, "oid": sha, "size": size, "pointerSize": 130}
            siblings.append(row)
        told: object = {
            "id": repo,
            "modelId": repo,
            "sha": commit,
            "siblings": siblings,
            "tags": [],
        }
        told = siblings if tree else told
        self._send(request, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def _file(
        self,
        request: BaseHTTPRequestHandler,
        served: Repositories,
        repo: str,
        revision: str,
        name: str,
        body: bool,
    ) -> None:
        commit = self._commit(request, served, repo, revision)
        if commit is None:
            return
        content = (Path(served[repo][commit]) / name).read_bytes()
        sha = hashlib.sha256(content).hexdigest()
        if body:
            self.downloads.append(name)
            if name in self.corrupt:
                content = content[:-1] + bytes([content[-1] ^ 1])
        headers = {"X-Repo-Commit": commit, "ETag": f'"{sha}"'}
        self._send(request, content, headers, body)

    @staticmethod
    def _send(
        request: BaseHTTPRequestHandler, content: bytes, headers: dict[str, str], body: bool = True
    ) -> None:
        request.send_response(200)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if body:
            request.wfile.write(content)
