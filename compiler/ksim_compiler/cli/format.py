"""``ksim-compile --fmt`` and ``--init``: files that are written for their author."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from ksim_compiler.cli import common
from ksim_compiler.cli.common import ERRORS, OK, UsageError

SCHEMA = Path(".ksim") / "task.schema.json"
"""Where a new task's schema lies, beside the task."""


def format_files(paths: Sequence[Path], check: bool, colour: common.Colour) -> int:
    """Lay task files out.

    Args:
        paths: the files.
        check: only say which would change.
        colour: of what is printed.

    Returns:
        The exit status: 1 when a file cannot be read, or would change.
    """
    from ksim_schema.formatting import format_text
    from ksim_schema.source import read

    status = OK
    for path in paths:
        document, found = read(path)
        if document is None:
            common.print_report(found, {}, colour)
            status = ERRORS
            continue
        new, found = format_text(document.text, str(path))
        if new is None:
            common.print_report(found, {str(path): document.text}, colour)
            status = ERRORS
        elif new != document.text:
            if check:
                print(f"{path}: would be laid out anew")
                status = ERRORS
            else:
                _replace(path, new)
                print(f"{path}: laid out")
    return status


def _replace(path: Path, text: str) -> None:
    """Write a file, whole or not at all, through links and with its permissions."""
    target = path.resolve()
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        shutil.copymode(target, partial)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def init(name: Path, model: Path | None) -> int:
    """Write a new task that checks clean, with all that it needs beside it.

    Args:
        name: of the task, or the path of its file.
        model: an MJCF or URDF file; a cart with a pole by default.
    """
    path = name if name.suffix in (".yaml", ".yml") else name.with_name(f"{name.name}.yaml")
    task = path.stem
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", task):
        raise UsageError(f"{task!r} is not a name: letters, digits, '_' and '-', a letter first")
    if path.exists():
        raise UsageError(f"{path} is there already")
    if model is not None and not model.is_file():
        raise UsageError(f"there is no model {model}")
    shipped = _shipped()
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = path.parent / SCHEMA
    if not schema.exists():
        from ksim_schema.export import text

        schema.parent.mkdir(exist_ok=True)
        schema.write_text(text(), encoding="utf-8")
    if model is None:
        scene = path.parent / "robots" / "cartpole" / "scene.xml"
        if not scene.exists():
            scene.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(shipped / "robots" / "cartpole" / "scene.xml", scene)
        body = (shipped / "cartpole.yaml").read_text(encoding="utf-8").split("\n\n", 1)[1]
        about = "A cart keeps a pole upright and itself near the middle of its rail."
    else:
        body = _BODY.format(model=Path(os.path.relpath(model, path.parent)).as_posix())
        about = "Say here what the robot is to do."
    head = f"# yaml-language-server: $schema={SCHEMA.as_posix()}\n"
    head += f"ksim: 1\ntask: {task}\nabout: {about}\n\n"
    path.write_text(head + body, encoding="utf-8")
    compiled = common.load(path)
    common.print_report(compiled.diagnostics, compiled.sources, "auto")
    print(f"wrote {path}; next: ksim-compile --check {path}, then ksim-run {path}")
    if compiled.plan is None:
        print("the robot needs more than the starting point gives; see above", file=sys.stderr)
    return OK


def _shipped() -> Path:
    """The folder of the shipped tasks: in an installed package, or in a checkout."""
    import ksim_schema

    home = Path(ksim_schema.__file__).parent
    inside = home / "_tasks"
    return inside if inside.is_dir() else home.parent / "tasks"


_BODY = """\
PhysicsState:
  robot:
    model: {model}
    control: 50 Hz             # how often the policy acts; a whole number of timesteps
    # home: {{keyframe: home}}   # the pose that 'around: home' means

Observation:
  joint_position: {{kind: joint_position, relative_to: home, noise: {{uniform: 1 deg}}}}
  joint_velocity: {{kind: joint_velocity, scale: 0.1}}
  last_action: {{kind: last_action}}

Action:
  joint_targets:
    kind: position_target
    joints: .*
    around: home
    scale: 0.3 rad
    gains: {{kp: 50 N*m/rad, kd: 2 N*m*s/rad}}
    torque_limit: 50 N*m

Policy:
  actor:
    read: [joint_position, joint_velocity, last_action]
    network: {{kind: mlp, hidden: [128, 128], activation: elu}}

Critic:
  critic:
    judge: {{clean: [joint_position, joint_velocity, last_action]}}
    network: {{kind: mlp, hidden: [128, 128], activation: elu}}

Reward:
  # ksim-compile --list names every kind; --explain joint_deviation explains one
  alive: {{kind: stay_alive, scale: 1.0}}
  near_home: {{kind: joint_deviation, joints: .*, scale: 0.1}}
  smooth: {{kind: action_velocity, scale: 0.02}}

Termination:
  time_limit: {{kind: episode_length, after: 10 s}}

Reset:
  pose: {{kind: joint_position, around: home, range: 5 deg}}

PPO:
  envs: 256
  steps: 1000000
"""
