"""An editor for tests: pygls's client, which talks to the real server over its streams."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

T = TypeVar("T")
TIMEOUT = 120.0
"""Seconds to wait for an answer; it only bounds a hang."""
COMMAND = (sys.executable, "-m", "ksim_compiler.cli.lsp")


class Editor:
    """A client with a server. Places are given by the text around them, with ``|`` as the cursor.

    Args:
        folder: of the workspace.
        capabilities: what the client says it can; snippets and related places by default.
        options: for the server.
    """

    def __init__(
        self,
        folder: Path,
        capabilities: lsp.ClientCapabilities | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.client = LanguageClient("tests", "1")
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.diagnostics: dict[str, lsp.PublishDiagnosticsParams] = {}
        self.told = threading.Condition()
        self.messages: list[str] = []

        @self.client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params: lsp.PublishDiagnosticsParams) -> None:
            with self.told:
                self.diagnostics[params.uri] = params
                self.told.notify_all()

        @self.client.feature(lsp.WINDOW_SHOW_MESSAGE)
        def shown(params: lsp.ShowMessageParams) -> None:
            self.messages.append(params.message)

        self.do(self.client.start_io(*COMMAND))
        self.answer = self.do(
            self.client.initialize_async(
                lsp.InitializeParams(
                    capabilities=capabilities or able(),
                    root_uri=folder.as_uri(),
                    workspace_folders=[lsp.WorkspaceFolder(folder.as_uri(), folder.name)],
                    initialization_options=options,
                )
            )
        )
        self.client.initialized(lsp.InitializedParams())

    def __enter__(self) -> Editor:
        return self

    def __exit__(self, *_: object) -> None:
        self.do(self.client.shutdown_async(None))
        self.client.exit(None)
        self.do(self.client.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for the client."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(TIMEOUT)

    def open(self, path: Path, text: str | None = None) -> list[lsp.Diagnostic]:
        """Open a file, as it is or with another text; returns what is wrong with it."""
        uri = path.as_uri()
        if text is None:
            with path.open(encoding="utf-8", newline="") as stream:
                text = stream.read()
        self.texts[uri], self.versions[uri] = text, 1
        self.client.text_document_did_open(
            lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(uri, "yaml", 1, text))
        )
        return self.wait(path)

    def change(self, path: Path, text: str, wait: bool = True) -> list[lsp.Diagnostic]:
        """Give an open file another text; returns what is wrong with it."""
        uri = path.as_uri()
        self.texts[uri] = text
        self.versions[uri] += 1
        self.client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                lsp.VersionedTextDocumentIdentifier(self.versions[uri], uri),
                [lsp.TextDocumentContentChangeWholeDocument(text)],
            )
        )
        return self.wait(path) if wait else []

    def close_all(self) -> None:
        """Close all files."""
        for uri in list(self.texts):
            self.client.text_document_did_close(
                lsp.DidCloseTextDocumentParams(lsp.TextDocumentIdentifier(uri))
            )
        self.texts.clear()
        with self.told:
            self.diagnostics.clear()

    def wait(self, path: Path) -> list[lsp.Diagnostic]:
        """What is wrong with the present text of a file, once that is told."""
        uri = path.as_uri()

        def current() -> bool:
            known = self.diagnostics.get(uri)
            return known is not None and known.version == self.versions[uri]

        with self.told:
            assert self.told.wait_for(current, TIMEOUT), f"nothing is told of {path}"
            return list(self.diagnostics[uri].diagnostics)

    def until(self, path: Path, told: Any) -> list[lsp.Diagnostic]:
        """What is wrong with a file, once something is so of it."""
        uri = path.as_uri()

        def so() -> bool:
            known = self.diagnostics.get(uri)
            return known is not None and told(known.diagnostics)

        with self.told:
            assert self.told.wait_for(so, TIMEOUT), self.diagnostics.get(uri)
            return list(self.diagnostics[uri].diagnostics)

    # places

    def position(self, path: Path, around: str) -> lsp.Position:
        """The place of ``|`` in a part of an open file's text, in UTF-16."""
        text = self.texts[path.as_uri()]
        before, after = around.split("|")
        assert text.count(before + after) >= 1, around
        offset = text.index(before + after) + len(before)
        lines = text[:offset].split("\n")
        return lsp.Position(len(lines) - 1, len(lines[-1].encode("utf-16-le")) // 2)

    def at(self, path: Path, around: str) -> tuple[lsp.TextDocumentIdentifier, lsp.Position]:
        """A file and a place in it."""
        return lsp.TextDocumentIdentifier(path.as_uri()), self.position(path, around)

    def slice(self, uri: str, where: lsp.Range, text: str | None = None) -> str:
        """What stands at a range of a file."""
        text = self.texts.get(uri) if text is None else text
        if text is None:
            from pygls.uris import to_fs_path

            text = Path(to_fs_path(uri) or "").read_text(encoding="utf-8")
        return text[offset(text, where.start) : offset(text, where.end)]

    def edited(self, uri: str, edits: list[lsp.TextEdit]) -> str:
        """A file's text with edits in it."""
        text = self.texts.get(uri)
        if text is None:
            from pygls.uris import to_fs_path

            text = Path(to_fs_path(uri) or "").read_text(encoding="utf-8")
        for edit in sorted(edits, key=lambda e: offset(text, e.range.start), reverse=True):
            start, end = offset(text, edit.range.start), offset(text, edit.range.end)
            text = text[:start] + edit.new_text + text[end:]
        return text

    # what is asked

    def complete(self, path: Path, around: str) -> dict[str, lsp.CompletionItem]:
        """What is proposed at a place, in its order: label -> item."""
        params = lsp.CompletionParams(*self.at(path, around))
        found = self.do(self.client.text_document_completion_async(params))
        assert isinstance(found, lsp.CompletionList)
        return {item.label: item for item in sorted(found.items, key=lambda i: i.sort_text or "")}

    def hover(self, path: Path, around: str) -> str:
        """What is said of a place."""
        params = lsp.HoverParams(*self.at(path, around))
        found = self.do(self.client.text_document_hover_async(params))
        if found is None:
            return ""
        assert isinstance(found.contents, lsp.MarkupContent)
        return found.contents.value

    def define(self, path: Path, around: str) -> list[lsp.Location]:
        """Where what is named at a place is defined."""
        params = lsp.DefinitionParams(*self.at(path, around))
        found = self.do(self.client.text_document_definition_async(params))
        assert isinstance(found, list)
        return [each for each in found if isinstance(each, lsp.Location)]


def offset(text: str, position: lsp.Position) -> int:
    """The offset of a position in UTF-16."""
    lines = text.split("\n")
    start = sum(len(line) + 1 for line in lines[: position.line])
    rest = (lines[position.line] if position.line < len(lines) else "").encode("utf-16-le")
    return min(start + len(rest[: 2 * position.character].decode("utf-16-le")), len(text))


def able(encodings: list[str] | None = None) -> lsp.ClientCapabilities:
    """What a full client says that it can."""
    item = lsp.ClientCompletionItemOptions(snippet_support=True)
    return lsp.ClientCapabilities(
        general=lsp.GeneralClientCapabilities(position_encodings=encodings),
        text_document=lsp.TextDocumentClientCapabilities(
            completion=lsp.CompletionClientCapabilities(completion_item=item),
            publish_diagnostics=lsp.PublishDiagnosticsClientCapabilities(related_information=True),
        ),
    )
