"""Equip: put the sensors and actuators that the parts need into the MuJoCo model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import mujoco

from ksim_compiler.plan import Plan
from ksim_compiler.robot import kept, model as robots
from ksim_schema.diagnostics import Diagnostic, Sink
from ksim_schema.diagnostics.codes.names import SWITCHED_OFF, UNREADABLE_MODEL
from ksim_schema.diagnostics.codes.values import (
    ACTUATOR_TOLD_TWICE,
    HELD_ACTUATORS,
    SENSOR_OF_REPLACED_ACTUATOR,
    TORN_ACTUATOR,
)
from ksim_schema.robot import Drive, RobotFacts, SensorRequest
from ksim_schema.vocabulary import Named, annotated_fields
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.objects import READERS
from ksim_schema.vocabulary.randomizer import Randomizer

ALWAYS = ("qpos", "qvel")
"""Fields that are read in any case: a state that is not finite ends its episode."""


def equip(plan: Plan, sink: Sink) -> Plan:
    """Collect what the parts in use read and drive, and compile the model with it."""
    facts = plan.robot.facts
    fields: dict[str, None] = dict.fromkeys(ALWAYS)
    sensors: dict[SensorRequest, None] = {}
    for object in READERS:
        for part in plan.parts(object).values():
            for reading in part.readings():
                fields.update(dict.fromkeys(reading.fields_on(facts)))
                sensors.update(dict.fromkeys(reading.sensors(facts)))
    if sensors:
        fields["sensordata"] = None
    drives: list[Drive] = []
    controls: list[str] = []
    for name in plan.actions():
        drives += _drives(plan, name)
        controls += plan.task.of(Action)[name].actuators_of(facts)
    sink.add(_torn(plan, drives))
    sink.add(_taken_out(plan, drives, controls))
    sink.add(_switched_off(plan, "sensordata" in fields))
    if sink.failed:
        return plan
    model_fields: dict[str, None] = {}
    off_centre: list[str] = []
    for part in plan.parts(Randomizer).values():
        model_fields.update(dict.fromkeys(part.changed_fields(facts)))
        off_centre += _off_centre(part, facts)
    try:
        robot = kept.equip(plan.robot, sensors, drives, off_centre, controls)
    except robots.ModelError as error:
        state = plan.task.robot
        message = f"MuJoCo refuses the model with the task's sensors and actuators: {error}"
        sink.add([plan.task.report(UNREADABLE_MODEL, message, "PhysicsState", state, "model")])
        return plan
    sink.add(_unread(plan, robot))
    if sink.failed:
        return plan
    plan = replace(
        plan,
        robot=robot,
        fields=tuple(fields),
        model_fields=tuple(model_fields),
        sensors=tuple(sensors),
        drives=tuple(drives),
        controls=tuple(controls),
    )
    sink.add(_held(plan))
    return plan


def _off_centre(part: Randomizer, facts: RobotFacts) -> tuple[str, ...]:
    """The bodies whose inertial frame a randomizer moves."""
    moved = {"body_ipos", "body_iquat"} & set(part.changes)
    if not moved:
        return ()
    targets = [target.partition(":") for target in part.targets(facts)]
    named = tuple(name for field, _, name in targets if field in moved and name in facts.bodies)
    return named or facts.bodies[1:]


def _torn(plan: Plan, drives: list[Drive]) -> Iterator[Diagnostic]:
    """The model's actuators that act on a joint that is driven, and on one that is not."""
    for actuator in robots.torn(plan.robot, (drive.joint for drive in drives)):
        name = next(
            name
            for name in plan.actions()
            for drive in _drives(plan, name)
            if drive.joint in actuator.driven
        )
        tied = sorted(set(actuator.moved) - set(actuator.driven))
        how = "driven here" if not tied else "driven here or tied to what is"
        message = f"actuator {actuator.actuator!r} of the model acts on {_joints(actuator.moved)},"
        message += f" {how}, and on {_joints(actuator.free)}, which no action drives,"
        help = "drive all of these joints or none; the actuator is taken out, or holds its control"
        yield plan.task.report(TORN_ACTUATOR, message, "Action", name, "joints", help=help)


def _taken_out(plan: Plan, drives: list[Drive], controls: list[str]) -> Iterator[Diagnostic]:
    """The model's actuators that an action tells what to do, and another takes out."""
    gone = robots.replaced(plan.robot, (drive.joint for drive in drives))
    for name in plan.actions():
        lost = [
            own for own in plan.task.of(Action)[name].actuators_of(plan.robot.facts) if own in gone
        ]
        if lost:
            message = f"actuator {lost[0]!r} acts on a joint on which another action puts a motor "
            message += "or servo, which takes it out of the model"
            help = "let one of the two actions leave it to the other"
            yield plan.task.report(
                ACTUATOR_TOLD_TWICE, message, "Action", name, "actuators", help=help
            )


def _switched_off(plan: Plan, measures: bool) -> Iterator[Diagnostic]:
    """Flags of the model that would make nothing of actions or sensors."""
    flags, state = plan.robot.model.opt.disableflags, plan.task.robot
    switches = {
        "actuation": (mujoco.mjtDisableBit.mjDSBL_ACTUATION, "actuators", True),
        "sensor": (mujoco.mjtDisableBit.mjDSBL_SENSOR, "sensors", measures),
    }
    for flag, (bit, what, needed) in switches.items():
        if needed and flags & bit:
            message = f"the options of the model switch off all {what}, and the task needs them"
            help = f'take <flag {flag}="disable"/> out of the model'
            yield plan.task.report(SWITCHED_OFF, message, "PhysicsState", state, "model", help=help)


def _joints(names: tuple[str, ...]) -> str:
    return ("joint " if len(names) == 1 else "joints ") + ", ".join(map(repr, names))


def _drives(plan: Plan, name: str) -> tuple[Drive, ...]:
    action = plan.task.of(Action)[name]
    return action.drives(plan.robot.facts)


def _unread(plan: Plan, robot: robots.Robot) -> Iterator[Diagnostic]:
    """Parts that read a sensor of an actuator that was taken out."""
    lost = set(plan.robot.facts.sensors) - set(robot.facts.sensors)
    for object in READERS:
        for name, part in plan.parts(object).items():
            read = [
                (field, sensor)
                for (field, *_), named, sensor in annotated_fields(part, Named)
                if named.what == "sensor"
            ]
            for reading in part.readings():
                field = "expression" if reading is part else "when"
                read += [(field, sensor) for sensor in reading.model_sensors(plan.robot.facts)]
            for field, sensor in read:
                if sensor not in lost:
                    continue
                message = f"sensor {sensor!r} reads an actuator that an action of the task replaces"
                help = "read the joint or the task's own actuator: 'actuator_force'"
                yield plan.task.report(
                    SENSOR_OF_REPLACED_ACTUATOR, message, object, name, field, help=help
                )


def _held(plan: Plan) -> Iterator[Diagnostic]:
    """Say which actuators of the model no action drives, and what they are told."""
    held = plan.robot.held
    if not held:
        return
    state = plan.task.robot
    shown = ", ".join(f"{name} at {value:.4g}" for name, value in list(held.items())[:6])
    more = f", and {len(held) - 6} more" if len(held) > 6 else ""
    what = f"{len(held)} actuators of the model hold" if len(held) > 1 else "one actuator holds"
    message = f"{what} the home pose, since no action drives them: {shown}{more}"
    message = message.replace("drives them", "drives it") if len(held) == 1 else message
    yield plan.task.report(HELD_ACTUATORS, message, "PhysicsState", state, "model")
