"""Rotations. Quaternions are (w, x, y, z), unit, and turn body vectors into world vectors."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

Quaternion = Float[Array, "4"]
Vector = Float[Array, "3"]


def rotate(quat: Quaternion, vector: Vector) -> Vector:
    """A body vector in the world's frame."""
    w, u = quat[0], quat[1:]
    twist = 2.0 * jnp.cross(u, vector)
    return vector + w * twist + jnp.cross(u, twist)


def unrotate(quat: Quaternion, vector: Vector) -> Vector:
    """A world vector in the body's frame."""
    return rotate(quat * jnp.array([1.0, -1.0, -1.0, -1.0]), vector)


def multiply(a: Quaternion, b: Quaternion) -> Quaternion:
    """The rotation b followed by a (Hamilton product)."""
    return jnp.concatenate(
        [
            (a[0] * b[0] - jnp.dot(a[1:], b[1:]))[None],
            a[0] * b[1:] + b[0] * a[1:] + jnp.cross(a[1:], b[1:]),
        ]
    )


def up(quat: Quaternion) -> Vector:
    """The world's up in the body's frame: the last row of the rotation matrix."""
    w, x, y, z = quat
    return jnp.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)])


def heading(quat: Quaternion) -> Float[Array, ""]:
    """Angle of the body's x axis on the ground from the world's x axis, rad."""
    w, x, y, z = quat
    return jnp.arctan2(2 * (x * y + w * z), 1 - 2 * (y * y + z * z))


def about_vertical(angle: Float[Array, ""]) -> Quaternion:
    """The rotation about the world's z axis by an angle in rad."""
    zero = jnp.zeros_like(angle)
    return jnp.stack([jnp.cos(angle / 2), zero, zero, jnp.sin(angle / 2)])


def from_rotation_vector(vector: Vector) -> Quaternion:
    """The rotation about a vector by its length in rad."""
    angle = jnp.sqrt(jnp.sum(vector**2) + 1e-16)
    return jnp.concatenate([jnp.cos(angle / 2)[None], jnp.sin(angle / 2) * vector / angle])


def turn_about_vertical(vector: Float[Array, "2"], angle: Float[Array, ""]) -> Float[Array, "2"]:
    """A planar vector turned by an angle."""
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    return jnp.stack([cosine * vector[0] - sine * vector[1], sine * vector[0] + cosine * vector[1]])


def conjugate(quat: Quaternion) -> Quaternion:
    """The rotation back."""
    return quat * jnp.array([1.0, -1.0, -1.0, -1.0])


def to_rotation_vector(quat: Quaternion) -> Vector:
    """The shortest rotation as its axis times its angle in rad, of length up to pi."""
    quat = jnp.where(quat[0] < 0.0, -quat, quat)
    sine = jnp.sqrt(jnp.sum(quat[1:] ** 2) + 1e-16)
    return quat[1:] * (2.0 * jnp.arctan2(sine, quat[0]) / sine)


def angle_between(a: Quaternion, b: Quaternion) -> Float[Array, ""]:
    """Angle of the shortest rotation from one orientation to the other, rad, 0 to pi."""
    turn = multiply(conjugate(a), b)
    return 2.0 * jnp.arctan2(jnp.sqrt(jnp.sum(turn[1:] ** 2)), jnp.abs(turn[0]))


def from_euler(
    roll: Float[Array, ""], pitch: Float[Array, ""], yaw: Float[Array, ""]
) -> Quaternion:
    """``Rz(yaw) Ry(pitch) Rx(roll)``: turns about the fixed axes x, y, z one after the other."""
    zero = jnp.zeros(())
    about_x = jnp.stack([jnp.cos(roll / 2), jnp.sin(roll / 2), zero, zero])
    about_y = jnp.stack([jnp.cos(pitch / 2), zero, jnp.sin(pitch / 2), zero])
    return multiply(about_vertical(yaw), multiply(about_y, about_x))
