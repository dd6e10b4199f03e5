"""Serves the page of a run to this machine alone, under an address with a token."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ksim_compiler.live import page
from ksim_compiler.live.watcher import Draw, Watcher
from ksim_compiler.play.guard import HOST, asks_here, new_token, same

LOOKING = 10.0
"""Seconds after which a page that has not asked is not waited for."""
LAST = 6.0
"""Seconds that pages have to hear that they are served no more."""
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


class Server:
    """A server of one run's page, and the thread that reads and draws; use it in ``with``.

    Args:
        folder: of the run.
        port: to be listened on; 0 for any that is free.
        trust: whether the task's own Python files may be run.
        draw: what reads and draws the folder; a process of its own by default.

    Attributes:
        address: of the page, with its token.
        watcher: what is known of the run.

    Raises:
        OSError: the port is not free, or not to be had.
    """

    def __init__(
        self, folder: Path, port: int = 0, trust: bool = False, draw: Draw | None = None
    ) -> None:
        self.watcher = Watcher(folder, trust, draw)
        self.token = new_token()
        self._http = _Http((HOST, port), _Handler)
        self._http.of = self
        self.address = f"http://{HOST}:{self._http.server_address[1]}/{self.token}/"
        self._stop = threading.Event()
        self._work = threading.Thread(target=self.watcher.run, args=(self._stop,), daemon=True)

    def __enter__(self) -> Server:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        self._work.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self.watcher.end()
        self._http.shutdown()
        self._http.server_close()

    def part(self) -> None:
        """Show the end of the run to the pages that are open, and tell them that it is one."""
        there = self.watcher.looking(LOOKING)
        self._stop.set()
        self._work.join(LAST)
        if not there or self._work.is_alive():
            return
        self.watcher.step(force=True)
        self.watcher.ended = True
        self._http.told.clear()
        end = time.monotonic() + LAST
        while not there <= self._http.told and time.monotonic() < end:
            time.sleep(0.1)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    of: Server

    def __init__(self, *arguments: Any) -> None:
        self.told: set[str] = set()
        super().__init__(*arguments)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # http.server's asks a name server who we are
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "ksim", ""
    timeout = 60

    @property
    def _http(self) -> _Http:
        assert isinstance(self.server, _Http)
        return self.server

    def do_GET(self) -> None:
        """The page, or what is new."""
        place = self._place()
        if place is None:
            return
        path, query = place
        if path == "":
            more = {"Content-Security-Policy": page.policy()}
            self._send(200, page.document(), "text/html", more)
        elif path == "state":
            since, who = query.get("v", "0"), query.get("who", "")[:32]
            watcher = self._http.of.watcher
            found = watcher.state(int(since) if since.isdecimal() and len(since) < 16 else 0, who)
            self._send(200, json.dumps(found).encode(), "application/json")
            if found["ended"]:
                self._http.told.add(who)
        else:
            self._refuse(404)

    def do_POST(self) -> None:
        """Begin or end the viewer of the policy."""
        self.close_connection = True  # whatever was sent besides is not read
        place = self._place()
        if place is None:
            return
        watcher = self._http.of.watcher
        if place[0] == "policy/start" and not watcher.ended:
            watcher.viewer.start()
        elif place[0] == "policy/stop":
            watcher.viewer.stop()
        else:
            self._refuse(404)
            return
        self._send(200, json.dumps(watcher.viewer.as_json()).encode(), "application/json")

    def _place(self) -> tuple[str, dict[str, str]] | None:
        """What is asked for, and how; None where that was refused."""
        if not asks_here(self.headers, self.command == "GET"):
            self._refuse(403)
            return None
        try:
            parts = urlsplit(self.path)
        except ValueError:  # such as http://[
            self._refuse(404)
            return None
        token, slash, rest = parts.path.lstrip("/").partition("/")
        known = same(token, self._http.of.token)
        if not known or not slash:
            self._refuse(404)
            return None
        return rest, {name: values[0] for name, values in parse_qs(parts.query).items()}

    def _refuse(self, code: int) -> None:
        self._send(code, b"There is nothing here.\n", "text/plain")

    def _send(
        self, code: int, content: bytes, kind: str, more: dict[str, str] | None = None
    ) -> None:
        self.send_response(code)
        headers = {**_HEADERS, "Content-Type": f"{kind}; charset=utf-8", **(more or {})}
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: an address holds the token."""
