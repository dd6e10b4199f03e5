"""``ksim-compile --init``: a new task, and what it needs beside it."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ksim_compiler.cli import common
from ksim_compiler.cli.common import ERRORS, OK, UsageError
from ksim_schema.source.files import write_text
from ksim_schema.source.named import shipped_folder
from ksim_schema.vocabulary.action import Action

if TYPE_CHECKING:
    from ksim_compiler.cli.begin import Beginning
    from ksim_compiler.pipeline import Compiled

SCHEMA = Path(".ksim") / "task.schema.json"
"""Where a new task's schema lies, beside the task."""
SOFTER = (1.0, 0.3, 0.1, 0.02, 0.004)
"""Factors of the gains that are tried until the robot stays whole."""


def init(name: Path, model: str | None) -> int:
    """Write a new task that checks clean, with all that it needs beside it.

    Args:
        name: of the task, or the path of its file.
        model: an MJCF or URDF file, a file of a package or a model of MuJoCo Menagerie; a cart
            with a pole by default.

    Returns:
        The exit status: 1 when nothing in the model can be driven, and then nothing is written; or
        when the task has errors, or the robot does not hold together.
    """
    if not name.name:
        raise UsageError(f"{name} is a folder; --init takes the name of a task")
    path = name if name.suffix in (".yaml", ".yml") else name.with_name(f"{name.name}.yaml")
    task = path.stem
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", task):
        raise UsageError(f"{task!r} is not a name: letters, digits, '_' and '-', a letter first")
    if path.exists():
        raise UsageError(f"{path} is there already")
    begun = None if model is None else beginning(model, path.parent)
    if begun is None and model is not None:
        return ERRORS
    head = f"# yaml-language-server: $schema={SCHEMA.as_posix()}\n"
    head += f"ksim: 1\ntask: {task}\nabout: "
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_schema(path.parent)
    if begun is None:
        write_text(path, head + _cartpole(path.parent))
        compiled, whole = common.load(path), True
    else:
        compiled, whole = _settle(begun, path, head + "Say here what the robot is to do.\n\n")
    return _tell(path, compiled, whole, () if begun is None else begun.left_out)


def beginning(model: str, folder: Path) -> Beginning | None:
    """The robot of a model; None, with a line, where a task has nothing to begin with.

    Raises:
        UsageError: there is no such model.
    """
    from ksim_compiler.cli.begin import Beginning, NothingToDrive
    from ksim_compiler.robot import locate
    from ksim_compiler.robot.files import ModelError, read_files

    named = model
    if not model.startswith((locate.PACKAGE, locate.MENAGERIE)):
        if not Path(model).is_file():
            raise UsageError(f"there is no model {model}")
        named = _relative(Path(model), folder)
    try:
        located = locate.locate(model, Path())
        return Beginning(named, read_files(located.path))
    except (locate.ModelRefError, ModelError) as error:
        problem = "; ".join(filter(None, (str(error), error.help)))
    except NothingToDrive as error:
        problem = str(error)
    print(f"ksim-compile: {model}: {problem}", file=sys.stderr)
    return None


def _relative(model: Path, folder: Path) -> str:
    """A model's path as a task in a folder names it."""
    try:
        return Path(os.path.relpath(model, folder)).as_posix()
    except ValueError:  # on another drive
        return model.resolve().as_posix()


def _settle(beginning: Beginning, path: Path, head: str) -> tuple[Compiled, bool]:
    """Write the task with gains that hold the robot together; whether there are such."""
    whole = False
    for softer in SOFTER:
        write_text(path, head + _laid_out(beginning.text(softer), path))
        compiled = common.load(path)
        if compiled.plan is None:
            return compiled, False
        if whole := _stays_whole(beginning, compiled):
            return compiled, True
    write_text(path, head + _laid_out(beginning.text(), path))
    return common.load(path), whole


def _laid_out(text: str, path: Path) -> str:
    from ksim_schema.diagnostics import Sink
    from ksim_schema.task.format import format_text

    return format_text(text, str(path), Sink()) or text


def _stays_whole(beginning: Beginning, compiled: Compiled) -> bool:
    """Whether the task's robot survives some ticks of random actions."""
    from ksim_compiler.cli.motors import diverges

    plan = compiled.plan
    assert plan is not None
    homes = {joint.name: joint.home[0] for joint in plan.robot.facts.motion_joints}
    actions: dict[str, Any] = dict(plan.parts(Action))
    targets = [
        (drive.name, 0.0 if drive.kp is None else homes[drive.joint], action.scale)
        for action in actions.values()
        for drive in action.drives(plan.robot.facts)
    ]
    return not diverges(plan.robot, targets, plan.substeps)


def _tell(
    path: Path, compiled: Compiled, whole: bool, left_out: tuple[str, ...] | list[str]
) -> int:
    common.print_report(compiled.diagnostics, compiled.sources, "auto")
    for note in left_out:
        print(note)
    if compiled.plan is None:
        print(f"wrote {path}, which does not check clean: see above", file=sys.stderr)
        return ERRORS
    if not whole:
        problem = "the simulation diverges within some ticks of random actions, however soft the"
        problem += " servos: mend the model (masses, timestep, contacts, keyframe)"
        print(f"wrote {path}, but {problem}", file=sys.stderr)
        return ERRORS
    print(f"wrote {path}; next: ksim-compile --check {path}, then ksim-run {path}")
    return OK


def _write_schema(folder: Path) -> None:
    schema = folder / SCHEMA
    if not schema.exists():
        from ksim_schema.exchange.json_schema import text

        schema.parent.mkdir(exist_ok=True)
        write_text(schema, text())


def _cartpole(folder: Path) -> str:
    """What the shipped cart with a pole does, whose model is put into the folder."""
    shipped = shipped_folder()
    scene = folder / "robots" / "cartpole" / "scene.xml"
    if not scene.exists():
        scene.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shipped / "robots" / "cartpole" / "scene.xml", scene)
    body = (shipped / "cartpole.yaml").read_text(encoding="utf-8").split("\n\n", 1)[1]
    return f"A cart keeps a pole upright and itself near the middle of its rail.\n\n{body}"
