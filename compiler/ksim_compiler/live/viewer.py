"""The newest policy in MuJoCo's Studio: a process of its own, begun when somebody asks for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

MODULE = "ksim_compiler.cli.play"
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\S*")
_ESCAPES = re.compile(r"\x1b\]8;;.*?\x1b\\|\x1b\[[0-9;]*m")


class Viewer:
    """At most one process that shows a run's newest policy.

    Args:
        folder: of the run.
        trust: whether the task's own Python files may be run.
    """

    def __init__(self, folder: Path, trust: bool) -> None:
        self._command = [sys.executable, "-m", MODULE, str(folder), "--viewer", "web"]
        self._command += ["--trust"] if trust else []
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._address, self._error = "", ""

    def start(self) -> None:
        """Show the newest policy; one that is shown already is ended."""
        with self._lock:
            self._end()
            environment = {
                name: value
                for name, value in os.environ.items()
                if name not in ("MUJOCO_GL", "DISPLAY", "WAYLAND_DISPLAY")  # opens no window
            }
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env={**environment, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
            threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def stop(self) -> None:
        """End it."""
        with self._lock:
            self._end()

    def as_json(self) -> dict[str, Any]:
        """For the page: ``state`` is none, starts, runs or failed."""
        process = self._process
        if process is None:
            state = "failed" if self._error else "none"
        elif process.poll() is not None:
            state = "failed" if not self._address or process.returncode else "none"
        else:
            state = "runs" if self._address else "starts"
        address = self._address if state == "runs" else ""
        why = self._error or "ksim-play ended" if state == "failed" else ""
        return {"state": state, "address": address, "error": why}

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            text = _ESCAPES.sub("", line).strip()
            if process is not self._process:
                continue
            found = _ADDRESS.search(text)
            if found and not self._address:
                self._address = found[0]
            if text.startswith("ksim-play:"):
                self._error = text

    def _end(self) -> None:
        process, self._process = self._process, None
        self._address = self._error = ""
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(3.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
