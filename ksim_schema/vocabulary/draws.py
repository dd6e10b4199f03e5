"""Where what a randomizer drew stands in the model of an environment."""

from ksim_schema.records import dataclass
from ksim_schema.robot import RobotFacts


@dataclass(frozen=True, slots=True)
class Drawn:
    """Numbers of the model that a randomizer changes.

    Attributes:
        field: the MjModel field.
        rows: in it; () where the field has none.
        columns: in each row; () where a row is one number, or all of it is meant.
        size: how many numbers a row gives.
    """

    field: str
    rows: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()
    size: int = 1

    @property
    def count(self) -> int:
        """How many numbers it gives."""
        return max(len(self.rows), 1) * self.size


def body_rows(robot: RobotFacts, bodies: tuple[str, ...]) -> tuple[int, ...]:
    """The rows of the bodies that some names or patterns match."""
    return tuple(robot.body_id(name) for name in robot.match("body", bodies))


def actuator_rows(robot: RobotFacts, joints: tuple[str, ...]) -> tuple[int, ...]:
    """The actuator on each of some joints; -1 where it is not there (yet)."""
    names = [robot.motor_on(joint.name) for joint in robot.match_joints(joints)]
    return tuple(robot.actuators.index(n) if n in robot.actuators else -1 for n in names)
