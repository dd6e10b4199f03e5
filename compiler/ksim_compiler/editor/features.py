"""What the server answers: each request of the protocol, from the files and the last checks."""

from __future__ import annotations

import gc
import threading
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams

from ksim_compiler.editor import act, define, outline, publish, refer
from ksim_compiler.editor.complete import complete
from ksim_compiler.editor.files import SUFFIXES, File, path_of
from ksim_compiler.editor.hover import hover
from ksim_compiler.editor.server import Server, location
from ksim_compiler.editor.text import Stretch
from ksim_compiler.editor.view import built_in, is_study, is_task

WATCHED = "**/*.{yaml,yml,xml,mjcf,urdf,py,stl,obj,png}"
PATIENCE = 10.0
"""Seconds that an answer waits for the first check of a file; typing waits for none."""


def make() -> Server:
    """The server with all that it answers."""
    server = Server()
    _life(server)
    _places(server)
    _names(server)
    _whole(server)
    return server


def _life(server: Server) -> None:
    """Files are opened, changed and closed."""

    @server.feature(lsp.INITIALIZE)
    def begin(params: lsp.InitializeParams) -> None:
        server.options = (
            params.initialization_options if isinstance(params.initialization_options, dict) else {}
        )
        folders = [folder.uri for folder in params.workspace_folders or ()]
        if not folders and params.root_uri:
            folders = [params.root_uri]
        server.files.folders = [p for p in map(path_of, folders) if p is not None]
        server.checker.warm()
        threading.Thread(target=_begin, daemon=True).start()

    @server.feature(lsp.INITIALIZED)
    def ready(params: lsp.InitializedParams) -> None:
        server.files.encoding = str(
            getattr(server.workspace.position_encoding, "value", None)
            or server.workspace.position_encoding
            or "utf-16"
        )
        if server.can("workspace", "did_change_watched_files", "dynamic_registration"):
            watchers = [lsp.FileSystemWatcher(glob_pattern=WATCHED)]
            options = lsp.DidChangeWatchedFilesRegistrationOptions(watchers)
            method = lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES
            registration = lsp.Registration("watch", method, options)
            server.client_register_capability(lsp.RegistrationParams([registration]))

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        file = server.files.put(document.uri, document.text, document.version)
        if file is not None:
            server.changed(file.path, 0.0)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        document = server.workspace.get_text_document(params.text_document.uri)
        file = server.files.put(
            params.text_document.uri, document.source, params.text_document.version
        )
        if file is not None:
            server.changed(file.path)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        path = path_of(params.text_document.uri)
        if path is not None:
            server.close(path)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: lsp.DidSaveTextDocumentParams) -> None:
        path = path_of(params.text_document.uri)
        if path is not None and path.suffix not in SUFFIXES:
            _again(server)

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def watched(params: lsp.DidChangeWatchedFilesParams) -> None:
        _again(server)

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders(params: lsp.DidChangeWorkspaceFoldersParams) -> None:
        gone = {path_of(folder.uri) for folder in params.event.removed}
        new = [path_of(folder.uri) for folder in params.event.added]
        kept = [folder for folder in server.files.folders if folder not in gone]
        server.files.folders = [*kept, *(path for path in new if path is not None)]

    @server.feature(lsp.SHUTDOWN)
    def end(params: Any) -> None:
        server.checker.close()


def _begin() -> None:
    """Describe the language, which the first completion asks for; the collector leaves it alone."""
    built_in()
    gc.freeze()


def _again(server: Server) -> None:
    """Check all open files once more: a file that they read has changed."""
    for path in list(server.files.open):
        server.changed(path, 0.1)


def _places(server: Server) -> None:
    """What is asked of a place."""

    @server.feature(
        lsp.TEXT_DOCUMENT_COMPLETION,
        lsp.CompletionOptions(trigger_characters=[":", " ", "[", "{", ",", ".", "'", "/", "-"]),
    )
    async def completion(params: lsp.CompletionParams) -> lsp.CompletionList:
        found = await server.once_known(params, 1.0)
        snippets = server.can("text_document", "completion", "completion_item", "snippet_support")
        return lsp.CompletionList(False, complete(*found, snippets) if found else [])

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def hovered(params: lsp.HoverParams) -> lsp.Hover | None:
        found = await server.once_known(params, PATIENCE)
        said = hover(*found, publish.pages(str(server.options.get("pages", "")))) if found else None
        if found is None or said is None:
            return None
        content = lsp.MarkupContent(lsp.MarkupKind.Markdown, said[0])
        return lsp.Hover(content, publish.range_of(found[0].file.text, said[1]))

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    async def definition(params: lsp.DefinitionParams) -> list[lsp.Location]:
        found = await server.once_known(params, PATIENCE)
        return [location(server, target) for target in define.define(*found)] if found else []


