"""What a component file of a task imports: base classes, parameter types, sensors, and JAX.

A component is a class with annotated parameters and a rule, the method ``value``::

    from ksim_schema.custom import BodyName, Length, Reward, jnp, position_of


    class Crouch(Reward):
        \"\"\"1 at the height ``height``, falling to 0 a metre above or below it.\"\"\"

        body: BodyName = "torso"
        height: Length = "80 cm"

        def sensors(self, robot):
            return (position_of(self.body),)

        def value(self, x):
            height = x.sensor(position_of(self.body))[2]
            return jnp.clip(1.0 - jnp.abs(height - self.height), 0.0, 1.0)

Its kind is the class's name in snake case (``crouch``), or the class attribute ``kind_name``.

``value(self, x)`` is traced by JAX for one environment: ``self`` has the parameters in SI units,
``x`` is what the built-in rules of the object see, a ``Context`` of the compiler.
With a method ``initial(self, x)``, which gives the memory at the start of an episode, the rule is
``value(self, x, memory)`` and returns ``(value, memory)``.
"""

from __future__ import annotations

import importlib
from typing import Annotated, Any, ClassVar, Protocol, runtime_checkable

from annotated_types import Ge, Gt, Le, Lt
from pydantic import Field

from ksim_schema.diagnostics import Span
from ksim_schema.robot import Joint, RobotFacts, SensorRequest
from ksim_schema.robot.mirror import Mirror, Signed
from ksim_schema.units import (
    FORCE,
    NUMBER,
    TORQUE,
    Acceleration,
    Angle,
    AngularAcceleration,
    AngularSpeed,
    Dimension,
    Effort,
    Force,
    Frequency,
    JointSpeed,
    JointValue,
    Length,
    Mass,
    Number,
    Speed,
    Time,
    Torque,
    parse_unit,
)
from ksim_schema.vocabulary import (
    action as _action,
    curriculum as _curriculum,
    event as _event,
    metric as _metric,
    randomizer_base as _randomizer,
    reset as _reset,
    termination as _termination,
)
from ksim_schema.vocabulary.base import (
    BodyName,
    BodyPattern,
    FileName,
    GeomName,
    GeomPattern,
    JointPattern,
    Measures,
    Part,
    PositiveInt,
    Probability,
    Range,
    SensorName,
    SiteName,
    Spread,
    Wire,
)
from ksim_schema.vocabulary.command import Drawn
from ksim_schema.vocabulary.each import PerBody, PerGeom, PerJoint, each
from ksim_schema.vocabulary.formula import Surroundings
from ksim_schema.vocabulary.observation.base import Observation as _Observation, SitePattern
from ksim_schema.vocabulary.reward.base import (
    Reward as _Reward,
    contact_of,
    orientation_of,
    position_of,
    velocity_of,
)


class _Lazy:
    """A module that is imported when something of it is used: checking a task needs no JAX."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)


jax: Any = _Lazy("jax")
jnp: Any = _Lazy("jax.numpy")

CommandName = Annotated[str, Wire("reward", of="Command")]
"""A command that a reward or a termination reads, as ``x.commands[self.<field>]``: what the policy
was told before the action."""
ObservationName = Annotated[str, Wire("reward", of="Observation")]
"""An observation that a reward or a termination reads, as ``x.observations[self.<field>]``.

What it measures of the state after the action, flat and in its own unit: without noise, bias,
delay, lag, clip, scale and history. ``Annotated[ObservationName, measures("N")]`` takes one in
newtons alone.
"""


def measures(*units: str, each: int = 1) -> Measures:
    """What an observation has to measure that a field names.

    Args:
        units: such as ``"N"`` or ``"rad/s"``; its values are in one of them.
        each: how many numbers of it belong together, such as 3 of a vector.

    Raises:
        QuantityError: a text that is not a unit.
    """
    return Measures(tuple(parse_unit(unit)[1] if unit else NUMBER for unit in units), each=each)


class Custom(Part):
    """What components share that a task's own files declare. They are in no global table.

    Class attributes:
        declared_at: the place of the class in its file.
        rule_at: the place of its rule.
    """

    declared_at: ClassVar[Span] = Span("")
    rule_at: ClassVar[Span] = Span("")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Not registered: the kinds of a task are known to that task alone."""

    def value(self, x: Any, *memory: Any) -> Any:
        """The lowering rule."""
        raise NotImplementedError


@runtime_checkable
class Remembers(Protocol):
    """A component with a memory."""

    def initial(self, x: Any) -> Any:
        """The memory at the start of an episode."""
        ...


class Observation(Custom, _Observation):
    """An observation of a task's own file. Its rule gives the value without errors.

    Class attributes:
        size: length of the value (or override ``shape``).
        unit: its unit, for example ``"m/s"``; noise, bias and clip are in it.
    """

    size: ClassVar[int] = 1
    unit: ClassVar[str] = ""

    def shape(self, robot: RobotFacts) -> tuple[int, ...]:
        return (self.size,)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        return (parse_unit(self.unit)[1] if self.unit else NUMBER,)

    def tells_contact(self, robot: RobotFacts) -> bool:
        return self.dimensions(robot) == (NUMBER,)  # its author knows


class Reward(Custom, _Reward):
    """A reward of a task's own file. Its rule gives one number.

    With the class attribute ``components`` it gives a mapping of those names to numbers.
    """

    channels: ClassVar[tuple[str, ...]] = ("state", "action")


