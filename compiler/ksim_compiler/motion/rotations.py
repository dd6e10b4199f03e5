"""Rotations in NumPy. Quaternions are (w, x, y, z), unit, and turn vectors to the world's axes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from ksim_compiler.motion.clip import Array

Quaternions = Float[Array, "n 4"]


def multiply(a: Quaternions, b: Quaternions) -> Quaternions:
    """The rotations b followed by a (Hamilton product), row by row."""
    w = a[:, :1] * b[:, :1] - np.sum(a[:, 1:] * b[:, 1:], axis=1, keepdims=True)
    v = a[:, :1] * b[:, 1:] + b[:, :1] * a[:, 1:] + np.cross(a[:, 1:], b[:, 1:])
    return np.concatenate([w, v], axis=1)


def conjugate(a: Quaternions) -> Quaternions:
    """The rotations back."""
    return a * np.array([1.0, -1.0, -1.0, -1.0])


def logarithm(a: Quaternions) -> Float[Array, "n 3"]:
    """The shortest rotations as axis times angle, rad."""
    a = np.where(a[:, :1] < 0.0, -a, a)
    sine = np.linalg.norm(a[:, 1:], axis=1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, a[:, :1])
    return a[:, 1:] * np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 2.0)


def exponential(vector: Float[Array, "n 3"]) -> Quaternions:
    """The rotations about vectors by their lengths in rad."""
    angle = np.linalg.norm(vector, axis=1, keepdims=True)
    factor = np.where(angle > 1e-12, np.sin(angle / 2) / np.maximum(angle, 1e-12), 0.5)
    return np.concatenate([np.cos(angle / 2), vector * factor], axis=1)


def turned_between(a: Quaternions, b: Quaternions) -> Float[Array, "n 3"]:
    """The rotation from each a to b, in a's own axes, as axis times angle in rad."""
    return logarithm(multiply(conjugate(a), b))


def headings(a: Quaternions) -> Float[Array, " n"]:
    """The angles about the vertical of the bodies' x axes from the world's, rad."""
    w, x, y, z = a.T
    return np.arctan2(2 * (x * y + w * z), 1 - 2 * (y * y + z * z))


def about_vertical(angle: float, vectors: Float[Array, "n 3"]) -> Float[Array, "n 3"]:
    """Vectors that are turned about the vertical by an angle in rad."""
    cosine, sine = np.cos(angle), np.sin(angle)
    x, y, z = vectors.T
    return np.column_stack([cosine * x - sine * y, sine * x + cosine * y, z])


def slerp(a: Quaternions, b: Quaternions, share: Float[Array, " n"]) -> Quaternions:
    """The orientations at a share of the way from a to b, at a constant rate."""
    return multiply(a, exponential(turned_between(a, b) * share[:, None]))
