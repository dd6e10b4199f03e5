"""What an editor does to a text: repairs, the layout, its outline."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lsprotocol import types as lsp

from ksim_schema.diagnostics import Sink
from ksim_schema.task.format import format_text
from tests.editor.conftest import HOP
from tests.support.editor import Editor

FIX_ALL = lsp.CodeActionKind.SourceFixAll


def actions(
    editor: Editor, path: Path, around: str, only: list[str] | None = None
) -> list[lsp.CodeAction]:
    """What is offered at a place."""
    identifier, position = editor.at(path, around)
    context = lsp.CodeActionContext([], only=only)
    params = lsp.CodeActionParams(identifier, lsp.Range(position, position), context)
    found = editor.do(editor.client.text_document_code_action_async(params))
    return [action for action in found or () if isinstance(action, lsp.CodeAction)]


def done(editor: Editor, path: Path, action: lsp.CodeAction) -> str:
    """The text with an action's edits."""
    assert action.edit is not None
    return editor.edited(path.as_uri(), list((action.edit.changes or {})[path.as_uri()]))


def test_a_slip_is_repaired(editor: Editor, folder: Path) -> None:
    path = folder / "hop.yaml"
    editor.open(path, HOP.replace("flat_body", "flat_bdy").replace("0.4 m}", "0,4 m}"))
    (first,) = actions(editor, path, "kind: flat_b|dy", [lsp.CodeActionKind.QuickFix])
    assert first.title == "Write 'flat_body'"
    assert first.is_preferred
    assert done(editor, path, first) == HOP.replace("0.4 m}", "0,4 m}")
    (everything,) = actions(editor, path, "ksim|: 1", [FIX_ALL])
    assert everything.kind == FIX_ALL
    assert done(editor, path, everything) == HOP


def test_a_file_without_slips_has_no_repairs(editor: Editor, folder: Path) -> None:
    path = folder / "hop.yaml"
    editor.open(path)
    assert actions(editor, path, "ksim|: 1") == []


def test_a_warning_that_is_meant_is_silenced(editor: Editor, folder: Path) -> None:
    path = folder / "hop.yaml"
    idle = "  idle: {kind: base_height}\n"
    editor.open(path, HOP.replace("  gyro: {", f"{idle}  gyro: {{"))
    (action,) = actions(editor, path, "  id|le:")
    text = done(editor, path, action)
    assert "  idle: {kind: base_height}  # ksim: ignore[KS0307]\n" in text
    assert editor.change(path, text) == []


def test_a_text_is_laid_out_as_the_command_does(editor: Editor, folder: Path) -> None:
    path = folder / "hop.yaml"
    text = HOP.replace("{kind: flat_body}", "{scale: 1, kind: flat_body}")
    editor.open(path, text)
    options = lsp.FormattingOptions(2, True)
    params = lsp.DocumentFormattingParams(lsp.TextDocumentIdentifier(path.as_uri()), options)
    edits = editor.do(editor.client.text_document_formatting_async(params))
    assert edits
    assert editor.edited(path.as_uri(), list(edits)) == format_text(text, "hop.yaml", Sink())
    editor.change(path, text + "a: [")
    assert not editor.do(editor.client.text_document_formatting_async(params))


def test_the_outline_has_the_parts_and_their_kinds(editor: Editor, folder: Path) -> None:
    path = folder / "hop.yaml"
    editor.open(path)
    params = lsp.DocumentSymbolParams(lsp.TextDocumentIdentifier(path.as_uri()))
    found = editor.do(editor.client.text_document_document_symbol_async(params))
    symbols = [s for s in found or () if isinstance(s, lsp.DocumentSymbol)]
    reward = next(s for s in symbols if s.name == "Reward")
    assert [(s.name, s.detail) for s in reward.children or ()] == [
        ("moving", "track_linear_velocity"),
        ("upright", "flat_body"),
        ("high", "formula"),
    ]
    inside = [reward, *(reward.children or ())]
    assert all(
        (s.range.start.line, s.range.start.character)
        <= (s.selection_range.start.line, s.selection_range.start.character)
        for s in inside
    )
    folds = lsp.FoldingRangeParams(lsp.TextDocumentIdentifier(path.as_uri()))
    ranges = editor.do(editor.client.text_document_folding_range_async(folds)) or ()
    line = HOP[: HOP.index("Reward:")].count("\n")
    assert (line, line + 5) in [(r.start_line, r.end_line) for r in ranges]


def test_parts_are_found_by_name_in_the_workspace(editor: Editor, folder: Path) -> None:
    params = lsp.WorkspaceSymbolParams("upr")
    found = editor.do(editor.client.workspace_symbol_async(params)) or ()
    assert {(s.name, s.container_name) for s in found} == {
        ("upright", "Reward, hop.yaml"),
        ("upright", "Reward, walk.yaml"),
    }


def test_what_is_missing_is_said_in_a_line(tmp_path: Path) -> None:
    """Without pygls, the command says how to install it."""
    code = (
        "import sys; sys.modules['pygls'] = None\n"
        "from ksim_compiler.cli import lsp\n"
        "sys.exit(lsp.main([]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert line == (
        "ksim-lsp: it needs the package pygls, which is not installed: "
        "pip install 'ksim-schema[editor]'"
    )