class Termination(Custom, _termination.Termination):
    """A termination of a task's own file. Its rule gives whether the tick ends the episode."""


class Reset(Custom, _reset.Reset):
    """A reset of a task's own file. Its rule gives ``(qpos, qvel)``.

    ``x.world`` has those that the resets before it have made.
    """


class Event(Custom, _event.Event):
    """An event of a task's own file. Its rule gives the change of qvel when it happens.

    With the class attribute ``pulls = True`` it gives ``(wrench, duration)``: force (N) on and
    torque (N*m) about the centre of mass of each body, (nbody, 6), and how long it lasts, s.
    """


class Command(Custom, Drawn):
    """A command of a task's own file. Its rule gives one draw, made of ``x.key``.

    Class attributes:
        elements: what each of its numbers is called.
    """

    elements: ClassVar[tuple[str, ...]] = ("value",)

    def labels(self, robot: RobotFacts) -> tuple[str, ...]:
        return self.elements


class Action(Custom, _action.JointAction):
    """An action of a task's own file. Its rule gives the targets of its joints.

    They are one number for each joint that ``joints`` matches, in the model's order: positions of
    servos with ``gains``, and without these torques (N*m) or forces (N). ``x.action`` is what the
    policy gives it. It sees qpos and qvel as the tick begins.

    A method ``size(self, robot)`` says how many numbers the policy gives, one for each joint by
    default.
    """

    gains: PerJoint[_action.Gains] | None = Field(
        default=None, description="Servo gains; without them the targets are torques or forces."
    )

    def servo(self, joint: Joint) -> tuple[float | None, float]:
        if self.gains is None:
            return None, 0.0
        gains = each(self.gains, (joint.name,))[0]
        return float(gains.kp), float(gains.kd)

    def dimensions(self, robot: RobotFacts) -> tuple[Dimension, ...]:
        if self.gains is not None:
            return super().dimensions(robot)
        joints = robot.match_joints(self.joints)
        return tuple(dict.fromkeys(FORCE if j.type == "slide" else TORQUE for j in joints))

    def things(self, field: str, robot: RobotFacts) -> tuple[str, ...] | None:
        if field == "output" and self.size(robot) != len(robot.match_joints(self.joints)):
            return None
        return super().things(field, robot)

    def targets(self, robot: RobotFacts) -> tuple[tuple[float, float], ...]:
        return ((0.0, 1.0),) * self.size(robot)

    def mirrored(self, mirror: Mirror) -> Signed | None:
        return None


class Metric(Custom, _metric.Metric):
    """A metric of a task's own file. Its rule gives a number, or whether a condition holds.

    Class attributes:
        unit: its unit, for example ``"m"``.
    """

    channels: ClassVar[tuple[str, ...]] = ("state", "action", "termination")
    unit: ClassVar[str] = ""

    def dimension(self, robot: RobotFacts, around: Surroundings) -> Dimension:
        return parse_unit(self.unit)[1] if self.unit else NUMBER


class Curriculum(Custom, _curriculum.Curriculum):
    """A curriculum of a task's own file. Its rule gives the level after a tick, in [0, 1].

    ``x.level`` is the level before it, ``x.done`` and ``x.failure`` say how the tick ended, and
    ``x.whole`` whether an episode ended that counts: one that is cut off to stagger the
    environments does not. Its memory goes on from episode to episode. A method
    ``first_level(self)`` gives the level at the start of training, 0 by default.
    """

    channels: ClassVar[tuple[str, ...]] = ("state", "termination")


class Randomizer(Custom, _randomizer.Randomizer):
    """A randomizer of a task's own file. Its rule gives the fields of the model that it draws.

    ``x.world`` has the fields that the class attribute ``changes`` names, such as
    ``changes = ("geom_friction",)``, as the randomizers before it have left them, and the rule
    returns a mapping of some of them. The field ``scale`` brings them closer to what they were.
    """


BASES: tuple[type[Custom], ...] = (
    Observation,
    Reward,
    Termination,
    Metric,
    Reset,
    Event,
    Command,
    Action,
    Curriculum,
    Randomizer,
)
"""The classes that a component may derive from."""
OPEN = frozenset(base.object for base in BASES)
"""Objects whose kinds a component file may add to."""

__all__ = [
    "Acceleration",
    "Action",
    "Angle",
    "AngularAcceleration",
    "AngularSpeed",
    "Annotated",
    "BodyName",
    "BodyPattern",
    "ClassVar",
    "Command",
    "CommandName",
    "Curriculum",
    "Effort",
    "Event",
    "Field",
    "FileName",
    "Force",
    "Frequency",
    "Ge",
    "GeomName",
    "GeomPattern",
    "Gt",
    "JointPattern",
    "JointSpeed",
    "JointValue",
    "Le",
    "Length",
    "Lt",
    "Mass",
    "Metric",
    "Number",
    "Observation",
    "ObservationName",
    "PerBody",
    "PerGeom",
    "PerJoint",
    "PositiveInt",
    "Probability",
    "Randomizer",
    "Range",
    "Reset",
    "Reward",
    "SensorName",
    "SensorRequest",
    "SiteName",
    "SitePattern",
    "Speed",
    "Spread",
    "Termination",
    "Time",
    "Torque",
    "contact_of",
    "jax",
    "jnp",
    "measures",
    "orientation_of",
    "position_of",
    "velocity_of",
]
