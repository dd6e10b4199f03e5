"""Who may see a page that is served to this machine alone.

Whoever asks must know a token, and ask 127.0.0.1 or localhost by that name: other users of the
machine do not know the token, and the page of another site that points its own name here (DNS
rebinding) asks by that name. Nothing is served to another origin.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import socket
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

HOST = "127.0.0.1"
BYTES = 24
"""Random bytes of a token."""
_NAME = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?")
"""What a browser may call this machine. The port may be another one: that of a tunnel."""
_CONNECTIONS = Path("/proc/net/tcp")


class Headers(Protocol):
    """The headers of a request."""

    def get_all(self, name: str, /) -> Any:
        """The values of a header; None or nothing where there is none."""
        ...


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(BYTES)


def same(given: str, token: str) -> bool:
    """Whether it is the token; it takes as long for one that is nearly right."""
    return hmac.compare_digest(given.encode(errors="replace"), token.encode())


def asks_here(headers: Headers, reads: bool) -> bool:
    """Whether a request is of this machine, by name, and of its own page or somebody's own.

    Args:
        headers: of the request.
        reads: whether it changes nothing.
    """
    hosts = list(headers.get_all("Host") or ())
    if len(hosts) != 1 or not _NAME.fullmatch(hosts[0]):
        return False
    if any(origin != f"http://{hosts[0]}" for origin in headers.get_all("Origin") or ()):
        return False
    site = _value(headers, "Sec-Fetch-Site") or "none"
    opened = (
        reads
        and _value(headers, "Sec-Fetch-Mode") == "navigate"
        and _value(headers, "Sec-Fetch-Dest") == "document"
    )
    return site in ("none", "same-origin") or opened


def _value(headers: Headers, name: str) -> str:
    values = list(headers.get_all(name) or ())
    return values[0] if len(values) == 1 else ""


class Pass:
    """A token that stands in a page's address, and then in a cookie.

    It is for a page whose own requests go to fixed addresses.

    Args:
        port: of the page; a browser keeps cookies by machine, not by port.
    """

    def __init__(self, port: int) -> None:
        self.token, self._name = new_token(), f"ksim-{port}"
        self.address = f"http://{HOST}:{port}/?token={self.token}"

    @property
    def cookie(self) -> str:
        """What is set when the page was asked for with its token."""
        return f"{self._name}={self.token}; Path=/; HttpOnly; SameSite=Lax"

    def shown(self, path: str, headers: Headers) -> bool:
        """Whether a request shows the token, in its address or as a cookie."""
        return self.named(path) or any(same(given, self.token) for given in self._kept(headers))

    def named(self, path: str) -> bool:
        """Whether the token is in the address that a request asks for."""
        try:
            given = parse_qs(urlsplit(path).query).get("token", [])
        except ValueError:  # such as http://[
            return False
        return len(given) == 1 and same(given[0], self.token)

    def _kept(self, headers: Headers) -> list[str]:
        found: list[str] = []
        for text in headers.get_all("Cookie") or ():
            try:
                kept = SimpleCookie(text).get(self._name)
            except CookieError:
                continue
            found += [kept.value] if kept is not None else []
        return found


class OwnSocket(socket.socket):
    """A listening socket of this machine that takes only connections of this user, on Linux."""

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection.

        Raises:
            ConnectionAbortedError: it was another user's, and is closed.
        """
        connection, address = super().accept()
        owner = _owner(address[1])
        if owner is not None and owner not in (os.getuid(), 0):
            connection.close()
            raise ConnectionAbortedError("a connection of another user")
        return connection, address


def _owner(port: int) -> int | None:
    """The user whose end of a connection on this machine has a port; None where not known."""
    try:
        lines = _CONNECTIONS.read_text(encoding="ascii").splitlines()[1:]
    except (OSError, ValueError):
        return None
    for fields in map(str.split, lines):
        if len(fields) > 7 and fields[1].endswith(f":{port:04X}") and fields[3] == "01":
            return int(fields[7])
    return None
