"""Physical quantities of a robot in a pose, by the names that effects of parts have."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import mujoco
import numpy as np

from ksim_schema.robot import Joint

PLACES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "x": lambda position, turn: float(position[0]),
    "y": lambda position, turn: float(position[1]),
    "height": lambda position, turn: float(position[2]),
    "distance": lambda position, turn: math.hypot(*position[:2]),
    "tilt": lambda position, turn: math.acos(min(1.0, max(-1.0, float(turn[8])))),
}
"""Where something is, from its position in the world and the 9 numbers of its rotation matrix."""
MOTIONS: dict[str, Callable[[np.ndarray], float]] = {
    "speed": lambda velocity: float(np.linalg.norm(velocity[:3])),
    "climb": lambda velocity: float(velocity[2]),
    "spin": lambda velocity: float(np.linalg.norm(velocity[3:])),
}
"""How a floating body moves, from the 6 numbers of its joint's qvel."""


def places(model: mujoco.MjModel, data: Any) -> dict[str, float]:
    """Where the named bodies and sites are: ``body.torso.height`` and so on, in m and rad.

    Args:
        model: the model.
        data: after mj_kinematics.
    """
    found: dict[str, float] = {}
    for what, count, positions, turns in (
        ("body", model.nbody, data.xpos, data.xmat),
        ("site", model.nsite, data.site_xpos, data.site_xmat),
    ):
        for index in range(count):
            name = getattr(model, what)(index).name
            if not name or name.startswith("ksim/"):
                continue
            for place, measure in PLACES.items():
                found[f"{what}.{name}.{place}"] = measure(positions[index], turns[index])
    return found


def measures(model: mujoco.MjModel, data: Any, joints: Iterable[Joint]) -> dict[str, float]:
    """What a robot is in its home pose, at rest.

    Args:
        model: the model.
        data: in the home pose, after mj_kinematics.
        joints: its joints.
    """
    found = places(model, data)
    for index in range(1, model.nbody):
        name = model.body(index).name
        if name and not name.startswith("ksim/"):
            found[f"body.{name}.mass"] = float(model.body_mass[index])
            for still in ("heading", "pitch", "roll", "speed", "climb", "spin", "turn"):
                found[f"body.{name}.{still}"] = 0.0
    for index in range(model.ngeom):
        if name := model.geom(index).name:
            found[f"geom.{name}.friction"] = float(model.geom_friction[index, 0])
    for joint in joints:
        if joint.type not in ("hinge", "slide") or not joint.name:
            continue
        key = f"joint.{joint.name}"
        found[key], found[f"{key}.velocity"] = joint.home[0], 0.0
        for what in ("frictionloss", "armature", "damping"):
            values = np.asarray(getattr(model, f"dof_{what}")).reshape(model.nv, -1)
            found[f"{key}.{what}"] = float(values[joint.dof, 0])
    found["gravity"] = float(model.opt.gravity[2])
    return found