def _names(server: Server) -> None:
    """What is asked of the names of parts."""

    @server.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    def references(params: lsp.ReferenceParams) -> list[lsp.Location]:
        found = server.at(params)
        here = refer.part_at(*found) if found else None
        if found is None or here is None:
            return []
        uses = refer.references(server.files, found[0], here[0], server.views())
        wanted = params.context.include_declaration
        return [
            lsp.Location(file.uri, publish.range_of(file.text, use.stretch))
            for file, use in uses
            if wanted or not use.declares
        ]

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    def highlights(params: lsp.DocumentHighlightParams) -> list[lsp.DocumentHighlight]:
        found = server.at(params)
        here = refer.part_at(*found) if found else None
        if found is None or here is None:
            return []
        view = found[0]
        return [
            lsp.DocumentHighlight(publish.range_of(view.file.text, use.stretch))
            for part, use in refer.uses_in(view)
            if part == here[0]
        ]

    @server.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
    def prepare(params: lsp.PrepareRenameParams) -> lsp.PrepareRenamePlaceholder | None:
        found = server.at(params)
        here = refer.part_at(*found) if found else None
        if found is None or here is None or here[0].name not in found[0].parts(here[0].object):
            return None
        where = publish.range_of(found[0].file.text, here[1])
        return lsp.PrepareRenamePlaceholder(where, here[0].name)

    @server.feature(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
    def rename(params: lsp.RenameParams) -> lsp.WorkspaceEdit | None:
        found = server.at(params)
        here = refer.part_at(*found) if found else None
        if found is None or here is None:
            raise JsonRpcInvalidParams("there is no part to rename here")
        try:
            edits = refer.renamed(server.files, found[0], here[0], params.new_name, server.views())
        except refer.RenameError as error:
            raise JsonRpcInvalidParams(str(error)) from error
        changes: dict[str, list[lsp.TextEdit]] = {}
        for file, stretch, text in edits:
            where = publish.range_of(file.text, stretch)
            changes.setdefault(file.uri, []).append(lsp.TextEdit(where, text))
        return lsp.WorkspaceEdit(changes=changes)


def _whole(server: Server) -> None:
    """What is asked of a whole file, or of all."""

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def symbols(params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
        view = server.view(params.text_document.uri)
        return outline.outline(view.file) if view else []

    @server.feature(lsp.TEXT_DOCUMENT_FOLDING_RANGE)
    def folds(params: lsp.FoldingRangeParams) -> list[lsp.FoldingRange]:
        view = server.view(params.text_document.uri)
        return outline.folds(view.file) if view else []

    @server.feature(lsp.WORKSPACE_SYMBOL)
    def everywhere(params: lsp.WorkspaceSymbolParams) -> list[lsp.WorkspaceSymbol]:
        return outline.symbols(server.files, params.query)

    @server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    def formatting(params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit] | None:
        view = server.view(params.text_document.uri)
        return act.formatted(view.file) if view and not is_study(view.file) else None

    options = lsp.CodeActionOptions([lsp.CodeActionKind.QuickFix, act.FIX_ALL])

    @server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, options)
    async def actions(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        view = server.view(params.text_document.uri)
        if view is None:
            return []
        file, only = view.file, params.context.only
        made: list[lsp.CodeAction] = []
        found = server.current(file.path)
        if found is not None and act.wanted(only, lsp.CodeActionKind.QuickFix):
            start, end = params.range.start, params.range.end
            stretch = Stretch(
                file.text.offset(start.line, start.character),
                file.text.offset(end.line, end.character),
            )
            shown = server.published.get(file.path, {}).get(file.path, [])
            made += act.repairs(server.files, file, found, stretch, shown)
        known = found is None or any(d.fix is not None and d.fix.certain for d in found.diagnostics)
        if known and act.wanted(only, act.FIX_ALL) and is_task(file):
            action = await _fix_all(server, file)
            made += [action] if action is not None else []
        return made


async def _fix_all(server: Server, file: File) -> lsp.CodeAction | None:
    """What puts right all that is certain to be a slip, as far as that leaves less errors."""
    others = {p: t for p, t in server.files.texts().items() if p != file.path}
    new = await server.checker.repair(file.path, file.text.text, others, is_study(file))
    if new is None or new == file.text.text or server.files.open.get(file.path) is not file:
        return None
    edits = act.differences(file.text, new)
    return lsp.CodeAction(
        title="Put right all that is certain to be a slip",
        kind=act.FIX_ALL,
        edit=lsp.WorkspaceEdit(changes={file.uri: edits}),
    )
