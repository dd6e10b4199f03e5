"""The model's own actuators that a new task tells as they are."""

from __future__ import annotations

import mujoco

from ksim_compiler.robot.model import Robot
from ksim_compiler.robot.transmission import acts_on
from ksim_schema.robot import Actuator

_DIRECT = (int(mujoco.mjtTrn.mjTRN_JOINT), int(mujoco.mjtTrn.mjTRN_JOINTINPARENT))


def controls(robot: Robot) -> tuple[Actuator, ...]:
    """Actuators through tendons, sites and bodies, and muscles, each with a control range.

    With them go all that move the same joints: a joint has either servos of the task or the
    actuators of its model.
    """
    model, facts = robot.model, robot.facts
    touched = {i: set(acts_on(model, i)) for i in range(model.nu)}
    chosen = {
        i
        for i in touched
        if int(model.actuator_trntype[i]) not in _DIRECT
        or int(model.actuator_dyntype[i]) == int(mujoco.mjtDyn.mjDYN_MUSCLE)
    }
    while True:
        moved = set[int]().union(*(touched[i] for i in chosen))
        more = {i for i, joints in touched.items() if joints & moved} - chosen
        if not more:
            break
        chosen |= more
    found = tuple(facts.own[facts.actuators[i]] for i in sorted(chosen))
    plain = all(own.limits is not None and own.name and not own.off for own in found)
    return found if plain else ()


def written(found: tuple[Actuator, ...], every: bool, names: str) -> list[str]:
    """The action that tells them, as a task has it.

    Args:
        found: the actuators.
        every: whether these are all that the model has.
        names: what selects them, where they are not.
    """
    at_an_end = any(own.limits is not None and own.home in own.limits for own in found)
    around = "middle" if at_an_end else "home"
    select = ".*" if every else names
    return [
        "  own:  # the model's own actuators, as they are; a scale of half their ranges by default",
        "    kind: actuator",
        f"    actuators: {select}",
        f"    around: {around}",
    ]
