"""Left and right of a robot: what its parts turn into in a mirror.

The mirror is the plane y = 0 of the base's frame, in the home pose. In it a vector (a position, a
velocity, a force) keeps x and z and changes the sign of y; an axial vector (an angular velocity, a
torque) keeps y and changes the signs of x and z. What a value of the robot turns into is a signed
permutation of its elements.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import dist

from ksim_schema.records import dataclass
from ksim_schema.robot.facts import Joint, RobotFacts

Signed = tuple[tuple[int, float], ...]
"""For each element of the mirrored value the index of an element of the value, and a sign."""
Vector = tuple[float, ...]

VECTOR: Vector = (1.0, -1.0, 1.0)
AXIAL: Vector = (-1.0, 1.0, -1.0)
QUATERNION: Vector = (1.0, -1.0, 1.0, -1.0)
"""Of (w, x, y, z)."""
COLUMNS: Vector = (1.0, -1.0, 1.0, -1.0, 1.0, -1.0)
"""Of the first two columns of a rotation matrix."""
_TOLERANCE = 2e-3
"""In m, rad and cosines: models are written with a few digits."""


def signs(*signs: float) -> Signed:
    """Each element in its place, with a sign."""
    return tuple(enumerate(signs))


def joined(parts: Iterable[Signed]) -> Signed:
    """The map of values one after the other."""
    whole: list[tuple[int, float]] = []
    for part in parts:
        start = len(whole)
        whole += [(start + index, sign) for index, sign in part]
    return tuple(whole)


def blocks(order: Sequence[int], each: Sequence[float]) -> Signed:
    """The map of equal blocks that change places, each with the signs of its elements."""
    size = len(each)
    return tuple((block * size + i, sign) for block in order for i, sign in enumerate(each))


@dataclass(frozen=True)
class Mirror:
    """The mirror of one robot.

    Attributes:
        robot: facts of the model.
        left, right: what stands in the names of the parts of either side, pair by pair.
    """

    robot: RobotFacts
    left: tuple[str, ...]
    right: tuple[str, ...]

    def counterpart(self, name: str) -> str:
        """The name of the part on the other side; the same for a part in the middle."""
        for left, right in zip(self.left, self.right, strict=True):
            for here, there in ((left, right), (right, left)):
                if here in name:
                    return name.replace(here, there)
        return name

    def order(self, names: Sequence[str]) -> tuple[int, ...] | None:
        """The places of the counterparts, or None when one is not among the names."""
        others = [self.counterpart(name) for name in names]
        return tuple(map(names.index, others)) if set(others) <= set(names) else None

    def joints(self, joints: Sequence[Joint]) -> Signed | None:
        """The map of a value for each joint, or None when the joints have no mirror image."""
        order = self.order([joint.name for joint in joints])
        if order is None:
            return None
        found: list[tuple[int, float]] = []
        for joint, index in zip(joints, order, strict=True):
            sign = self.sign(joint, joints[index])
            if sign is None:
                return None
            found.append((index, sign))
        return tuple(found)

    def sign(self, joint: Joint, other: Joint) -> float | None:
        """What a coordinate is multiplied with on the other side; None if it is not a mirror image.

        The joints' axes and places must be mirror images, as their limits and homes must be.
        """
        image = _times(joint.anchor, VECTOR)
        if joint.type != other.type or dist(image, other.anchor) > _TOLERANCE:
            return None
        image = _times(joint.axis, VECTOR if joint.type == "slide" else AXIAL)
        for sign in (1.0, -1.0):
            here = [*joint.home, *(joint.limits or ())]
            there = [sign * x for x in (*other.home, *(other.limits or ())[:: int(sign)])]
            if dist(image, [sign * a for a in other.axis]) < _TOLERANCE:
                same = len(here) == len(there) and dist(here, there) < _TOLERANCE
                return sign if same else None
        return None

    def frames(self, what: str, names: Sequence[str]) -> tuple[int, ...] | None:
        """The order of the mirror images of frames of bodies or sites, or None.

        Their axes must be mirror images in the home pose, up to the sign of y that makes the image
        of a right-handed frame right-handed again.
        """
        order = self.order(names)
        if order is None:
            return None
        for name, index in zip(names, order, strict=True):
            here, there = (self.robot.axes.get(f"{what}/{n}") for n in (name, names[index]))
            if here is None or there is None or dist(_times(here, MATRIX), there) > _TOLERANCE:
                return None
        return order


MATRIX: Vector = (1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0)
"""Of a rotation matrix, row by row."""


def _times(values: Sequence[float], signs: Sequence[float]) -> Vector:
    return tuple(value * sign for value, sign in zip(values, signs, strict=True))
