"""A :class:`~ksim_compiler.live.drawer.Drawer` in a process of its own.

It is asked by a line, and answers with lines of JSON, the last of which is ``{"done": true}``. It
ends when its input does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ksim_compiler.live.drawer import Drawer, Message

MODULE = "ksim_compiler.live.remote"
ASK, FORCE = "look", "draw"
REST = 30.0
"""Seconds after which such a process is begun anew that has ended by itself."""
AGAIN = f"it is begun anew after {REST:.0f} s"


class Remote:
    """The other end of such a process, which is begun when it is first asked.

    Args:
        folder: of the run.
        trust: whether the task's own Python files may be run.
    """

    def __init__(self, folder: Path, trust: bool = False) -> None:
        self._command = [sys.executable, "-m", MODULE, str(folder), *(["trust"] if trust else [])]
        self._process: subprocess.Popen[str] | None = None
        self._begun = -REST

    def step(self, force: bool = False) -> Iterator[Message]:
        """As :meth:`Drawer.step`; a process that has ended is told as ``trouble``, once."""
        if self._process is None:
            if time.monotonic() - self._begun < REST:
                return  # it has just ended, and would again
            self._begun = time.monotonic()
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
                start_new_session=True,
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(f"{FORCE if force else ASK}\n")
            process.stdin.flush()
            for line in process.stdout:
                message = json.loads(line)
                if "done" in message:
                    return
                yield message
        except (OSError, ValueError):
            pass
        self._stop()
        yield {"trouble": f"nothing is drawn now: the process that does has ended; {AGAIN}"}

    def end(self) -> None:
        """End the process; it begins anew when it is asked again."""
        self._begun = -REST
        self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        process.wait()  # whoever reads of it is done then
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def main(arguments: list[str]) -> None:
    """Answer until there is nobody to ask."""
    drawer = Drawer(Path(arguments[0]), "trust" in arguments[1:])
    for line in sys.stdin:
        for message in drawer.step(line.strip() == FORCE):
            print(json.dumps(message), flush=True)
        print(json.dumps({"done": True}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
