"""The robot beside the frame of a recorded motion: what is left between the two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.motion import Frame, frame_of
from ksim_compiler.motion.clip import moving_joints
from ksim_schema.robot import SensorRequest

Vectors = Float[Array, "bodies 3"]


class Pair(NamedTuple):
    """Bodies of the robot and of the motion, the anchor first in both.

    Attributes:
        names: of the bodies.
        followed: indices of those that the command has follow.
        robot: as the robot has them; its joints are those of the frame.
        motion: as the motion has them.
    """

    names: tuple[str, ...]
    followed: tuple[int, ...]
    robot: Frame
    motion: Frame

    def rows(self, x: Context, patterns: Sequence[str] | None) -> Array:
        """Indices of the bodies that some patterns match; those that are to follow for None."""
        if patterns is None:
            return jnp.array(self.followed)
        wanted = set(x.robot.match("body", patterns))
        return jnp.array([i for i, name in enumerate(self.names) if name in wanted], jnp.int32)


def pair(x: Context, command: str) -> Pair:
    """The robot and the frame that a command tells."""
    seen = x.motions[command]
    motion, names = frame_of(seen), seen.library.bodies

    def of(kind: str) -> Array:
        return jnp.stack([x.sensor(SensorRequest(kind, "xbody", name)) for name in names])

    joints = moving_joints(x.robot)
    robot = Frame(
        x.joint_positions(joints),
        x.joint_velocities(joints),
        of("framepos"),
        of("framequat"),
        of("framelinvel"),
        of("frameangvel"),
    )
    return Pair(names, seen.library.followed, robot, motion)


def columns_of(x: Context, patterns: Sequence[str]) -> tuple[int, ...]:
    """Which of a motion's joints some patterns match."""
    known = [joint.name for joint in moving_joints(x.robot)]
    return tuple(known.index(j.name) for j in x.robot.match_joints(patterns) if j.name in known)


def under_anchor(both: Pair) -> tuple[Vectors, Float[Array, "bodies 4"]]:
    """Places and orientations of the motion as if its anchor stood where the robot's does.

    It is moved along the ground and turned about the vertical; heights stay the motion's.
    """
    anchor, own = both.motion.place[0], both.robot.place[0]
    apart = geometry.multiply(both.robot.turn[0], geometry.conjugate(both.motion.turn[0]))
    yaw = geometry.about_vertical(geometry.heading(apart))
    here = jnp.append(own[:2], anchor[2])
    place = here + jax.vmap(lambda v: geometry.rotate(yaw, v))(both.motion.place - anchor)
    turn = jax.vmap(lambda q: geometry.multiply(yaw, q))(both.motion.turn)
    return place, turn


def from_anchor(frame: Frame) -> Vectors:
    """Places of bodies seen from the anchor, in its axes."""
    return jax.vmap(lambda v: geometry.unrotate(frame.turn[0], v))(frame.place - frame.place[0])


class Followed(NamedTuple):
    """How a recorded motion is followed in a tick.

    Attributes:
        clip, frame: what the robot was to be in at the end of the tick.
        bodies: mean distance of the bodies that are to follow, m, as if the motion's anchor stood
            where the robot's does.
        joints: mean of the joints' errors, rad.
    """

    clip: Int[Array, "*envs"]
    frame: Int[Array, "*envs"]
    bodies: Float[Array, "*envs"]
    joints: Float[Array, "*envs"]


def followed(x: Context, command: str) -> Followed:
    """How the motion of a command is followed."""
    both, place = pair(x, command), x.motions[command].place
    bodies = body_error(both, both.rows(x, None), "anchor")
    return Followed(place.clip, place.frame, bodies, joint_error(both))


def body_error(both: Pair, rows: Array, frame: str) -> Float[Array, ""]:
    """Mean distance of some bodies, m, under the robot's anchor or in the world."""
    told = both.motion.place if frame == "world" else under_anchor(both)[0]
    return jnp.mean(jnp.linalg.norm(told - both.robot.place, axis=-1)[rows])


def joint_error(both: Pair) -> Float[Array, ""]:
    """Mean of the joints' errors, rad."""
    return jnp.mean(jnp.abs(both.motion.joints - both.robot.joints))
