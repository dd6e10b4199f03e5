"""MuJoCo's Studio is shown to who knows its token, on this machine, and to nobody else."""

from __future__ import annotations

import os
import socket
from collections.abc import Generator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from ksim_compiler.play import guard
from ksim_compiler.play.guard import HOST, OwnSocket, Pass

studio = pytest.importorskip("ksim_compiler.play.studio")


@pytest.fixture(scope="module")
def known() -> Generator[Pass]:
    """MuJoCo's server, as the page starts it, without a model."""
    http, inner = (studio.web_server.bind_loopback_socket(0) for _ in range(2))
    known = Pass(http.getsockname()[1])
    studio._PASSES[http] = known
    server = studio.web_server.WebServer(http_sock=http, tcp_sock=inner, mjb_data=b"a model")
    server.start()
    yield known
    server.stop()


def port(known: Pass) -> int:
    return int(known.address.split(":")[2].split("/")[0])


def ask(known: Pass, path: str, **headers: str) -> tuple[int, bytes, str]:
    """Status, content and cookie."""
    connection = HTTPConnection(HOST, port(known), timeout=20)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.getheader("Set-Cookie") or ""
    finally:
        connection.close()


def test_who_knows_the_token_gets_a_cookie_and_sees_all(known: Pass) -> None:
    path = known.address.removeprefix(f"http://{HOST}:{port(known)}")
    status, content, cookie = ask(known, path)
    assert status == 200
    assert b"web_client.js" in content
    for word in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in cookie
    kept = cookie.split(";")[0]
    for each in ("/", "/index.html", "/web_client.js", "/model"):
        assert ask(known, each, Cookie=f"other=1; {kept}")[0] == 200, each
    assert ask(known, "/", Cookie=kept)[2] == ""
    tunnel = {"Host": "localhost:9999", "Origin": "http://localhost:9999"}
    assert ask(known, "/model", Cookie=kept, **tunnel)[:2] == (200, b"a model")


@pytest.mark.parametrize("path", ["/", "/index.html", "/web_client.js", "/model", "/none", "/ui"])
def test_who_does_not_sees_nothing(path: str, known: Pass) -> None:
    name = known.cookie.split("=")[0]
    for query, cookie in (
        ("", ""),
        ("?token=", f"{name}="),
        (f"?token={known.token[:-1]}", f"{name}={known.token[:-1]}"),
        (f"?token={known.token}&token={known.token}", f"{name}x={known.token}"),
        ("?token=%C3%A4", f"{known.token}"),
    ):
        headers = {"Cookie": cookie} if cookie else {}
        assert ask(known, path + query, **headers)[:2] == (403, b"There is nothing here.\n")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_names_and_other_pages_are_refused(headers: dict[str, str], known: Pass) -> None:
    kept = known.cookie.split(";")[0]
    assert ask(known, "/model", Cookie=kept, **headers)[0] == 403
    with pytest.raises(InvalidStatus, match="403"):
        connect(f"ws://{HOST}:{port(known)}/state", additional_headers={"Cookie": kept, **headers})


def test_the_streams_of_the_page_ask_for_the_token_too(known: Pass) -> None:
    kept = {"Cookie": known.cookie.split(";")[0]}
    for path in ("ui", "state", "drop"):
        address = f"ws://{HOST}:{port(known)}/{path}"
        with pytest.raises(InvalidStatus, match="403"):
            connect(address)
        with connect(address, additional_headers=kept, origin=f"http://{HOST}:{port(known)}"):
            pass


def test_a_server_of_somebody_else_is_as_it_was() -> None:
    http, inner = (studio.web_server.bind_loopback_socket(0) for _ in range(2))
    server = studio.web_server.WebServer(http_sock=http, tcp_sock=inner, mjb_data=b"a model")
    server.start()
    try:
        assert studio._answer(http.getsockname()[1]) == 200
    finally:
        server.stop()


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells whose it is")
def test_a_connection_of_another_user_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with OwnSocket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.bind((HOST, 0))
        listening.listen()
        with socket.create_connection(listening.getsockname()) as mine:
            assert guard._owner(mine.getsockname()[1]) == os.getuid()
            taken, _ = listening.accept()
            taken.close()
        monkeypatch.setattr(guard, "_owner", lambda port: os.getuid() + 1)
        with socket.create_connection(listening.getsockname()) as other:
            with pytest.raises(ConnectionAbortedError):
                listening.accept()
            assert other.recv(1) == b""
