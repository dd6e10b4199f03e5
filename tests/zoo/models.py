"""Where the models are: MuJoCo Menagerie (MENAGERIE_ROOT), and the wheels gymnasium and dm_control.

Nothing of a wheel is imported: its files are read where pip has put them.
"""

from __future__ import annotations

import importlib.util
import os
import re
from dataclasses import dataclass
from pathlib import Path

import mujoco

SCALAR = (int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE))


@dataclass(frozen=True)
class Model:
    """A file in which a named hinge or slide can be driven."""

    name: str
    path: Path

    def load(self) -> mujoco.MjModel:
        return mujoco.MjModel.from_xml_path(str(self.path))


def wheel(package: str, folder: str = "") -> Path | None:
    """The folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / folder


def menagerie() -> Path | None:
    """The folder that holds the robots of MuJoCo Menagerie."""
    root = os.environ.get("MENAGERIE_ROOT")
    return Path(root) if root else None


def not_at_hand(task: Path) -> str:
    """Why the robot of a task, or of what it extends, cannot be loaded here; "" where it can."""
    text = task.read_text(encoding="utf-8")
    base = re.search(r"^extends: *(\S+\.yaml)", text, re.MULTILINE)
    for package in ("gymnasium", "dm_control"):
        if f"package:{package}/" in text and wheel(package) is None:
            return f"{package} is not installed"
    if "menagerie:" in text and menagerie() is None:
        return "MENAGERIE_ROOT is not set"
    scene = re.search(r"^ +model: *(\w+\.xml)$", text, re.MULTILINE)
    if scene is not None and (task.parent / scene[1]).is_file():
        parts = re.findall(r'<include file="([^"]+)"', (task.parent / scene[1]).read_text("utf-8"))
        if gone := [part for part in parts if not (task.parent / part).is_file()]:
            return f"{gone[0]} is somebody else's, and not here"
    return not_at_hand(task.parent / base[1]) if base else ""


def models(root: Path | None, label: str) -> list[Model]:
    """The models below a folder, in order of their names; none without the folder."""
    if root is None:
        return []
    found = sorted(p for p in root.rglob("*") if p.suffix in (".xml", ".mjcf", ".urdf"))
    named = (Model(f"{label}/{p.relative_to(root).with_suffix('')}", p) for p in found)
    return [model for model in named if _can_be_driven(model)]


def _can_be_driven(model: Model) -> bool:
    """Whether a joint can be; its file is read, but not compiled, which takes seconds for all."""
    try:
        joints = mujoco.MjSpec.from_file(str(model.path)).joints
    except ValueError:
        return False
    return any(int(joint.type) in SCALAR and joint.name for joint in joints)


GYMNASIUM = models(wheel("gymnasium", "envs/mujoco/assets"), "gymnasium")
OTHERS = [*models(menagerie(), "menagerie"), *models(wheel("dm_control"), "dm_control")]
