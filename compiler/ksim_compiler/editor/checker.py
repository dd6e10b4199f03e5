"""Checks in a process of their own: one at a time, the newest text first, ended when they hang."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from ksim_compiler.editor import worker
from ksim_compiler.editor.findings import Asked, Found, Known

LONGEST = 60.0
"""Seconds after which a check is ended: a task's own Python file may never return."""

Answer = Found | Known | str
Given = tuple[str, Mapping[Path, str], bool]


class Ended(Exception):
    """The checking process has ended. The message says how."""


class Checker:
    """The checking process and what waits for it.

    Args:
        told: is given each answer of a check with the file that it is about.
        failed: is given a file and what went wrong, in words, and a traceback where there is one.
        longest: seconds after which a check is ended.
    """

    def __init__(
        self,
        told: Callable[[Path, Found | Known], None],
        failed: Callable[[Path, str, str], None],
        longest: float = LONGEST,
    ) -> None:
        self.told, self.failed, self.longest = told, failed, longest
        self.waiting: dict[Path, Callable[[], Given | None]] = {}
        self.numbers = itertools.count(1)
        self.closed = False
        self.lock = asyncio.Lock()
        self.task: asyncio.Task[None] | None = None
        self.process: SpawnProcess | None = None
        self.connection: Connection | None = None

    def ask(self, path: Path, text: Callable[[], Given | None]) -> None:
        """Have a file checked once what is being checked is done.

        Args:
            path: the file. What waits for it already is forgotten.
            text: gives its text, those of the files that are open, and whether it is a study, when
                its turn comes; None where it is no longer to be checked.
        """
        self.waiting.pop(path, None)
        self.waiting[path] = text
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self._work())

    def warm(self) -> None:
        """Start the process before there is something to check."""
        threading.Thread(target=self._start, daemon=True).start()

    async def repair(
        self, path: Path, text: str, others: Mapping[Path, str], study: bool
    ) -> str | None:
        """A text without what is certain to be a slip; None where that cannot be told."""
        asked = Asked(next(self.numbers), path, text, others, repair=True, study=study)
        try:
            async with self.lock:
                (answer,) = [a async for a in self._answers(asked, 1)]
        except (Ended, ValueError):
            return None
        return answer.repaired if isinstance(answer, Found) else None

    async def _work(self) -> None:
        while self.waiting:
            path = next(reversed(self.waiting))
            given = self.waiting.pop(path)()
            if given is None:
                continue
            text, others, study = given
            asked = Asked(next(self.numbers), path, text, others, study=study)
            try:
                async with self.lock:
                    async for answer in self._answers(asked, 2):
                        if isinstance(answer, str):
                            self.failed(path, "the check failed by a mistake of ours", answer)
                        else:
                            self.told(path, answer)
            except Ended as error:
                if not self.closed:
                    self.failed(path, str(error), "")

    async def _answers(self, asked: Asked, count: int):
        """The answers to a question as they come."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.longest
        for number in range(count):
            left = deadline - loop.time()
            try:
                work = loop.run_in_executor(None, self._exchange, asked if number == 0 else None)
                work.add_done_callback(lambda done: done.cancelled() or done.exception())
                answer = await asyncio.wait_for(asyncio.shield(work), left)
            except TimeoutError:
                self.end()
                raise Ended(f"the check was ended after {self.longest:g} seconds") from None
            yield answer
            if isinstance(answer, str):
                return

    def _exchange(self, asked: Asked | None) -> Answer:
        """Send a question, if there is one, and wait for an answer."""
        if asked is not None:
            self._start()
        process, connection = self.process, self.connection
        try:
            if process is None or connection is None:
                raise EOFError
            if asked is not None:
                connection.send(asked)
            return connection.recv()
        except (EOFError, OSError) as error:
            if connection is self.connection:  # another one may run by now
                self.end()
            code = process.exitcode if process is not None else None
            raise Ended(f"the checking process has ended (exit status {code})") from error

    _starting = threading.Lock()

    def _start(self) -> None:
        """Start the process, unless it runs."""
        with self._starting:
            if self.process is not None and self.process.is_alive():
                return
            context = multiprocessing.get_context("spawn")
            mine, its = context.Pipe()
            process = context.Process(target=worker.run, args=(its,), daemon=True)
            process.start()
            its.close()
            self.process, self.connection = process, mine

    def close(self) -> None:
        """End the process for good."""
        self.closed = True
        self.waiting.clear()
        self.end()

    def end(self) -> None:
        """End the process; the next question starts another one."""
        process, connection = self.process, self.connection
        self.process = self.connection = None
        if process is not None:
            process.kill()
            process.join(5)
        if connection is not None:
            connection.close()
