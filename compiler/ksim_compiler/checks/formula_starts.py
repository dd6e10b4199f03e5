"""Terminations by a formula, evaluated where episodes begin."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.checks.draws import Start
from ksim_compiler.plan import Plan
from ksim_compiler.robot.ground import beneath
from ksim_schema.checks.reach import surroundings
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.physics import ENDED_AT_START
from ksim_schema.diagnostics.codes.values import ENDED_AT_HOME
from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.units.formula import Expression, FormulaError, evaluate, spelt
from ksim_schema.units.formula_arrays import operations
from ksim_schema.units.formula_tree import REMEMBERING
from ksim_schema.vocabulary.formula import Source
from ksim_schema.vocabulary.termination import Formula


def _angle(one: np.ndarray, other: np.ndarray) -> float:
    """Angle of the shortest rotation from one orientation to the other, rad."""
    return 2.0 * math.acos(min(1.0, abs(float(one @ other))))


_FUNCTIONS = operations(np) | {"angle": _angle}
_NAMED = 3
"""Quantities of which a message gives the values."""


class _Unknown(Exception):
    """A quantity that is not known before the first tick."""


class Condition:
    """A termination's formula, and what it is in a state of the robot."""

    def __init__(self, plan: Plan, part: Formula) -> None:
        around = surroundings(plan.task, plan.robot.facts)
        self.plan, self.tree = plan, part.read(plan.robot.facts, around)
        self.known: Mapping[str, Source] = part.sources(plan.robot.facts, around)

    def holds(self, data: Any) -> bool | None:
        """Whether it is true of a state, after mj_forward; None where that is not known."""
        try:
            with np.errstate(all="ignore"):
                value = self._of(self.tree, data)
        except _Unknown:
            return None
        return bool(np.all(np.asarray(value) > 0.0))

    def _of(self, tree: Expression, data: Any) -> Any:
        """The value of a term. At the start of an episode each was before what it is."""

        def now(term: Expression) -> Any:
            return self._of(term, data)

        functions = _FUNCTIONS | dict.fromkeys(REMEMBERING, now)
        return evaluate(tree, lambda name: self.value(name, data), functions)

    def value(self, name: str, data: Any) -> Any:
        """The value of a quantity, SI."""
        return _one(self.known[name], self.plan, data)

    def told(self, data: Any) -> str:
        """What the single quantities in it are, in words."""
        names = [name for name in self.tree.quantities() if not self.known[name].quantity.length]
        values = (f"{self.value(name, data):.4g}" for name in names[:_NAMED])
        units = (self.known[name].quantity.dimension for name in names[:_NAMED])
        each = zip(names, values, units, strict=False)
        return ", ".join(
            f"{spelt(name)} is {value} {unit or ''}".rstrip() for name, value, unit in each
        )


def conditions(plan: Plan) -> dict[str, Condition]:
    """The terminations by a formula, of those that can be read."""
    found: dict[str, Condition] = {}
    for name, part in plan.parts("Termination").items():
        if not isinstance(part, Formula):
            continue
        try:
            found[name] = Condition(plan, part)
        except FormulaError:
            continue  # it is reported where formulas are read
    return found


def ended_at_home(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """Formulas that are true of the home pose at rest.

    Args:
        plan: the plan.
        data: the robot in its home pose, after mj_forward.
    """
    for name, condition in conditions(plan).items():
        if condition.holds(data):
            values = condition.told(data)
            message = "this ends an episode in the home pose already"
            message += f": {values}" if values else ""
            help = "is the comparison the right way round? else change the limit, or the home pose"
            at = ("Termination", name, "expression")
            yield plan.task.report(ENDED_AT_HOME, message, *at, help=help)


def ended_at_start(
    plan: Plan, drawn: list[Start], seldom: float, skip: set[str]
) -> Iterator[Diagnostic]:
    """Formulas that are true of some of the drawn starts.

    Args:
        plan: the plan.
        drawn: where episodes begin.
        seldom: the share of starts below which it is not told.
        skip: names of terminations that are told already.
    """
    found = {n: c for n, c in conditions(plan).items() if n not in skip}
    ended = dict.fromkeys(found, 0)
    world: Any = mujoco.MjData(plan.robot.model)
    worst: dict[str, str] = {}
    for start in drawn if found else ():
        world.qpos[:], world.qvel[:] = start
        mujoco.mj_forward(plan.robot.model, world)
        for name, condition in found.items():
            if condition.holds(world):
                ended[name] += 1
                worst.setdefault(name, condition.told(world))
    for name, count in ended.items():
        share = count / max(len(drawn), 1)
        if share < seldom:
            continue
        message = f"about {max(1, round(100 * share))} in 100 of the episodes end at their first "
        message += f"tick: {worst[name]}" if worst[name] else "tick"
        help = "narrow the resets, or widen this limit"
        at = ("Termination", name, "expression")
        yield plan.task.report(ENDED_AT_START, message, *at, help=help)


def _one(source: Source, plan: Plan, data: Any) -> Any:
    """The value of a quantity, a number where it has one element."""
    whole = _value(source, plan, data)
    if source.element is not None:
        return whole[source.element]
    return whole if source.quantity.length or np.ndim(whole) == 0 else whole[0]


def _value(source: Source, plan: Plan, data: Any) -> Any:
    facts = plan.robot.facts
    match source.kind:
        case "constant":
            return np.array(source.values)
        case "several":
            return np.concatenate([np.atleast_1d(_one(p, plan, data)) for p in source.parts])
        case "time":
            return plan.period
        case "position":
            return np.array([data.qpos[joint.qpos] for joint in source.joints])
        case "velocity":
            return np.array([data.qvel[joint.dof] for joint in source.joints])
        case "base":
            return _base(source.what, plan.robot.model, facts, data)
        case "sensor" | "height":
            (sensor,) = source.sensors
            name = sensor.name if isinstance(sensor, SensorRequest) else sensor
            value = _sensor(plan.robot.model, name, data)
            if source.kind == "sensor":
                return value
            return float(value[2]) - beneath(facts, value)
        case _:
            raise _Unknown


def _sensor(model: mujoco.MjModel, name: str, data: Any) -> np.ndarray:
    index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SENSOR, name)
    if index < 0 or model.sensor_needstage[index] == mujoco.mjtStage.mjSTAGE_ACC:
        raise _Unknown  # forces and accelerations are none of a start
    first = int(model.sensor_adr[index])
    return np.array(data.sensordata[first : first + int(model.sensor_dim[index])])


def _base(what: str, model: mujoco.MjModel, facts: RobotFacts, data: Any) -> float:
    body = facts.body_id(facts.root)
    turn = np.array(data.xmat[body]).reshape(3, 3)
    if what == "height":
        return float(data.xpos[body][2]) - beneath(facts, data.xpos[body])
    if what == "tilt":
        return math.acos(min(1.0, max(-1.0, float(turn[2, 2]))))
    velocity = np.zeros(6)
    mujoco.mj_objectVelocity(model, data, mujoco.mjtObj.mjOBJ_XBODY, body, velocity, 0)
    if what == "turn":
        return float(velocity[2])
    if what == "up":
        return float(velocity[5])
    heading = math.atan2(turn[1, 0], turn[0, 0])
    ahead = np.array([math.cos(heading), math.sin(heading)])
    side = np.array([-ahead[1], ahead[0]])
    return float((ahead if what == "forward" else side) @ velocity[3:5])
