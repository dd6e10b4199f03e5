"""The language server: what the client asks, answered from the files and the last checks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from ksim_compiler.editor import define, publish
from ksim_compiler.editor.checker import Checker, Given
from ksim_compiler.editor.files import SUFFIXES, Files, path_of
from ksim_compiler.editor.findings import NOTHING, Found, Known
from ksim_compiler.editor.studies import view_of
from ksim_compiler.editor.text import Text
from ksim_compiler.editor.view import View, is_about_tasks, is_study, is_task

NAME = "ksim-lsp"
DELAY = 0.03
"""Seconds without a change after which a text is checked."""
_LOG = logging.getLogger(NAME)


class Server(LanguageServer):
    """The server and what it knows."""

    def __init__(self) -> None:
        try:
            known = version("ksim-schema")
        except PackageNotFoundError:
            known = "0"
        super().__init__(NAME, known, lsp.TextDocumentSyncKind.Full)
        self.files = Files()
        self.found: dict[Path, Found] = {}
        self.known: dict[Path, Known] = {}
        self.checked: dict[Path, int | None] = {}
        self.published: dict[Path, dict[Path, list[lsp.Diagnostic]]] = {}
        self.timers: dict[Path, asyncio.TimerHandle] = {}
        self.checker = Checker(self.told, self.failed)
        self.options: Mapping[str, Any] = {}
        self.asked: dict[Path, int | None] = {}
        self.arrived = asyncio.Event()
        self.said: set[str] = set()

    # what the client can do

    def can(self, *names: str) -> bool:
        """Whether the client says that it has a capability."""
        here: Any = self.client_capabilities
        for name in names:
            here = getattr(here, name, None)
        return bool(here)

    @property
    def publisher(self) -> publish.Publisher:
        related = self.can("text_document", "publish_diagnostics", "related_information")
        return publish.Publisher(self.files, str(self.options.get("pages", "")), related)

    # files and views

    def view(self, uri: str) -> View | None:
        """An open file as a task; None of another one, or of what no task is."""
        path = path_of(uri)
        file = self.files.open.get(path) if path is not None else None
        if file is None or file.path.suffix not in SUFFIXES or not is_about_tasks(file):
            return None
        return view_of(file, self.files, self.known.get(file.path, NOTHING))

    def views(self) -> dict[Path, View]:
        """The open files as tasks."""
        return {
            path: view_of(file, self.files, self.known.get(path, NOTHING))
            for path, file in self.files.open.items()
        }

    def at(self, params: Any) -> tuple[View, int] | None:
        """The view and the offset that a request is about."""
        view = self.view(params.text_document.uri)
        if view is None:
            return None
        return view, view.file.text.offset(params.position.line, params.position.character)

    async def once_known(self, params: Any, longest: float) -> tuple[View, int] | None:
        """As :meth:`at`; of a file that was just opened, once something is known of it.

        Args:
            params: the request.
            longest: seconds after which it is answered without.
        """
        path = path_of(params.text_document.uri)
        file = self.files.open.get(path) if path is not None else None
        deadline = asyncio.get_running_loop().time() + longest
        while file is not None and is_task(file) and file.path not in self.known:
            left = deadline - asyncio.get_running_loop().time()
            self.arrived.clear()
            try:
                await asyncio.wait_for(self.arrived.wait(), left)
            except TimeoutError:
                break
        return self.at(params)

    # checks

    def changed(self, path: Path, delay: float = DELAY) -> None:
        """Have a file checked soon, and the open tasks that extend it."""
        others = [
            other
            for other, found in self.found.items()
            if other != path and other in self.files.open and path in found.files.values()
        ]
        for each in (path, *others):
            timer = self.timers.pop(each, None)
            if timer is not None:
                timer.cancel()
            loop = asyncio.get_running_loop()
            self.timers[each] = loop.call_later(delay, self._ask, each)

    def _ask(self, path: Path) -> None:
        self.timers.pop(path, None)
        file = self.files.open.get(path)
        if file is None:
            return
        if file.path.suffix not in SUFFIXES or not is_task(file):
            self._publish(path, {path: []})
            return

        def text() -> Given | None:
            now = self.files.open.get(path)
            if now is None:
                return None
            self.asked[path] = now.version
            others = {p: t for p, t in self.files.texts().items() if p != path}
            return now.text.text, others, is_study(now)

        self.checker.ask(path, text)

    def told(self, path: Path, answer: Found | Known) -> None:
        """Take an answer of the checking process; one about an older text shows nothing."""
        file = self.files.open.get(path)
        if file is None:
            return
        if isinstance(answer, Known):
            self.known[path] = answer
            self.arrived.set()
            return
        if file.version != self.asked.get(path):
            return
        self.found[path], self.checked[path] = answer, file.version
        self._publish(path, self.publisher.by_file(answer))

    def failed(self, path: Path, message: str, trace: str) -> None:
        """Say that a check went wrong: once for each way, and the traceback to the log alone."""
        if trace:
            _LOG.error("%s: %s\n%s", path, message, trace)
        if message not in self.said:
            self.said.add(message)
            text = f"{path.name}: {message}"
            params = lsp.ShowMessageParams(lsp.MessageType.Warning, text)
            self.window_show_message(params)

    def _publish(self, owner: Path, by_file: dict[Path, list[lsp.Diagnostic]]) -> None:
        """Show what the check of a task found, in each file that it is made of."""
        before = self.published.get(owner, {})
        self.published[owner] = by_file
        for path in {**before, **by_file}:
            if path != owner and before.get(path, []) == by_file.get(path, []):
                continue
            file = self.files.open.get(path)
            found = publish.joined(by.get(path, []) for by in self.published.values())
            self.text_document_publish_diagnostics(
                lsp.PublishDiagnosticsParams(
                    self.files.uri(path), found, file.version if file else None
                )
            )

    def close(self, path: Path) -> None:
        """Forget a file that is closed."""
        if self.files.open.pop(path, None) is None:
            return
        self._publish(path, {})
        for known in (self.found, self.published, self.checked):
            known.pop(path, None)

    def current(self, path: Path) -> Found | None:
        """What the check of a file's present text found; None while that is not known."""
        file = self.files.open.get(path)
        if file is None or self.checked.get(path, -1) != file.version:
            return None
        return self.found.get(path)


def location(server: Server, target: define.Target) -> lsp.Location:
    """A place in a file."""
    file = server.files.get(target.path)
    text = file.text if file is not None else Text(_source(target.path), server.files.encoding)
    return lsp.Location(
        server.files.uri(target.path), publish.range_of(text, text.stretch(target.span))
    )


def _source(path: Path) -> str:
    from ksim_schema.source.files import start_text

    return start_text(path)
