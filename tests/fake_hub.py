"""A Hugging Face hub on loopback: the parts of its HTTP API that downloads use, serving folders;
and those that an upload of small files uses, keeping what came.
"""

from __future__ import annotations

import base64
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
    files that are served with one byte changed. `created`: what repositories were asked for;
    `received`: the files of each commit, by name; `forbidden`: refuse both.
    """

    def __init__(self, models: Repositories, datasets: Repositories | None = None) -> None:
        self.models = models
        self.datasets = datasets or {}
        self.corrupt: set[str] = set()
        self.downloads: list[str] = []
        self.created: list[dict[str, object]] = []
        self.received: dict[str, dict[str, bytes]] = {}
        self.forbidden = False
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                """Quiet."""

            def do_HEAD(self) -> None:
                hub.answer(self, body=False)

            def do_GET(self) -> None:
                hub.answer(self, body=True)

            def do_POST(self) -> None:
                hub.take(self, self.rfile.read(int(self.headers["Content-Length"])))

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

    def take(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Repositories are made, cards found valid, files taken inside the commit (none as LFS)."""
        parts = unquote(urlsplit(request.path).path).strip("/").split("/")
        told: dict[str, object] = {}
        if self.forbidden:
            request.send_response(403)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        if parts == ["api", "repos", "create"]:
            self.created.append(json.loads(body))
            wanted = self.created[-1]
            told = {"url": f"{self.url}/{wanted['organization']}/{wanted['name']}"}
        elif parts == ["api", "validate-yaml"]:
            told = {"errors": [], "warnings": []}
        elif parts[4] == "preupload":
            names = [file["path"] for file in json.loads(body)["files"]]
            modes = {"uploadMode": "regular", "shouldIgnore": False, "oid": None}
            told = {"files": [{"path": name} | modes for name in names]}
        elif parts[4] == "commit":
            rows = [json.loads(line) for line in body.splitlines()]
            files = [row["value"] for row in rows if row["key"] == "file"]
            self.received["/".join(parts[1:4])] = {
                file["path"]: base64.b64decode(file["content"]) for file in files
            }
            told = {"commitUrl": f"{self.url}/{parts[2]}/{parts[3]}/commit/1", "commitOid": "1"}
        self._send(request, json.dumps(told).encode(), {"Content-Type": "application/json"})

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
