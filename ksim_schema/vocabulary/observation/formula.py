"""An observation given as an arithmetic expression."""

from typing import Literal

from ksim_schema.robot import RobotFacts
from ksim_schema.units import Dimension
from ksim_schema.units.formula import Expression
from ksim_schema.units.formula_units import Units
from ksim_schema.vocabulary.formula import Source, Surroundings
from ksim_schema.vocabulary.formula_unit import Valued
from ksim_schema.vocabulary.observation.base import Observation

_ALONE = Surroundings({})


class Formula(Valued, Observation):
    """An arithmetic expression over named quantities: a vector, or a number, of any unit.

    The names and functions are those of the reward ``formula``, without actions and commands,
    which ``last_action`` and ``obey`` tell. A vector stays one: ``body.cube - site.gripper`` has
    three elements, ``joints['hip_.*'] > 0`` one, 1 or 0, for each joint.
    """

    kind: Literal["formula"] = "formula"
    stands_for = "value"
    remembers = False

    def sources(self, robot: RobotFacts, around: Surroundings) -> dict[str, Source]:
        return super().sources(robot, _ALONE)

    def measured(self, robot: RobotFacts, around: Surroundings) -> tuple[Expression, Units]:
        return super().measured(robot, _ALONE)

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (max(self.read(robot, _ALONE).length, 1),)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (self.dimension(robot, _ALONE),)

    def measurable(self, robot: RobotFacts) -> bool:
        return self.sensed_on(robot)
