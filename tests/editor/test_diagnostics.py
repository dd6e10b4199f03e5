"""What an editor shows while a task is being written: what is wrong with the text as it stands."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types as lsp

from tests.editor.conftest import HOP
from tests.support.editor import Editor


def codes(found: list[lsp.Diagnostic]) -> list[str]:
    return [str(d.code) for d in found if d.severity == lsp.DiagnosticSeverity.Error]


def test_a_valid_task_is_told_to_be_so(editor: Editor, folder: Path) -> None:
    assert editor.open(folder / "walk.yaml") == []


def test_the_text_that_is_not_saved_is_checked(editor: Editor, folder: Path) -> None:
    path = folder / "walk.yaml"
    editor.open(path)
    text = editor.texts[path.as_uri()]
    (found,) = editor.change(path, text.replace("height: 0.75 m", "height: 0.75 kg"))
    assert (found.code, found.source) == ("KS0109", "ksim")
    assert found.severity == lsp.DiagnosticSeverity.Error
    assert editor.slice(path.as_uri(), found.range) == "0.75 kg"
    assert "expected a length" in found.message
    assert found.code_description is not None
    assert found.code_description.href.endswith("docs/errors.md#ks0109-wrong-dimension")
    assert editor.change(path, text) == []


def test_places_are_in_utf_16(editor: Editor, folder: Path) -> None:
    path = folder / "hop.yaml"
    text = HOP.replace("upright: {kind: flat_body}", "upright: {about: 😀é, kind: flat_bdy}")
    found = next(d for d in editor.open(path, text) if d.code == "KS0102")
    line = text.split("\n")[found.range.start.line]
    units = len(line[: line.index("flat_bdy")].encode("utf-16-le")) // 2
    assert found.range.start.character == units
    assert found.range.end.character == units + len("flat_bdy")


def test_lines_may_end_in_carriage_returns(editor: Editor, folder: Path) -> None:
    path = folder / "hop.yaml"
    text = HOP.replace("flat_body", "flat_bdy").replace("\n", "\r\n")
    found = next(d for d in editor.open(path, text) if d.code == "KS0102")
    assert editor.slice(path.as_uri(), found.range) == "flat_bdy"


def test_other_places_stand_beside_a_diagnostic(editor: Editor, folder: Path) -> None:
    """What a task takes out of its base is missed in the base, and told where it is taken out."""
    path, base = folder / "hop_far.yaml", folder / "hop.yaml"
    text = path.read_text(encoding="utf-8").replace("[Reward.upright]", "[Observation.gyro]")
    (found,) = [d for d in editor.open(path, text) if d.code == "KS0201"]
    assert editor.slice(path.as_uri(), found.range) == "Observation.gyro"
    places = [(p.location.uri, p.location.range) for p in found.related_information or ()]
    assert {uri for uri, _ in places} == {base.as_uri()}
    assert {editor.slice(uri, where) for uri, where in places} == {"gyro"}


def test_a_base_that_is_open_is_read_as_it_is_open(editor: Editor, folder: Path) -> None:
    base, path = folder / "hop.yaml", folder / "hop_far.yaml"
    assert codes(editor.open(path)) == []
    editor.open(base)
    editor.change(base, HOP.replace("  moving: {kind: track_lin", "  walking: {kind: track_lin"))
    found = editor.until(path, lambda known: "KS0115" in codes(known))
    assert "Reward has no 'moving'" in " ".join(d.message for d in found)
    editor.change(base, HOP)
    editor.until(path, lambda known: codes(known) == [])


def test_what_is_wrong_in_a_base_is_shown_there(editor: Editor, folder: Path) -> None:
    base, path = folder / "broken_base.yaml", folder / "on_broken.yaml"
    base.write_text(HOP.replace("flat_body", "flat_bdy"), encoding="utf-8")
    path.write_text("ksim: 1\ntask: on\nextends: broken_base.yaml\n", encoding="utf-8")
    try:
        editor.open(path)
        (shown,) = editor.until(base, lambda known: codes(known) == ["KS0102"])
        assert editor.slice(base.as_uri(), shown.range) == "flat_bdy"
    finally:
        base.unlink()
        path.unlink()


def test_what_is_not_yaml_is_told_and_keeps_the_outline(editor: Editor, folder: Path) -> None:
    path = folder / "hop.yaml"
    editor.open(path)
    found = editor.change(path, HOP.replace("{kind: flat_body}", "{kind: flat_body"))
    assert codes(found)[0] == "KS0002"
    params = lsp.DocumentSymbolParams(lsp.TextDocumentIdentifier(path.as_uri()))
    symbols = editor.do(editor.client.text_document_document_symbol_async(params))
    names = [s.name for s in symbols or ()]
    assert names == ["ksim", "task", "about", *list(_sections())]
    assert "hip_left" in _labels(editor, path, "joints: hip|_.*")


def _sections() -> tuple[str, ...]:
    return tuple(line[:-1] for line in HOP.splitlines() if line.endswith(":") and line[0] != " ")


def _labels(editor: Editor, path: Path, around: str) -> list[str]:
    return list(editor.complete(path, around))


def test_what_could_be_taken_out_is_faded(editor: Editor, folder: Path) -> None:
    path = folder / "hop.yaml"
    text = HOP.replace("  gyro: {", "  idle: {kind: base_height}\n  gyro: {")
    found = next(d for d in editor.open(path, text) if d.code == "KS0307")
    assert list(found.tags or ()) == [lsp.DiagnosticTag.Unnecessary]
    assert found.severity == lsp.DiagnosticSeverity.Warning


def test_other_yaml_is_left_alone(editor: Editor, folder: Path) -> None:
    path = folder / "compose.yaml"
    assert editor.open(path, "services:\n  web: {image: x, ports: [80]}\n") == []
    assert editor.complete(path, "  w|eb") == {}
    assert editor.hover(path, "  w|eb") == ""


def test_what_a_component_prints_does_no_harm(editor: Editor, folder: Path) -> None:
    """It does not stand among the messages of the protocol, and fills no pipe."""
    path = folder / "hop_far.yaml"
    text = (folder / "hop_far.yaml").read_text(encoding="utf-8")
    (folder / "loud.py").write_text("print('x' * 999999)\n")
    editor.texts[path.as_uri()] = text
    assert codes(editor.open(path, text.replace("[crouch.py]", "[crouch.py, loud.py]"))) == []
    assert "trunk" in _labels(editor, path, "body: tr|unk")
    (folder / "loud.py").unlink()


def test_the_newest_text_is_the_one_that_is_told(editor: Editor, folder: Path) -> None:
    path = folder / "hop.yaml"
    editor.open(path)
    for end in range(400, len(HOP), 60):
        editor.change(path, HOP[:end], wait=False)
    assert codes(editor.change(path, HOP)) == []
