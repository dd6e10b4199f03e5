"""The base of the robot: the body that the task names, or the one that is plain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ksim_compiler.plan import Plan
from ksim_compiler.robot import bases
from ksim_compiler.robot.facts import read_facts
from ksim_compiler.robot.transmission import joint_equalities
from ksim_schema.diagnostics import Diagnostic, Sink
from ksim_schema.diagnostics.codes.names import AMBIGUOUS_BASE, CARRIED_BASE
from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.task import Task
from ksim_schema.vocabulary import Part
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.base import Floating, OfBody, annotated_fields


def choose_base(plan: Plan, sink: Sink) -> Plan:
    """The plan with the facts of its robot seen from the task's base.

    Its joints have the motor limits that follow from which of them the task drives.
    """
    task, robot = plan.task, plan.robot
    state = task.robot
    named = robot.part.base
    driven = _driven(task, robot.facts)
    body = robot.facts.root
    if named is None:
        body = robot.facts.bodies[bases.likely(robot.model, driven)]
    if body != robot.facts.root or any(joint_equalities(robot.model)):
        facts = read_facts(robot.part, robot.model, body, driven)
        facts = replace(facts, files=robot.facts.files, own=robot.facts.own)
        plan = replace(plan, robot=replace(robot, facts=facts))
    if named is not None:
        sink.add(_named(task, robot.facts, named, state))
        return plan
    names = [robot.facts.bodies[i] for i in bases.candidates(robot.model, driven)]
    if len(names) > 1:
        sink.add(_several(task, plan.robot.facts, names, state))
    return plan


def _driven(task: Task, facts: RobotFacts) -> list[str]:
    """The joints that the task's actions drive, by name."""
    actions = task.of(Action).values()
    return [joint for action in actions for joint in action.moves(facts)]


def _named(task: Task, facts: RobotFacts, body: str, state: str) -> Iterator[Diagnostic]:
    """A base that is named must not be carried by another body that floats."""
    if body not in facts.bodies:
        return  # it is reported as an unknown name
    top = facts.tree_of(body)
    if body != top and facts.free_joint(top) is not None:
        message = f"body {body!r} is carried by {top!r}, which is what floats"
        help = f"write 'base: {top}'; observations and rewards of {body!r} name it with 'body'"
        yield task.report(CARRIED_BASE, message, "PhysicsState", state, "base", help=help)


def _several(task: Task, facts: RobotFacts, names: list[str], state: str) -> Iterator[Diagnostic]:
    """Several bodies may be the base: the task must say which, if it matters."""
    both = [body for body in names if facts.free_joint(body) is not None]
    user = next(_users(task, facts, names), "")
    if len(both) < 2 and not user:
        return
    shown = ", ".join(f"{name!r} ({_how(facts, name)})" for name in names)
    message = f"several bodies may be the robot's base: {shown}; each carries driven joints"
    if user:
        message += f", and {user} is about the base"
    help = f"name it, for example 'base: {(both or names)[0]}'"
    yield task.report_key(AMBIGUOUS_BASE, message, "PhysicsState", state, help=help)


def _how(facts: RobotFacts, body: str) -> str:
    return "floats" if facts.free_joint(body) is not None else "does not float"


def _users(task: Task, facts: RobotFacts, names: list[str]) -> Iterator[str]:
    """The parts that mean something else with another base."""
    for path in task.mirror_uses():
        yield ".".join(path)
    views = [replace(facts, root=name) for name in names]
    for object, name, part in task:
        if needs_base(part) or len({_sensors(part, view) for view in views}) > 1:
            yield f"{object}.{name}"


def _sensors(part: Part, facts: RobotFacts) -> tuple[SensorRequest, ...]:
    return tuple(s for reading in part.readings() for s in reading.sensors(facts))


def needs_base(part: Part) -> bool:
    """Whether a part is about a free joint, or by default about the body, of the base."""
    fields = list(annotated_fields(part, Floating))
    if fields:
        return any(body is None for _, _, body in fields)
    of_base = part.body is None if isinstance(part, OfBody) else part.floating
    return of_base and (part.floating or part.moving or part.object == "Event")
