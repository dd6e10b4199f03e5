"""What is proposed at a place."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types as lsp

from tests.editor.conftest import HOP
from tests.support.editor import Editor, able


def proposed(editor: Editor, folder: Path, old: str, new: str) -> dict[str, lsp.CompletionItem]:
    """What is proposed in the small task with one text in place of another, at ``|``."""
    assert old in HOP
    path = folder / "hop.yaml"
    text = HOP.replace(old, new, 1)
    before = text.index("|")
    uri = path.as_uri()
    if uri in editor.texts:
        editor.change(path, text.replace("|", "", 1))
    else:
        editor.open(path)
        editor.change(path, text.replace("|", "", 1))
    lines = text[:before].split("\n")
    character = len(lines[-1].encode("utf-16-le")) // 2
    position = lsp.Position(len(lines) - 1, character)
    params = lsp.CompletionParams(lsp.TextDocumentIdentifier(uri), position)
    found = editor.do(editor.client.text_document_completion_async(params))
    assert isinstance(found, lsp.CompletionList)
    return {item.label: item for item in sorted(found.items, key=lambda i: i.sort_text or "")}


@pytest.mark.parametrize(
    ("old", "new", "first", "others", "absent"),
    [
        ("Reward:", "Rew|\nReward:", "extends", ("Metric", "Event", "PPO"), ("Critic",)),
        ("kind: flat_body", "kind: flat_|", "", ("flat_body", "stay_alive"), ("gru",)),
        ("{kind: flat_body}", "{|}", "kind", (), ("scale",)),
        (
            "{kind: flat_body}",
            "{kind: flat_body, |}",
            "bodies",
            ("plane", "scale", "when"),
            ("kind",),
        ),
        ("height: 0.4 m", "|", "height", ("body", "above"), ("kind", "after")),
        ("height: 0.4 m", "height: 0.4|", "0.4 m", ("0.4 cm",), ("0.4 kg",)),
        ("read: [joints, gyro]", "read: [joints, |]", "gyro", (), ("joints", "legs")),
        ("obey: speed}\n\nCritic", "obey: |}\n\nCritic", "speed", (), ("joints",)),
        ("sensor: imu_gyro", "sensor: |", "imu_gyro", (), ("imu",)),
        ("joints: hip_.*", "joints: |", "[.*]", ("hip_left", "tail"), ("base", "trunk")),
        ("command: speed", "command: |", "speed", (), ()),
        ("keyframe: home", "keyframe: |", "home", (), ()),
        ("robots/biped.xml", "robots/|", "robots/biped.xml", ("robots/humanoid/",), ()),
        ("read: [joints, gyro]", "network: {kind: |}", "gru", ("mlp", "lstm"), ()),
        ("base.height, 0.7", "base.|, 0.7", "height", ("tilt", "forward"), ("exp",)),
        ("command.speed.forward", "command.speed.|", "forward", ("turn",), ()),
        ("tolerance(base", "tol| + (base", "base", ("tolerance", "joints", "deg"), ()),
        ("gains: {kp: 60 N*m/rad", "gains: {|", "kp", (), ("kd", "joints")),
        ("ksim: 1", "|", "ksim", ("components",), ("task",)),
    ],
)
def test_what_is_proposed(
    editor: Editor,
    folder: Path,
    old: str,
    new: str,
    first: str,
    others: tuple[str, ...],
    absent: tuple[str, ...],
) -> None:
    found = proposed(editor, folder, old, new)
    if first:
        assert next(iter(found)) == first, list(found)
    assert set(others) <= set(found), list(found)
    assert not set(absent) & set(found)


def test_a_proposal_says_what_it_is(editor: Editor, folder: Path) -> None:
    found = proposed(editor, folder, "height: 0.4 m", "|")
    height = found["height"]
    assert height.detail == "m, required"
    assert isinstance(height.documentation, lsp.MarkupContent)
    assert "height" in height.documentation.value
    assert found["above"].detail == "world | ground, default none"


def test_what_must_be_given_comes_along(editor: Editor, folder: Path) -> None:
    found = proposed(editor, folder, "{kind: flat_body}", "{kind: |}")
    item = found["feet_clock"]
    assert item.insert_text_format == lsp.InsertTextFormat.Snippet
    assert isinstance(item.text_edit, lsp.TextEdit)
    assert item.text_edit.new_text.startswith("feet_clock, sites: ${1:[site]}, height: ${2:1 m}")


def test_a_part_of_a_base_can_be_changed(editor: Editor, folder: Path) -> None:
    path = folder / "hop_far.yaml"
    text = path.read_text(encoding="utf-8")
    editor.open(path, text.replace("  down:", "  mov\n  down:"))
    found = editor.complete(path, "  mov|\n")
    assert "of a task that this one extends" in (found["moving"].detail or "")
    assert "crouched" in found
    editor.change(path, text.replace("Reward.moving.error_scale", "Reward.moving.s"))
    found = editor.complete(path, "Reward.moving.s|")
    assert "is 0.3 m/s" in (found["Reward.moving.error_scale"].detail or "")
    assert "Reward.moving.scale" in found
    editor.change(path, text.replace("[Reward.upright]", "[Reward.]"))
    assert "Reward.upright" in editor.complete(path, "[Reward.|]")
    editor.change(path, text.replace("extends: hop.yaml", "extends: "))
    assert "hop.yaml" in editor.complete(path, "extends: |")


def test_an_empty_file_begins_with_the_header(editor: Editor, folder: Path) -> None:
    path = folder / "new.yaml"
    editor.open(path, "")
    found = editor.complete(path, "|")
    assert list(found)[:2] == ["ksim", "task"]
    assert isinstance(found["ksim"].text_edit, lsp.TextEdit)
    assert found["ksim"].text_edit.new_text == "ksim: 1"


def test_a_client_without_snippets_gets_plain_texts(folder: Path) -> None:
    capabilities = able(["utf-8"])
    capabilities.text_document = None
    with Editor(folder, capabilities) as editor:
        assert editor.answer.capabilities.position_encoding == "utf-8"
        found = proposed(editor, folder, "{kind: flat_body}", "{kind: |}")
        texts = [
            i.text_edit.new_text for i in found.values() if isinstance(i.text_edit, lsp.TextEdit)
        ]
        assert texts
        assert not any("$" in text for text in texts)
        assert all(i.insert_text_format != lsp.InsertTextFormat.Snippet for i in found.values())
