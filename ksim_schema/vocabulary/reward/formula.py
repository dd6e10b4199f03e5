"""A reward given as an arithmetic expression."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.units import ANGLE, ANGULAR_SPEED, LENGTH, NUMBER, SPEED, TIME, Dimension
from ksim_schema.units.formula import Expression, Quantity, names_in, parse
from ksim_schema.vocabulary.base import Names, Wire
from ksim_schema.vocabulary.reward.base import Reward

AXES = ("x", "y", "z")
BASE_SENSORS = ("framepos", "framequat", "framelinvel", "frameangvel")


class Formula(Reward):
    """An arithmetic expression over named quantities, checked for units and shapes.

    Quantities: ``base.height`` (m), ``base.tilt`` (rad), ``base.forward``, ``base.left``,
    ``base.up`` (m/s, in the heading frame), ``base.turn`` (rad/s about the vertical),
    ``joint.<name>`` and ``joint.<name>.velocity``, ``site.<name>`` and ``body.<name>`` (positions
    in the world, m, three elements, or one with ``.x``, ``.y``, ``.z``), ``action`` and
    ``action.previous`` (vectors), ``time`` (s) and ``command.<name>.<label>``. Operators: + - * /
    and ** with a number. A name with other signs than letters, digits and _ stands in quotes:
    ``joint['left/knee'].velocity``. Functions: exp, log, sqrt, square, sin, cos, tanh, abs, min,
    max, clip; sum, mean, norm of a vector. ``1.1*m`` is a length. A bare number beside a quantity
    takes its unit (``base.height - 1.1``); as its factor or divisor it may be a weight or a scale,
    which leaves a plain number (``base.height / 0.1``).
    """

    kind: Literal["formula"] = "formula"
    fields: ClassVar[tuple[str, ...]] = ("qpos", "qvel")
    channels: ClassVar[tuple[str, ...]] = ("state", "action")
    expression: str = Field(
        description="The formula; its value is one plain number.",
        examples=["exp(-((base.height - 1.1) / 0.1)**2)"],
    )
    commands: Annotated[Names, Wire("reward", of="Command")] = Field(
        default=(), description="Commands that the formula names."
    )

    def quantities(
        self,
        robot: RobotFacts,
        commands: Mapping[str, tuple[str, ...]],
        actions: int,
        dimensions: Mapping[str, Mapping[str, Dimension]] | None = None,
    ) -> dict[str, Quantity]:
        """What the names in the formula may be.

        Args:
            robot: the robot.
            commands: command -> labels of its elements.
            actions: length of the action.
            dimensions: command -> element -> its dimension, where that is known.
        """
        known = {
            "base.height": Quantity(LENGTH),
            "base.tilt": Quantity(ANGLE),
            "base.forward": Quantity(SPEED),
            "base.left": Quantity(SPEED),
            "base.up": Quantity(SPEED),
            "base.turn": Quantity(ANGULAR_SPEED),
            "time": Quantity(TIME),
            "action": Quantity(NUMBER, actions),
            "action.previous": Quantity(NUMBER, actions),
        }
        for joint in robot.motion_joints:
            known[f"joint.{joint.name}"] = Quantity(joint.dimension)
            rate = joint.dimension.times(Dimension(s=1), -1)
            known[f"joint.{joint.name}.velocity"] = Quantity(rate)
        for what in ("site", "body"):
            for name in robot.names(what):
                known[f"{what}.{name}"] = Quantity(LENGTH, 3)
                known |= {f"{what}.{name}.{axis}": Quantity(LENGTH) for axis in AXES}
        for name in self.commands:
            given = (dimensions or {}).get(name, {})
            for label in commands.get(name, ()):
                known[f"command.{name}.{label}"] = Quantity(given.get(label))
        return known

    def read(
        self,
        robot: RobotFacts,
        commands: Mapping[str, tuple[str, ...]],
        actions: int,
        dimensions: Mapping[str, Mapping[str, Dimension]] | None = None,
    ) -> Expression:
        """The formula as a tree, of the names that :meth:`quantities` says.

        Raises:
            FormulaError: it has no meaning.
        """
        return parse(self.expression, self.quantities(robot, commands, actions, dimensions))

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        return tuple(dict.fromkeys(self._sensors(robot)))

    def _sensors(self, robot: RobotFacts) -> Iterator[SensorRequest]:
        """Those of the quantities that are named."""
        named = names_in(self.expression)
        if any(name.startswith("base.") for name in named):
            for sensor in BASE_SENSORS:
                yield SensorRequest(sensor, "xbody", robot.root)
        for what, objtype in (("site", "site"), ("body", "xbody")):
            for name in robot.names(what):
                if f"{what}.{name}" in named:
                    yield SensorRequest("framepos", objtype, name)
