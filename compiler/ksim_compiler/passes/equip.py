"""Equip: put the sensors and actuators that the parts need into the MuJoCo model."""

from __future__ import annotations

from dataclasses import replace

from ksim_compiler import robot as robots
from ksim_compiler.plan import Plan
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.facts import Drive, SensorRequest
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.randomizer import Randomizer

ALWAYS = ("qpos", "qvel")
"""Fields that are read in any case: a state that is not finite ends its episode."""


def equip(plan: Plan) -> tuple[Plan, list[Diagnostic]]:
    """Collect what the parts in use read and drive, and compile the model with it."""
    facts = plan.robot.facts
    fields: dict[str, None] = dict.fromkeys(ALWAYS)
    sensors: dict[SensorRequest, None] = {}
    for object in ("Command", "Observation", "Reward", "Termination", "Curriculum"):
        for part in plan.parts(object).values():
            fields.update(dict.fromkeys(getattr(part, "fields", ())))
            sensors.update(dict.fromkeys(part.sensors(facts)))  # type: ignore[attr-defined]
    if sensors:
        fields["sensordata"] = None
    drives: list[Drive] = []
    for name in plan.actions():
        action = plan.task.of("Action")[name]
        assert isinstance(action, Action)
        drives += action.drives(facts)
    model_fields: dict[str, None] = {}
    for part in plan.parts("Randomizer").values():
        assert isinstance(part, Randomizer)
        model_fields.update(dict.fromkeys(part.changes))
    try:
        robot = robots.equip(plan.robot, sensors, drives)
    except robots.ModelError as error:
        state = next(iter(plan.task.of("PhysicsState")))
        message = f"MuJoCo refuses the model with the task's sensors and actuators: {error}"
        return plan, [plan.task.report("KS0202", message, "PhysicsState", state, "model")]
    return replace(
        plan,
        robot=robot,
        fields=tuple(fields),
        model_fields=tuple(model_fields),
        sensors=tuple(sensors),
        drives=tuple(drives),
    ), []
