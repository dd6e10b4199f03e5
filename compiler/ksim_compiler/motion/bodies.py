"""A clip without names whose file has the places of bodies: which order of joints fits them."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import mujoco
import numpy as np
from jaxtyping import Float

from ksim_compiler.motion.clip import Array, Clip, moving_joints
from ksim_compiler.motion.kinematics import poses
from ksim_compiler.motion.raw import Raw, refused
from ksim_compiler.motion.rotations import conjugate, multiply
from ksim_schema.diagnostics.codes import motions as codes
from ksim_schema.robot import RobotFacts

NEAR = 0.03
"""Mean distance of bodies up to which a clip counts as one of this robot, m."""
SAMPLES = 8
FARTHEST = 20.0
"""Farther than the bodies of a robot are from where they should be by their order, m."""
TURNED = 0.15
"""Mean angle of bodies up to which they count as turned as this robot's are, rad."""


class Fit(NamedTuple):
    """The column of each joint in the model's order, and why, in words.

    Attributes:
        columns: of the joints.
        message: why these.
        bodies: what the bodies are whose places the file has; None where that is not known.
    """

    columns: tuple[int, ...]
    message: str
    bodies: tuple[str, ...] | None = None


def fitted(raw: Raw, robot: RobotFacts, model: mujoco.MjModel) -> Fit:
    """The order of joints with which the robot's bodies are where the file says.

    Two orders are in use: that of the model, limb after limb, as MuJoCo has it; and by the depth in
    the tree, all first joints before all second ones, as Isaac Lab writes its clips.

    Raises:
        ClipError: with neither of them they are.
    """
    assert raw.body_places is not None
    known = [joint.name for joint in moving_joints(robot)]
    bodies, joints = _by_depth(robot, model)
    orders = {
        "the model's order": (_own_bodies(robot), known),
        "the order by depth in the tree, as Isaac Lab has it": (bodies, joints),
    }
    frames = np.unique(np.linspace(0, len(raw.joints) - 1, SAMPLES).astype(int))
    count = raw.body_places.shape[1]
    best: tuple[float, int, str] | None = None
    for words, (those, names) in orders.items():
        kept = _as_many(those, names, count, robot)
        if kept is None:
            continue
        columns = [names.index(name) for name in known]
        assert raw.turn is not None
        turn = raw.turn[frames] / np.linalg.norm(raw.turn[frames], axis=1, keepdims=True)
        place = raw.body_places[frames, 0]
        clip = Clip("", 1.0, tuple(known), raw.joints[frames][:, columns], place, turn)
        ids = [robot.body_id(name) for name in kept]
        there = np.array([data.xpos[ids] for data in poses(model, clip.qpos(robot))])
        off = np.linalg.norm(there - raw.body_places[frames], axis=2)
        mean = float(off.mean())
        if best is None or mean < best[0]:
            worst = kept[int(np.argmax(off.mean(axis=0)))]
            best = mean, int(frames[np.argmax(off.mean(axis=1))]), worst
        if mean < NEAR:
            message = f"it does not name its joints; taken in {words}, its bodies are where the "
            message += f"robot's are, within {mean * 100:.1f} cm"
            return Fit(tuple(columns), message, tuple(kept))
    if best is None:
        message = f"it has the places of {count} bodies and names neither them nor the joints, and "
        message += f"the robot has {len(bodies)}; joints are taken in the model's order"
        return Fit(tuple(range(len(known))), message)
    mean, frame, body = best
    message = f"its bodies are {mean * 100:.0f} cm from where the robot's are with its joints, "
    message += f"in whatever order; {body!r} is the farthest"
    help = "name the joints in 'joint_names'"
    if np.abs(raw.joints).max() > 4 * np.pi:
        help = "are the joints in degrees? Read them with --degrees"
    if mean > FARTHEST:
        help = "places are in metres: are these in centimetres or millimetres?"
    raise refused(codes.CLIP_OTHER_ROBOT, message, frame, help)


def _own_bodies(robot: RobotFacts) -> list[str]:
    tree = robot.tree_of(robot.root)
    return [b for b in robot.names("body") if robot.tree_of(b) == tree]


def _by_depth(robot: RobotFacts, model: mujoco.MjModel) -> tuple[list[str], list[str]]:
    """Bodies and joints of the base's tree, level by level."""
    own = set(_own_bodies(robot))
    parents = model.body_parentid
    children: dict[str, list[str]] = {}
    for index, body in enumerate(robot.bodies):
        if index and body in own:
            children.setdefault(robot.bodies[parents[index]], []).append(body)
    order, queue = list[str](), deque([robot.tree_of(robot.root)])
    while queue:
        body = queue.popleft()
        order.append(body)
        queue.extend(children.get(body, ()))
    on: dict[str, list[str]] = {}
    for joint in moving_joints(robot):
        on.setdefault(joint.body, []).append(joint.name)
    return order, [name for body in order for name in on.get(body, ())]


def _as_many(
    bodies: list[str], joints: list[str], count: int, robot: RobotFacts
) -> list[str] | None:
    """The bodies that a file with so many has: all, or those that a joint moves."""
    if len(bodies) == count:
        return bodies
    moved = {joint.body for joint in moving_joints(robot)} | {robot.root}
    kept = [body for body in bodies if body in moved]
    return kept if len(kept) == count else None


class Bodies(NamedTuple):
    """What a file says of bodies that the robot has.

    Attributes:
        ids: indices of the bodies.
        places: (frames, bodies, 3) in the world, m.
        turns: (frames, bodies, 4) quaternions in the world, w first; None where it has none.
    """

    ids: list[int]
    places: Array
    turns: Array | None


def body_columns(raw: Raw, robot: RobotFacts) -> Bodies | None:
    """The bodies that a file names and the robot has; None without any."""
    if raw.bodies is None or raw.body_places is None:
        return None
    pairs = [(c, n) for c, n in enumerate(raw.bodies) if n in robot.bodies]
    if not pairs:
        return None
    columns = [c for c, _ in pairs]
    turns = None if raw.body_turns is None else raw.body_turns[:, columns]
    return Bodies([robot.body_id(n) for _, n in pairs], raw.body_places[:, columns], turns)


def turned_otherwise(
    told: Float[Array, "frames bodies 4"], there: Float[Array, "frames bodies 4"]
) -> tuple[int, int] | None:
    """The body and the frame of an orientation that is not that of the joints; None without one.

    A frame that another model has otherwise on the same body is turned by the same in all frames:
    that is not counted.

    Args:
        told: unit quaternions of the file.
        there: those that the joints give.
    """
    frames, bodies = told.shape[:2]
    apart = np.stack([multiply(conjugate(there[:, b]), told[:, b]) for b in range(bodies)], axis=1)
    back = conjugate(apart[0])
    changed = [multiply(np.repeat(back[b : b + 1], frames, 0), apart[:, b]) for b in range(bodies)]
    off = 2 * np.arccos(np.clip(np.abs(np.stack(changed, axis=1)[..., 0]), 0.0, 1.0))
    if off.mean(axis=0).max() <= TURNED:
        return None
    worst = int(np.argmax(off.mean(axis=0)))
    return worst, int(np.argmax(off[:, worst] > TURNED))
