"""Mirror images of the rows that networks read and give."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ksim_schema.robot.mirror import Signed

HALF = math.sqrt(0.5)


class Images(NamedTuple):
    """What a network's input and its output turn into in a mirror."""

    inputs: Signed
    outputs: Signed


def imaged(image: Signed, value: Float[Array, "*batch size"]) -> Float[Array, "*batch size"]:
    """The mirror images of vectors, which are along the last axis."""
    index = np.array([index for index, _ in image], np.int64)
    return value[..., index] * np.array([sign for _, sign in image], np.float32)


class Parts:
    """Vectors as their even part, which is its own mirror image, and their odd part, which is not.

    The mirror image of the odd part is minus it.

    Both are of coordinates in an orthonormal basis: ``(x + x') / sqrt(2)`` of two elements that
    change places, up to a sign, and an element itself where it stays in its place. To the last bit,
    the mirror image of a vector has its even part, and its odd part times -1.

    Attributes:
        even, odd: (size, parts), the bases.
    """

    def __init__(self, image: Signed) -> None:
        pairs = [(i, j, sign) for i, (j, sign) in enumerate(image) if i < j]
        self._one, self._other = (np.array([p[k] for p in pairs], np.int64) for k in (0, 1))
        self._sign = np.array([sign for *_, sign in pairs], np.float32)
        stays = [(i, sign) for i, (j, sign) in enumerate(image) if i == j]
        self._stays = {
            sign: np.array([i for i, own in stays if own == sign], np.int64) for sign in (1.0, -1.0)
        }
        self.even, self.odd = (self._basis(len(image), sign) for sign in (1.0, -1.0))

    def _basis(self, size: int, sign: float) -> np.ndarray:
        whole = np.eye(size, dtype=np.float32)
        both = whole[:, self._one] + sign * self._sign * whole[:, self._other]
        return np.concatenate([HALF * both, whole[:, self._stays[sign]]], axis=1)

    def __call__(self, value: Float[Array, "*batch size"]) -> tuple[Array, Array]:
        """The even and the odd parts of vectors, which are along the last axis."""
        one, other = value[..., self._one], value[..., self._other] * self._sign
        even = jnp.concatenate([(one + other) * HALF, value[..., self._stays[1.0]]], axis=-1)
        return even, jnp.concatenate([(one - other) * HALF, value[..., self._stays[-1.0]]], axis=-1)
