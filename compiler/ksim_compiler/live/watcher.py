"""What the pages of a run are told: its state, and those of its parts that have changed.

One thread has the folder read and drawn, and only while somebody looks. Who asks gets what was
drawn last.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ksim_compiler.learn.run.files import checkpoints
from ksim_compiler.live.drawer import Message
from ksim_compiler.live.remote import Remote
from ksim_compiler.live.viewer import Viewer

PERIOD = 2.0
"""Seconds between two looks at the folder."""
LOOKING = 75.0
"""Seconds after which who asks no more does not look any more; a hidden page asks each minute."""
MOST = 1000
"""Pages that are remembered."""
STARTS = {"kind": "starts", "word": "is read", "text": "", "share": None}

Draw = Callable[[bool], Iterator[Message]]
"""Reads and draws a folder, as :meth:`ksim_compiler.live.drawer.Drawer.step` does."""


class Watcher:
    """A run that is watched.

    Args:
        folder: of the run.
        trust: whether the task's own Python files may be run.
        draw: what reads and draws it; a process of its own by default.

    Attributes:
        ended: whether its page is about to be served no more.
    """

    def __init__(self, folder: Path, trust: bool = False, draw: Draw | None = None) -> None:
        self.folder, self.ended = folder, False
        self.viewer = Viewer(folder, trust)
        self._remote = Remote(folder, trust)
        self._draw = draw or self._remote.step
        self._told: dict[str, Any] = {"status": STARTS, "task": "", "trouble": ""}
        self._parts: dict[str, tuple[int, str]] = {}
        self._version = 0
        self._lock = threading.Lock()
        self._asked = threading.Event()
        self._last: dict[str, float] = {}

    def state(self, since: int, who: str = "") -> dict[str, Any]:
        """What a page is told.

        Args:
            since: the version that it has; 0 for none.
            who: which page it is.
        """
        ended = self.ended  # before the rest, which is then the last
        with self._lock:
            if who not in self._last and len(self._last) >= MOST:
                self._last.clear()
            self._last[who] = time.monotonic()
            parts = {name: text for name, (v, text) in self._parts.items() if v > since}
            found = {**self._told, "version": self._version, "parts": parts}
            found["order"] = list(self._parts)
        self._asked.set()
        return {
            **found,
            "ended": ended,
            "newest": self.newest(),
            "policy": self.viewer.as_json(),
        }

    def looking(self, within: float = LOOKING) -> set[str]:
        """Which pages have asked in so many seconds."""
        now = time.monotonic()
        with self._lock:
            return {who for who, at in self._last.items() if now - at < within}

    def newest(self) -> int | None:
        """Environment steps of the newest checkpoint; None where there is none."""
        try:
            found = checkpoints(self.folder)
        except OSError:
            return None
        return found[-1][0] if found else None

    def run(self, stop: threading.Event) -> None:
        """Have it read and drawn until told to stop, while somebody looks."""
        while not stop.is_set():
            if not self.looking():
                self._remote.end()  # it holds some 150 MB
                self._asked.clear()
                while not self._asked.wait(0.5) and not stop.is_set():
                    pass
                continue
            self.step()
            stop.wait(PERIOD)

    def step(self, force: bool = False) -> None:
        """Have it read, and drawn where that is due.

        Args:
            force: draw it even if it is not.
        """
        for message in self._draw(force):
            with self._lock:
                self._take(message)

    def end(self) -> None:
        """End its processes."""
        self.viewer.stop()
        self._remote.end()

    def _take(self, message: Message) -> None:
        if "clear" in message:
            self._parts.clear()
        elif "part" not in message:
            self._told.update(message)
        elif self._parts.get(message["part"], (0, None))[1] != message["text"]:
            self._version += 1
            self._parts[message["part"]] = self._version, message["text"]
