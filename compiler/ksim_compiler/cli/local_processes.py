"""Several processes of one training on this machine, and the one that minds them.

Each has its share of the cores. What any of them writes to standard error is kept in the run's
folder; of what the first one writes, the lines of the libraries below are left out on the terminal.
When one ends that was not asked to, all are ended, and one line says so.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from ksim_compiler.cli.common import ERRORS, INTERRUPTED, OK, USAGE
from ksim_compiler.cli.peers import FOLDER, PEER_LOST, SUPERVISED

LOGS = "processes"
"""The folder within a run's in which the processes' standard errors are kept."""
_LIBRARIES = re.compile(rb"[EFIW]\d{4} \d\d:\d\d:\d\d|\*\*\* |\s+@ +0x|#\d+ 0x|terminate called")
"""How the lines begin that XLA's and gRPC's own logs are made of."""
_GRACE = 2.0
"""Seconds in which processes end by themselves when one of them has."""


def shares(cores: Sequence[int], count: int) -> list[list[int]]:
    """The cores of each process: neighbours, equally many; shared where there are too few."""
    cores = sorted(cores)
    if count >= len(cores):
        return [[cores[i % len(cores)]] for i in range(count)]
    size = len(cores) // count
    return [cores[i * size : (i + 1) * size] for i in range(count)]


def supervise(program: str, words: Sequence[str], count: int) -> int:
    """Train with so many processes. Returns the exit status.

    Args:
        program: the command's name.
        words: its command line, without the option that asked for the processes.
        count: how many.
    """
    with tempfile.TemporaryDirectory(prefix="ksim-processes-") as told:
        return _Processes(program, list(words), count, Path(told)).mind()


class _Processes:
    """Processes that were started."""

    def __init__(self, program: str, words: list[str], count: int, told: Path) -> None:
        self._program, self._told, self._asked = program, told, list[int]()
        self._count, self._words = count, words
        self._handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
        self._all: list[subprocess.Popen[bytes]] = []

    def mind(self) -> int:
        """Wait for their end. Returns the exit status."""
        for number in self._handlers:
            signal.signal(number, self._pass_on)
        try:
            self._start()
            reader = threading.Thread(target=self._show, args=(self._all[0].stderr,), daemon=True)
            reader.start()
            status = self._wait()
            reader.join(_GRACE)
            return status
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            self._end()
            self._keep()

    def _start(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "ksim_compiler.cli.run", *self._words]
        command += ["--coordinator", f"127.0.0.1:{port}", "--processes", str(self._count)]
        environment = {**os.environ, SUPERVISED: str(self._told)}
        limited = sys.platform == "linux"
        mine = shares(list(os.sched_getaffinity(0)), self._count) if limited else []
        for i in range(self._count):
            own = mine[i] if limited else None

            def on_its_cores(own: Any = own) -> None:
                if own is not None and sys.platform == "linux":
                    os.sched_setaffinity(0, own)

            with (self._told / f"{i}.log").open("wb") as log:
                process = subprocess.Popen(
                    [*command, "--process", str(i)],
                    stdin=subprocess.PIPE,  # whose end says that this process is gone
                    stdout=log if i else None,
                    stderr=log if i else subprocess.PIPE,
                    env=environment,
                    start_new_session=True,  # a terminal's Ctrl-C comes to this process alone
                    preexec_fn=on_its_cores,
                )
            self._all.append(process)

    def _wait(self) -> int:
        while True:
            ended = {i: p.poll() for i, p in enumerate(self._all)}
            ended = {i: status for i, status in ended.items() if status is not None}
            if any(ended.values()):
                break
            if len(ended) == self._count:
                return OK
            time.sleep(0.05)
        by = time.monotonic() + _GRACE
        asked = self._asked and all(s == INTERRUPTED for s in ended.values())
        while (asked or time.monotonic() < by) and any(p.poll() is None for p in self._all):
            time.sleep(0.05)
            asked = asked and all(p.poll() in (None, INTERRUPTED) for p in self._all)
        status = {i: p.poll() for i, p in enumerate(self._all)}
        first = status[0]
        if first in (ERRORS, USAGE):  # which it has said
            return first
        if all(s == INTERRUPTED for s in status.values()):
            return INTERRUPTED
        if self._asked:
            return 128 + self._asked[0]
        return self._report({i: s for i, s in ended.items() if s})

    def _report(self, ended: dict[int, int | None]) -> int:
        """Say which process has ended first."""

        def own_fault(item: tuple[int, int | None]) -> tuple[bool, bool, int]:
            i, status = item  # those that lost a peer end by themselves, or XLA aborts them
            return status == PEER_LOST, status == -signal.SIGABRT, i

        i, status = min(ended.items(), key=own_fault)
        assert status is not None
        how = f"was ended by {_signal(-status)}" if status < 0 else f"ended with status {status}"
        where = self._folder()
        kept = "nothing was trained yet"
        if where is None and any(log.stat().st_size for log in self._told.glob("*.log")):
            left = Path(tempfile.mkdtemp(prefix="ksim-processes-"))
            shutil.copytree(self._told, left, dirs_exist_ok=True)
            kept += f"; what the processes wrote is in {left}"
        if where is not None:
            again = f"{self._program} --resume {where} --local-processes {self._count}"
            kept = f"the run is kept at {where}; resume with: {again}"
        message = f"process {i} of {self._count} {how}; {kept}"
        print(f"{self._program}: {message}", file=sys.stderr, flush=True)
        return ERRORS

    def _show(self, stream: BinaryIO) -> None:
        """Print what the first process says."""
        with (self._told / "0.log").open("wb") as log:
            for line in stream:
                log.write(line)
                log.flush()
                if not _LIBRARIES.match(line):
                    sys.stderr.buffer.write(line)
                    sys.stderr.flush()

    def _pass_on(self, number: int, frame: object) -> None:
        self._asked.append(number)
        for process in self._all:
            if process.poll() is None:
                process.send_signal(number)

    def _end(self) -> None:
        for process in self._all:
            if process.poll() is None:
                process.kill()
        for process in self._all:
            process.wait()
            if process.stdin is not None:
                process.stdin.close()

    def _folder(self) -> Path | None:
        told = self._told / FOLDER
        return Path(told.read_text(encoding="utf-8")) if told.is_file() else None

    def _keep(self) -> None:
        """Keep what was written to standard errors in the run's folder, if there is one."""
        where = self._folder()
        if where is None or not where.is_dir():
            return
        for log in self._told.glob("*.log"):
            if log.stat().st_size:
                (where / LOGS).mkdir(exist_ok=True)
                shutil.copyfile(log, where / LOGS / log.name)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
