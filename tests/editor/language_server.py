"""A small client of the Language Server Protocol, for one server on its standard streams."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, cast

TIMEOUT = 60.0
"""Seconds to wait for an answer; it only bounds a hang."""


class LanguageServer:
    """A running server. Positions count from 0, as in the protocol."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.inbox: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.last_id = 0
        capabilities = {
            "textDocument": {
                "hover": {"contentFormat": ["markdown"]},
                "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
                "publishDiagnostics": {},
            },
            "workspace": {"configuration": True},
        }
        root = {"uri": folder.as_uri(), "name": folder.name}
        self.request(
            "initialize",
            processId=None,
            rootUri=folder.as_uri(),
            workspaceFolders=[root],
            capabilities=capabilities,
        )
        self.notify("initialized")

    def __enter__(self) -> LanguageServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()

    def open(self, path: Path) -> list[dict[str, Any]]:
        """Open a file; returns its diagnostics."""
        document = {
            "uri": path.as_uri(),
            "languageId": "yaml",
            "version": 1,
            "text": path.read_text(encoding="utf-8"),
        }
        self.notify("textDocument/didOpen", textDocument=document)
        while True:
            message = self._receive()
            if message.get("method") == "textDocument/publishDiagnostics":
                params = message["params"]
                if params["uri"] == path.as_uri():
                    return cast("list[dict[str, Any]]", params["diagnostics"])

    def complete(self, path: Path, line: int, column: int) -> dict[str, dict[str, Any]]:
        """What may stand at a place: label -> item."""
        answer = self.request("textDocument/completion", **_at(path, line, column))
        items = answer["items"] if isinstance(answer, dict) else answer
        return {item["label"]: item for item in items}

    def hover(self, path: Path, line: int, column: int) -> str:
        """What is said of a place, in Markdown."""
        answer = self.request("textDocument/hover", **_at(path, line, column))
        return answer["contents"]["value"] if answer else ""

    def request(self, method: str, **params: Any) -> Any:
        """Ask, and wait for the answer."""
        self.last_id += 1
        self._send({"id": self.last_id, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == self.last_id and "method" not in message:
                assert "error" not in message, message["error"]
                return message["result"]

    def notify(self, method: str, **params: Any) -> None:
        """Tell, and wait for nothing."""
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        """The next message; the server's own requests are answered with the settings."""
        while True:
            message = self.inbox.get(timeout=TIMEOUT)
            assert message is not None, "the language server has ended"
            if "id" not in message or "method" not in message:
                return message
            result: Any = None
            if message["method"] == "workspace/configuration":
                wanted = [item.get("section") for item in message["params"]["items"]]
                result = [SETTINGS if section == "yaml" else None for section in wanted]
            self._send({"id": message["id"], "result": result})

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while True:
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if not length:
                self.inbox.put(None)
                return
            self.inbox.put(json.loads(stream.read(length)))


SETTINGS = {
    "validate": True,
    "hover": True,
    "completion": True,
    "schemaStore": {"enable": False},  # it would be asked for over the network
}


def _at(path: Path, line: int, column: int) -> dict[str, Any]:
    return {
        "textDocument": {"uri": path.as_uri()},
        "position": {"line": line, "character": column},
    }
