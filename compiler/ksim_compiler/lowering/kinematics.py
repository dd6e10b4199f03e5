"""Forward kinematics and the Jacobian of a site, of the joints that carry it."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.geometry import Quaternion, Vector
from ksim_schema.robot.links import Link


def carried(
    path: Sequence[Link], site: tuple[int, Sequence[float], Sequence[float]], qpos: Array
) -> tuple[Vector, Quaternion, dict[str, tuple[Vector, Vector]]]:
    """Where a site is, and how each joint on the way moves it, as mj_kinematics and mj_jacSite.

    Args:
        path: the links from a frame to the site's body, with hinges and slides alone.
        site: index of its body, and its position and orientation there.
        qpos: coordinates of the robot.

    Returns:
        Position (m) and orientation in that frame, and of each joint the columns of the Jacobian:
        velocity and angular velocity of the site for a unit of the joint's.
    """
    position, turn = jnp.zeros(3), jnp.array([1.0, 0.0, 0.0, 0.0])
    axes: dict[str, tuple[str, Vector, Vector]] = {}
    for link in path:
        position = position + geometry.rotate(turn, jnp.array(link.position))
        turn = geometry.multiply(turn, jnp.array(link.orientation))
        for joint in link.joints:
            moved = qpos[joint.qpos] - joint.zero
            axis = geometry.rotate(turn, jnp.array(joint.axis))
            anchor = position + geometry.rotate(turn, jnp.array(joint.anchor))
            axes[joint.name] = (joint.type, axis, anchor)
            if joint.type == "slide":
                position = position + axis * moved
            else:
                half = moved / 2.0
                own = jnp.concatenate([jnp.cos(half)[None], jnp.sin(half) * jnp.array(joint.axis)])
                turn = geometry.multiply(turn, own)
                position = anchor - geometry.rotate(turn, jnp.array(joint.anchor))
    position = position + geometry.rotate(turn, jnp.array(site[1]))
    turn = geometry.multiply(turn, jnp.array(site[2]))
    none = jnp.zeros(3)
    columns = {
        name: (axis, none) if kind == "slide" else (jnp.cross(axis, position - anchor), axis)
        for name, (kind, axis, anchor) in axes.items()
    }
    return position, turn, columns


def damped_steps(
    jacobian: Float[Array, "rows joints"], step: Float[Array, " rows"], damping: Float[Array, ""]
) -> Float[Array, " joints"]:
    """``J^T (J J^T + damping^2 I)^-1 step``: damped least squares (Wampler 1986)."""
    square = jacobian @ jacobian.T + damping**2 * jnp.eye(len(step))
    return jacobian.T @ jnp.linalg.solve(square, step)
