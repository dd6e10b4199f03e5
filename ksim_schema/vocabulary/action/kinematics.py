"""Actions in the space of a hand or a foot, worked back to the joints."""

from typing import Annotated, Literal

from annotated_types import Gt
from pydantic import Field

from ksim_schema.robot import RobotFacts
from ksim_schema.robot.links import Link
from ksim_schema.robot.mirror import AXIAL, VECTOR, Mirror, Signed, signs
from ksim_schema.units import Angle, Length, Number
from ksim_schema.vocabulary.action.servo import PositionServo
from ksim_schema.vocabulary.base import SiteName


class InverseKinematics(PositionServo):
    """Steps of a site, worked back to targets of the joints that carry it.

    ``target = q + J^T (J J^T + damping^2 I)^-1 dx`` with the joints' present positions q, the step
    ``dx = scale * action``, and the site's Jacobian J of these joints: three numbers move the site,
    and with a ``rotation_scale`` three more turn it about the axes. It is the damped least squares
    of Wampler (1986), with damping as one step a tick. The axes are those of the floating base, or
    the world's where the base is fixed, or the site's own.
    """

    kind: Literal["inverse_kinematics"] = "inverse_kinematics"
    outputs = "3 numbers, or 6 with a rotation_scale"
    site: SiteName = Field(description="The site that is moved; all of 'joints' must carry it.")
    scale: Annotated[Length, Gt(0)] = Field(description="Step of the site for an action of 1.")
    rotation_scale: Annotated[Angle, Gt(0)] | None = Field(
        default=None, description="Turn of the site for an action of 1; by default it is left free."
    )
    damping: Annotated[Number, Gt(0)] = Field(
        default=0.05,
        description="Larger is steadier near singular poses, and slower: steps along which the "
        "Jacobian's singular values are smaller are not taken whole.",
    )
    frame: Literal["base", "site"] = Field(
        default="base", description="The axes of a step: those of the base, or of the site."
    )

    def size(self, robot: RobotFacts) -> int:
        return 3 if self.rotation_scale is None else 6

    def things(self, field: str, robot: RobotFacts) -> tuple[str, ...] | None:
        return None if field == "output" else super().things(field, robot)

    def path(self, robot: RobotFacts) -> tuple[Link, ...]:
        """The links from the floating base, or from the world, to the site."""
        base = robot.root if robot.base is not None else ""
        return robot.links.path(robot.links.sites[self.site][0], base)

    def targets(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        moved = ((0.0, float(self.scale)),) * 3
        return moved if self.rotation_scale is None else moved + ((0.0, self.rotation_scale),) * 3

    def mirrored(self, mirror: Mirror) -> Signed | None:
        middle = mirror.counterpart(self.site) == self.site and self.frame == "base"
        if not middle or super().mirrored(mirror) is None:
            return None
        return signs(*VECTOR, *AXIAL) if self.rotation_scale is not None else signs(*VECTOR)
