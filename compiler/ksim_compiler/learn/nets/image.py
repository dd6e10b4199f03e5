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
        self._sign = np.array([sign for *_, sign in pairs], np.float32)
        self._one, self._other = (np.array([p[k] for p in pairs], np.int64) for k in (0, 1))
        stays = [(i, sign) for i, (j, sign) in enumerate(image) if i == j]
        self._even, self._odd = (
            np.array([i for i, own in stays if own == sign], np.int64) for sign in (1.0, -1.0)
        )
        identity = np.eye(len(image), dtype=np.float32)
        self.even, self.odd = (np.asarray(part) for part in self._split(identity, np))

    def __call__(self, value: Float[Array, "*batch size"]) -> tuple[Array, Array]:
        """The even and the odd parts of vectors, which are along the last axis."""
        return self._split(value, jnp)

    def _split(self, value: Array, numbers: object) -> tuple[Array, Array]:
        one, other = value[..., self._one], value[..., self._other] * self._sign
        join = numbers.concatenate  # type: ignore[attr-defined]
        even = join([(one + other) * HALF, value[..., self._even]], axis=-1)
        return even, join([(one - other) * HALF, value[..., self._odd]], axis=-1)
