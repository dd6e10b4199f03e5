"""Who may see the page that follows a run."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ksim_compiler.live.server import Server
from ksim_compiler.plan import Plan
from tests.ksim_compiler.live.followed import row, write


@pytest.fixture
def server(run: tuple[Path, Plan]) -> Iterator[Server]:
    """Of a run that is not read: what it serves does not matter."""
    with Server(run[0], draw=lambda _: iter(())) as found:
        yield found


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, str, Any]:
    host, port = server.address.split("/")[2].split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers
    finally:
        connection.close()


def test_who_knows_the_token_and_is_here_sees_it(server: Server) -> None:
    home = "/" + server.address.split("/", 3)[3]
    port = server.address.split(":")[2].split("/")[0]
    code, page, headers = ask(server, home)
    assert (code, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in headers
    assert headers["X-Frame-Options"] == "DENY"
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    assert server.token not in page
    for host in (f"localhost:{port}", "127.0.0.1:9999", "localhost"):  # a tunnel has its own port
        assert ask(server, f"{home}state", Host=host)[0] == 200
    own = {"Host": f"127.0.0.1:{port}", "Origin": f"http://127.0.0.1:{port}"}
    assert ask(server, f"{home}state", **own)[0] == 200
    for path in (
        "/",
        "/state",
        "/wrong/",
        f"/{server.token}",
        f"/{server.token[:-1]}/",
        "/%C3%A4/",
    ):
        code, text, _ = ask(server, path)
        assert (code, text) == (404, "There is nothing here.\n")
    assert ask(server, f"{home}../run.json")[0] == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:80"},
        {"Host": "127.0.0.2"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    ],
)
def test_other_names_and_origins_see_nothing(server: Server, headers: dict[str, str]) -> None:
    for method, place in (("GET", ""), ("GET", "state"), ("POST", "policy/start")):
        path = f"/{server.token}/{place}"
        assert ask(server, path, method, **headers)[:2] == (403, "There is nothing here.\n")
    assert server.watcher.viewer.as_json()["state"] == "none"


def test_it_is_served_on_one_address_alone(server: Server) -> None:
    port = int(server.address.split(":")[2].split("/")[0])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=2.0).close()
    with Server(server.watcher.folder) as other:
        assert other.token != server.token
        assert other.address != server.address


def test_several_pages_follow_a_run_to_its_end(run: tuple[Path, Plan]) -> None:
    folder, plan = run
    with Server(folder) as server:
        follow_to_the_end(folder, plan, server)


def follow_to_the_end(folder: Path, plan: Plan, server: Server) -> None:

    def state(version: int, who: str) -> dict[str, Any]:
        return json.loads(ask(server, f"/{server.token}/state?v={version}&who={who}")[1])

    end = time.monotonic() + 60
    while not (found := state(0, "a"))["version"]:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert found["parts"]
    assert state(found["version"], "b")["status"]["kind"] == "stopped"
    write(folder / "metrics.jsonl", *(row(plan, i) for i in range(10, 21)))
    parting = threading.Thread(target=server.part)
    parting.start()
    for who in ("a", "b"):
        while not (last := state(found["version"], who))["ended"]:
            time.sleep(0.05)
        assert last["status"]["kind"] == "finished"
        assert "20,000" in last["parts"]["figures"]
    parting.join(3.0)
    assert not parting.is_alive()
