"""How the bodies of a robot hang from each other: what forward kinematics needs, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from ksim_schema.records import dataclass

Vector = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Hinge:
    """A joint between a body and the one that it hangs from.

    Attributes:
        name: the joint's.
        type: hinge or slide turn and move by one coordinate; ball and free by several.
        qpos: index of its first coordinate.
        zero: the coordinate at which the body is as its link says (qpos0).
        axis, anchor: in the body's frame; anchor in m.
    """

    name: str
    type: Literal["free", "ball", "slide", "hinge"]
    qpos: int
    zero: float
    axis: Vector
    anchor: Vector


@dataclass(frozen=True, slots=True)
class Link:
    """A body in the frame of the one that it hangs from.

    Attributes:
        body: its name.
        parent: index of the other; the world is 0 and hangs from itself.
        position: m.
        orientation: (w, x, y, z).
        joints: those between the two, in MuJoCo's order.
    """

    body: str
    parent: int
    position: Vector
    orientation: Vector
    joints: tuple[Hinge, ...] = ()


@dataclass(frozen=True, slots=True)
class Links:
    """The bodies of a robot by index, and the sites on them.

    Attributes:
        bodies: those.
        sites: name -> index of its body, position (m) and orientation in the body's frame.
    """

    bodies: tuple[Link, ...] = ()
    sites: Mapping[str, tuple[int, Vector, Vector]] = field(default_factory=lambda: {})

    def path(self, body: int, base: str) -> tuple[Link, ...]:
        """The links from a base, which is not among them, or from the world, down to a body."""
        found: list[Link] = []
        while body and self.bodies[body].body != base:
            found.append(self.bodies[body])
            body = self.bodies[body].parent
        return tuple(reversed(found))
