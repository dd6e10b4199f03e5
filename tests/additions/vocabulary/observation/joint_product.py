"""An observation that nobody has."""

from __future__ import annotations

from typing import Literal

from ksim_schema.robot import RobotFacts
from ksim_schema.robot.mirror import Mirror, Signed
from ksim_schema.units import Dimension
from ksim_schema.vocabulary.observation.joint import JointObservation


class JointProduct(JointObservation):
    """The product of the positions of some joints."""

    kind: Literal["joint_product"] = "joint_product"

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (1,)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (Dimension(),)

    def things(self, field: str, robot: RobotFacts) -> tuple[str, ...] | None:
        return None

    def mirrored(self, mirror: Mirror) -> Signed | None:
        return None
