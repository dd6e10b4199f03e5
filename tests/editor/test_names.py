"""Where names lead, who names a part, and other names for parts, over files."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from tests.support.editor import Editor


def shown(editor: Editor, found: list[lsp.Location]) -> list[tuple[str, str]]:
    """The name of each place's file, and the line that it is in, from its column on."""
    lines: list[tuple[str, str]] = []
    for place in found:
        path = Path(lsp_path(place.uri))
        text = editor.texts.get(place.uri) or path.read_text(encoding="utf-8")
        line = text.split("\n")[place.range.start.line]
        lines.append((path.name, line[place.range.start.character :].strip()))
    return lines


def lsp_path(uri: str) -> str:
    from pygls.uris import to_fs_path

    return to_fs_path(uri) or ""


@pytest.mark.parametrize(
    ("name", "around", "file", "line"),
    [
        ("hop.yaml", "read: [joints, gy|ro]", "hop.yaml", "gyro: {kind: sensor"),
        ("hop.yaml", "command: sp|eed", "hop.yaml", "speed: {kind: planar_velocity"),
        ("hop.yaml", "command.spe|ed.forward", "hop.yaml", "speed: {kind: planar_velocity"),
        ("hop.yaml", "sensor: imu_|gyro", "biped.xml", '<gyro name="imu_gyro"'),
        ("hop.yaml", "keyframe: ho|me", "biped.xml", '<key name="home"'),
        ("hop.yaml", "robots/bip|ed.xml", "biped.xml", '<mujoco model="biped">'),
        ("hop_far.yaml", "extends: hop|.yaml", "hop.yaml", "ksim: 1"),
        ("hop_far.yaml", "Reward.moving.error|_scale", "hop.yaml", "error_scale: 0.3 m/s}"),
        ("hop_far.yaml", "[Reward.up|right]", "hop.yaml", "upright: {kind: flat_body}"),
        ("hop_far.yaml", "body: tru|nk", "biped.xml", '<body name="trunk"'),
        ("hop_far.yaml", "[crouch|.py]", "crouch.py", '"""A component of the task\'s own."""'),
        ("hop_far.yaml", "kind: crou|ched", "crouch.py", "Crouched(Reward):"),
    ],
)
def test_a_name_leads_to_what_it_names(
    editor: Editor, folder: Path, name: str, around: str, file: str, line: str
) -> None:
    editor.open(folder / name)
    ((where, text),) = shown(editor, editor.define(folder / name, around))
    assert where == file
    assert text.startswith(line)


def test_a_pattern_leads_to_all_that_it_matches(editor: Editor, folder: Path) -> None:
    path = folder / "hop.yaml"
    editor.open(path)
    found = shown(editor, editor.define(path, "joints: hip|_.*"))
    assert [text.split('"')[1] for _, text in found] == ["hip_left", "hip_right"]


def references(editor: Editor, path: Path, around: str) -> list[lsp.Location]:
    identifier, position = editor.at(path, around)
    params = lsp.ReferenceParams(lsp.ReferenceContext(True), identifier, position)
    found = editor.do(editor.client.text_document_references_async(params))
    return list(found or ())


def test_references_are_found_over_files(editor: Editor, folder: Path) -> None:
    path = folder / "hop.yaml"
    editor.open(path)
    found = references(editor, path, "  mov|ing: {")
    assert sorted(shown(editor, found)) == [
        ("hop.yaml", "moving: {kind: track_linear_velocity, command: speed, error_scale: 0.3 m/s}"),
        ("hop_far.yaml", "moving.error_scale: 0.5 m/s"),
    ]
    assert len(references(editor, path, "  spe|ed: {")) == 5


def rename(editor: Editor, path: Path, around: str, new: str) -> dict[str, str]:
    """The texts of the files that a new name changes, by their names."""
    identifier, position = editor.at(path, around)
    params = lsp.RenameParams(identifier, position, new)
    found = editor.do(editor.client.text_document_rename_async(params))
    assert found is not None
    return {
        Path(lsp_path(uri)).name: editor.edited(uri, list(edits))
        for uri, edits in (found.changes or {}).items()
    }


def test_a_part_is_renamed_in_all_files(editor: Editor, folder: Path) -> None:
    path = folder / "hop_far.yaml"
    editor.open(path)
    changed = rename(editor, path, "Reward.mov|ing.error_scale", "running")
    assert set(changed) == {"hop.yaml", "hop_far.yaml"}
    assert "  running: {kind: track_linear_velocity" in changed["hop.yaml"]
    assert "  Reward.running.error_scale: 0.5 m/s" in changed["hop_far.yaml"]
    assert "moving" not in changed["hop.yaml"] + changed["hop_far.yaml"]


def test_a_command_is_renamed_in_formulas(editor: Editor, folder: Path) -> None:
    path = folder / "hop.yaml"
    editor.open(path)
    text = rename(editor, path, "obey: sp|eed}\n\nCritic", "pace")["hop.yaml"]
    assert text.count("pace") == 5
    assert "command.pace.forward" in text
    assert editor.change(path, text) == []


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("two words", "'two words' is no name: use letters"),
        ("1st", "'1st' is no name"),
        ("upright", "there is a Reward 'upright' already, in hop.yaml"),
        ("down", "there is a Reward 'down' already, in hop_far.yaml"),
    ],
)
def test_a_name_that_cannot_be_is_refused(
    editor: Editor, folder: Path, new: str, said: str
) -> None:
    path = folder / "hop.yaml"
    editor.open(path)
    with pytest.raises(JsonRpcException, match=said):
        rename(editor, path, "  mov|ing: {", new)


def test_what_is_no_part_cannot_be_renamed(editor: Editor, folder: Path) -> None:
    path = folder / "hop.yaml"
    editor.open(path)
    params = lsp.PrepareRenameParams(*editor.at(path, "kind: flat|_body"))
    assert editor.do(editor.client.text_document_prepare_rename_async(params)) is None
    params = lsp.PrepareRenameParams(*editor.at(path, "  mov|ing: {"))
    found = editor.do(editor.client.text_document_prepare_rename_async(params))
    assert getattr(found, "placeholder", "") == "moving"
