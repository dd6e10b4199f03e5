"""Rotations as numbers: quaternions, columns of the matrix, rotation vectors; their errors."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import geometry
from ksim_schema.vocabulary.observation.base import RotationForm

SIZES: dict[RotationForm, int] = {"quaternion": 4, "rotation_6d": 6, "rotation_vector": 3}
"""How many numbers stand for a rotation."""


def turned(
    form: RotationForm, value: Float[Array, " size"], angles: Float[Array, " draws"]
) -> Float[Array, " size"]:
    """Rotations ``R`` turned in their own axes, ``R exp(angles)``.

    Args:
        form: how they are written.
        value: one or several, one after the other.
        angles: for each a rotation vector, rad.
    """

    def one(rotation: Array, angle: Array) -> Array:
        turn = geometry.from_rotation_vector(angle)
        if form == "quaternion":
            return geometry.multiply(rotation, turn)
        if form == "rotation_vector":
            quat = geometry.from_rotation_vector(rotation)
            return geometry.to_rotation_vector(geometry.multiply(quat, turn))
        first, second = rotation[:3], rotation[3:]
        matrix = jnp.stack([first, second, jnp.cross(first, second)], axis=1)
        axes = [geometry.rotate(turn, axis) for axis in jnp.eye(3)[:2]]
        return jnp.concatenate([matrix @ axis for axis in axes])

    rows = jax.vmap(one)(value.reshape(-1, SIZES[form]), angles.reshape(-1, 3))
    return jnp.ravel(rows)
