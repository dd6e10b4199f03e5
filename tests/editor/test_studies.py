"""A study in an editor: its own keys, and the values of its task below ``set`` and ``search``."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types as lsp

from ksim_schema.source.named import find
from tests.editor.conftest import HOP
from tests.support.editor import Editor

STUDY = """\
study: sway
task: hop.yaml
set:
  Reward.upright.scale: 2
search:
  Reward.moving.error_scale: {from: 0.2 m/s, to: 0.8 m/s}
goal: {maximize: return}
budget: {trials: 4, steps: 200k}
"""


def test_a_study_is_checked_with_its_task(editor: Editor, folder: Path) -> None:
    path = folder / "sway.study.yaml"
    found = editor.open(path, STUDY)
    assert [d for d in found if d.severity == lsp.DiagnosticSeverity.Error] == []
    text = STUDY.replace("to: 0.8 m/s", "to: 0.8 kg").replace("upright.scale", "uprigth.scale")
    found = editor.change(path, text)
    shown = {str(d.code): editor.slice(path.as_uri(), d.range) for d in found}
    assert "0.8 kg" in "".join(shown.values())


def test_a_study_is_completed_and_explained(editor: Editor, folder: Path) -> None:
    path = folder / "sway.study.yaml"
    editor.open(path, STUDY)
    assert "**error_scale**" in editor.hover(path, "Reward.moving.error|_scale")
    assert "In `hop.yaml:25`: `0.3 m/s`" in editor.hover(path, "Reward.moving.error|_scale")
    assert "**budget**" in editor.hover(path, "bud|get:")
    (target,) = editor.define(path, "Reward.moving.error|_scale")
    assert target.uri == (folder / "hop.yaml").as_uri()
    line = HOP.split("\n")[target.range.start.line]
    assert "error_scale: 0.3 m/s" in line
    editor.change(path, STUDY.replace("Reward.moving.error_scale: {", "Reward.mov: {"))
    assert "Reward.moving" in editor.complete(path, "Reward.mov|:")
    editor.change(path, STUDY.replace("goal:", "s\ngoal:"))
    assert {"sampler", "seeds", "pruner"} <= set(editor.complete(path, "\ns|\n"))
    assert "goal" not in editor.complete(path, "\ns|\n")
    editor.change(path, STUDY.replace("{from: 0.2 m/s, to: 0.8 m/s}", "{from: 0.2 m/s, }"))
    assert {"to", "step", "log"} <= set(editor.complete(path, "0.2 m/s, |}"))


def test_a_part_is_renamed_in_studies_too(editor: Editor, folder: Path) -> None:
    path, study = folder / "hop.yaml", folder / "sway.study.yaml"
    editor.open(study, STUDY)
    editor.open(path)
    identifier, position = editor.at(path, "  mov|ing: {")
    params = lsp.RenameParams(identifier, position, "running")
    edit = editor.do(editor.client.text_document_rename_async(params))
    assert edit is not None
    changes = edit.changes or {}
    assert "Reward.running.error_scale: {" in editor.edited(
        study.as_uri(), list(changes[study.as_uri()])
    )


def test_a_study_of_a_task_that_ships_is_followed_to_it(editor: Editor, folder: Path) -> None:
    path = folder / "own.study.yaml"
    text = STUDY.replace("hop.yaml", "cartpole")
    text = text.replace("upright.scale: 2", "upright.error_scale: 2 deg")
    text = text.replace("moving.error_scale: {from: 0.2 m/s, to: 0.8 m/s}", "centred.scale: [1, 2]")
    editor.open(path, text)
    ships = find("cartpole")
    (target,) = editor.define(path, "task: cart|pole")
    assert target.uri == ships.as_uri()
    (target,) = editor.define(path, "set:\n  Reward.up|right.error_scale: 2 deg")
    assert target.uri == ships.as_uri()
    assert "`5 deg`" in editor.hover(path, "set:\n  Reward.upright.error_sc|ale: 2 deg")
    editor.change(path, text.replace("task: cartpole", "task: wal"))
    assert {"walk", "walk_robust"} <= set(editor.complete(path, "task: wal|"))
    editor.change(path, text.replace("task: cartpole", "task: nothing_here:at_all"))
    assert editor.define(path, "task: nothing|_here") == []


def test_a_model_in_a_study_is_followed_to_the_model(editor: Editor, folder: Path) -> None:
    path = folder / "own.study.yaml"
    editor.open(path, STUDY.replace("set:", "set:\n  PhysicsState.biped.model: robots/biped.xml"))
    (target,) = editor.define(path, "model: robots/bi|ped.xml")
    assert target.uri == (folder / "robots" / "biped.xml").as_uri()
