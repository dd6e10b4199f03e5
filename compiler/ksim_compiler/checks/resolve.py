"""Resolve: every name and pattern of a task means something of its robot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from ksim_compiler.checks import motionlaws, motions, restart
from ksim_compiler.checks.affixes import Unknown, one_cause
from ksim_compiler.checks.base import choose_base, needs_base
from ksim_compiler.checks.custom import own_problems
from ksim_compiler.checks.eachvalue import by_pattern_problems
from ksim_compiler.checks.jointunits import aliased, joint_units, settled
from ksim_compiler.checks.leftout import left_out
from ksim_compiler.checks.motors import motors
from ksim_compiler.checks.spelling import choices, name_problems, pattern_problems
from ksim_compiler.plan import Plan
from ksim_schema.checks.reach import formulated, surroundings
from ksim_schema.diagnostics import Diagnostic, Sink
from ksim_schema.diagnostics.codes.names import (
    AMBIGUOUS_BASE,
    BAD_PATTERN,
    CARRIED_BASE,
)
from ksim_schema.diagnostics.codes.structure import PATTERN_OF_A_SHELL
from ksim_schema.diagnostics.codes.values import (
    BAD_FORMULA,
    BODY_DOES_NOT_FLOAT,
    DRAWN_TWICE,
    JOINT_WITHOUT_LIMITS,
    NO_COMMAND_ELEMENT,
    NO_FLOATING_BASE,
    NOT_OBSERVABLE,
    NOT_SENSED,
    UNEVEN_CONTROL_PERIOD,
)
from ksim_schema.robot import RobotFacts
from ksim_schema.source import Path_, dotted
from ksim_schema.source.edits import respell
from ksim_schema.source.plain import is_mapping
from ksim_schema.task import Task
from ksim_schema.units import ANGLE, LENGTH, NUMBER
from ksim_schema.units.formula import FormulaError
from ksim_schema.units.formula_text import whole_names_in
from ksim_schema.vocabulary import Named, Part, annotated_fields
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.actor_critic import Actor
from ksim_schema.vocabulary.base import Floating, OfBody, OfJoints
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.command.motion import CartesianCoordinate
from ksim_schema.vocabulary.command.pose import Pose
from ksim_schema.vocabulary.observation import Observation
from ksim_schema.vocabulary.observation.body import BodyPosition
from ksim_schema.vocabulary.observation.goal import PoseError
from ksim_schema.vocabulary.observation.joint import CommandedJointPosition
from ksim_schema.vocabulary.observation.signal import CommandValue, SensorValue
from ksim_schema.vocabulary.randomizer import Randomizer


def resolve(plan: Plan, sink: Sink) -> Plan:
    """Check names, the control period, floating bases, motors, units of joints."""
    task, facts = plan.task, plan.robot.facts
    found = Sink()
    unknown: list[Unknown] = []
    for object, name, part in task:
        unknown += _names(task, facts, part, (object, name))
    found.add(one_cause(unknown, task.document))
    if not found:  # the driven joints, given by patterns, say which body is the base
        plan = choose_base(plan, found)
        facts = plan.robot.facts
    if not any(problem.code in (AMBIGUOUS_BASE, CARRIED_BASE) for problem in found):
        root = facts.bodies.index(facts.root) if facts.root in facts.bodies else 0
        fixed = int(plan.robot.model.body_weldid[root]) == 0
        for object, name, part in task:
            found.add(_floating(task, facts, part, (object, name), fixed))
    if not found:
        for object, name, part in task:
            found.add(by_pattern_problems(task, facts, part, (object, name)))
    if not found:  # the rest reads joints by patterns that are known to be good
        for object, name, part in task:
            found.add(joint_units(task, facts, part, (object, name)))
            found.add(_joint_limits(task, facts, part, (object, name)))
        found.add(left_out(task, facts))
        found.add(motors(task, facts))
        found.add(_drawn_twice(task, facts))
        found.add(_privileged(task, facts, plan.robot.model.opt.density >= _WATER))
        found.add(_observable(task, facts))
        found.add(_told(task, facts))
        found.add(_formulas(task, facts))
        found.add(restart.states(task, facts))
        plan = motions.with_clips(plan, found)
        found.add(motions.recorded(plan))
        found.add(motionlaws.following(plan))
        found.add(own_problems(task, facts))
        plan = replace(plan, task=settled(task, facts))
    sink.add(found)
    return replace(plan, substeps=_substeps(plan, sink))


def _floating(
    task: Task, facts: RobotFacts, part: Part, at: Path_, fixed: bool
) -> Iterator[Diagnostic]:
    """What is about the motion of a free joint is about a body that has one.

    Args:
        task: the task.
        facts: of its robot.
        part: the part.
        at: its place.
        fixed: whether the robot's base is fixed to the world.
    """
    free = [joint.body for joint in facts.joints if joint.type == "free"]
    others = f"these float: {', '.join(free)}" if free else f"nothing floats in {facts.source}"
    fields = list(annotated_fields(part, Floating))
    for path, _, body in fields:
        if body in facts.bodies and facts.free_joint(body) is None:
            message = f"body {body!r} has no free joint, and {part.kind_name!r} needs one"
            yield task.report(BODY_DOES_NOT_FLOAT, message, *at, *path, help=others)
    if part.floating and needs_base(part) and facts.base is None:
        message = f"{part.kind_name!r} needs a base that floats, and the base of {facts.source}, "
        message += f"{facts.root!r}, has no free joint"
        named = "body" in type(part).model_fields
        help = "name the body with 'body'" if named and (free or not fields) else ""
        help = "; ".join(filter(None, (help, others if free else "")))
        yield task.report_key(NO_FLOATING_BASE, message, *at, help=help)
    if part.moving and isinstance(part, OfBody) and part.body is None and fixed:
        message = f"{part.kind_name!r} needs a base that moves, and the base of {facts.source}, "
        message += f"{facts.root!r}, is fixed to the world"
        help = "name the body with 'body'; " + others
        yield task.report_key(NO_FLOATING_BASE, message, *at, help=help)


def _names(task: Task, facts: RobotFacts, part: Part, at: Path_) -> Iterator[Unknown]:
    for path, named, value in annotated_fields(part, Named):
        listed = isinstance(value, tuple)
        for index, text in enumerate(value if listed else () if value is None else (value,)):
            place = (*at, *aliased(part, path), *((index,) if listed else ()))
            problem = pattern_problems if named.pattern else name_problems
            for diagnostic in problem(task, facts, named.what, text, place):
                alike = diagnostic.code not in (BAD_PATTERN, PATTERN_OF_A_SHELL)
                names = choices(facts, named.what, named.pattern) if alike else ()
                yield Unknown(diagnostic, text, names)


def _joint_limits(task: Task, facts: RobotFacts, part: Part, at: Path_) -> Iterator[Diagnostic]:
    """The joints have limits where a part is derived from them."""
    if not part.needs_limits or not isinstance(part, OfJoints):
        return
    endless = [j.name for j in facts.match_joints(part.joints) if j.limits is None]
    if endless:
        message = f"{part.kind_name!r} is derived from joints' limits here, and joint "
        message += f"{endless[0]!r} has none"
        help = "give the joint a range in the model, or the values in the task"
        yield task.report_key(JOINT_WITHOUT_LIMITS, message, *at, help=help)


def _drawn_twice(task: Task, facts: RobotFacts) -> Iterator[Diagnostic]:
    taken: dict[str, str] = {}
    for name, part in task.of(Randomizer).items():
        for target in part.targets(facts):
            if target in taken:
                what = target.replace(":", " of ")
                message = f"Randomizer.{taken[target]} changes {what} already"
                yield task.report_key(DRAWN_TWICE, message, "Randomizer", name)
                break
        taken |= {target: name for target in part.targets(facts) if target not in taken}


def _told(task: Task, facts: RobotFacts) -> Iterator[Diagnostic]:
    """Commands have the elements that other parts read of them."""
    commands = task.of(Command)
    for object, name, part in task:
        for field, labels in part.takes(facts).items():
            command = commands.get(str(getattr(part, field)))
            if not isinstance(command, Command):
                continue
            known = command.labels(facts)
            missing = [label for label in labels if label not in known]
            if missing:
                message = f"the command {getattr(part, field)!r} has no {missing[0]!r}"
                help = "it has: " + ", ".join(known)
                yield task.report(NO_COMMAND_ELEMENT, message, object, name, field, help=help)


def _of_broken_command(task: Task, text: str, error: FormulaError) -> bool:
    """Whether a formula names a command that is there, and whose own problem is reported."""
    steps = text[error.start : error.stop].split(".")
    written = task.document.data.get("Command")
    named = is_mapping(written) and len(steps) > 1 and steps[0] == "command"
    return bool(named and steps[1] in written and steps[1] not in task.of(Command))


def _formulas(task: Task, facts: RobotFacts) -> Iterator[Diagnostic]:
    around = surroundings(task, facts)
    for place, part in formulated(task):
        try:
            part.read(facts, around)
        except FormulaError as error:
            text = part.let[error.term] if error.term else part.expression
            place = (*place[:-1], "let", error.term) if error.term else place
            if _of_broken_command(task, text, error):
                continue
            if not task.complete and {"action", "action.previous"} & whole_names_in(text):
                continue  # how many numbers it has may not be known
            where = task.span(*place)
            if where.line == where.end_line:  # point into the text, past a quote before it
                written = where.end_column - where.column
                first = where.column + (written - len(text)) // 2
                stop = max(error.stop, error.start + 1)
                columns = {"column": first + error.start, "end_column": first + stop}
                where = replace(where, **columns)
            fix = None
            if error.meant and where.line == where.end_line:
                old = text[error.start : error.stop]
                fix = respell(task.document, where, old, error.meant)
            help = error.help or _FORMULA
            named = text[error.start : error.stop].split(".")[0]
            if place[0] == "Observation" and named in ("command", "action"):
                help = "observations are of the robot alone: 'obey' tells a policy its commands, "
                help += "and an observation {kind: last_action} its last action"
            yield Diagnostic(BAD_FORMULA, str(error), where, dotted(place), help, fix)


_FORMULA = (
    "a formula is arithmetic, such as exp(-((base.height - 1.1*m) / (0.1*m))**2); "
    "'ksim-compile --explain formula' lists its quantities and functions"
)


_WATER = 100.0
"""kg/m^3: what is denser is a liquid, in which robots measure their speed by sound."""


def _privileged(task: Task, facts: RobotFacts, swims: bool) -> Iterator[Diagnostic]:
    observations = task.of(Observation)
    for name, policy in task.of(Actor).items():
        placed: RobotFacts | None = None
        for read in dict.fromkeys(policy.read):
            index, part = policy.read.index(read), observations.get(read)
            if not isinstance(part, Observation) or part.measurable(facts):
                continue
            placed = placed or _knowing_its_place(facts)
            if _of_place(part, facts, placed) and _led(task, policy):
                continue
            sensor = facts.sensor(part.sensor).type if isinstance(part, SensorValue) else ""
            if swims and sensor == "velocimeter":
                continue
            what, help = (
                part.kind_name,
                "let the critic alone read it, or observe what a sensor gives",
            )
            if isinstance(part, BodyPosition):
                help += "; of what a camera or a tracker sees, give the 'noise'"
            elif isinstance(part, SensorValue):
                what = f"a {sensor} of the model"
                help = "let the critic alone read it; where the robot does have one, say "
                help += "'# ksim: ignore[KS0408]'"
            message = f"the policy reads {read!r} ({what}), which no robot senses"
            yield task.report(NOT_SENSED, message, "Policy", name, "read", index, help=help)


def _led(task: Task, policy: Actor) -> bool:
    """Whether a policy is told a place in the world: of no use to who does not know its own."""
    observations, commands = task.of(Observation), task.of(Command)
    read = [observations.get(name) for name in policy.read]
    told = {part.command for part in read if isinstance(part, PoseError | CommandValue)}
    goals = [commands.get(name) for name in {*policy.obey, *told}]
    return any(
        (isinstance(goal, Pose) and goal.relative_to == "world")
        or (isinstance(goal, CartesianCoordinate) and goal.relative_to != "body")
        for goal in goals
    )


def _of_place(part: Observation, facts: RobotFacts, placed: RobotFacts) -> bool:
    """Whether it follows from where in the world the robot is, and how it is turned."""
    units = set(part.dimensions(facts))
    return units <= {LENGTH, ANGLE, NUMBER} and part.measurable(placed)


def _knowing_its_place(facts: RobotFacts) -> RobotFacts:
    """The robot, tracked or with a map, as if its base stood on an encoder."""
    own = facts.trees[facts.body_id(facts.root)]
    kinds: tuple[tuple[Literal["body", "site"], tuple[str, ...]], ...]
    kinds = (("body", facts.bodies), ("site", facts.sites))
    frames = {
        f"{kind}/{n}" for kind, names in kinds for n in names if facts.frame_tree(kind, n) == own
    }
    return replace(facts, encoded=facts.encoded | frames)


def _observable(task: Task, facts: RobotFacts) -> Iterator[Diagnostic]:
    """Each observation can be computed on this robot, with these actions."""
    actions = task.of(Action).values()
    servos = {d.joint for a in actions for d in a.drives(facts) if d.kp is not None}
    told = {name for action in actions for name in action.actuators_of(facts)}
    servos |= {j.name for j in facts.motion_joints if facts.servo_on(j) in told}
    for name, part in task.of(Observation).items():
        for problem in part.problems(facts):
            place = ("Observation", name, *filter(None, (problem.field,)))
            report = task.report if problem.field else task.report_key
            yield report(NOT_OBSERVABLE, problem.message, *place, help=problem.help)
        if isinstance(part, CommandedJointPosition):
            joints = [j.name for j in facts.match_joints(part.joints) if j.name not in servos]
            if joints:
                message = f"no action commands a position of joint {joints[0]!r}"
                yield task.report_key(NOT_OBSERVABLE, message, "Observation", name, help=_SERVED)
    for place, part in formulated(task):
        asked = (s for s in part.named(facts).values() if s.kind == "target")
        joints = [j.name for source in asked for j in source.joints if j.name not in servos]
        if joints:
            message = f"no action commands a position of joint {joints[0]!r}, so it has no target"
            yield task.report(BAD_FORMULA, message, *place, help=_SERVED)


_SERVED = "select joints of a position_target, or of own servos that {kind: actuator} tells"


def _substeps(plan: Plan, sink: Sink) -> int:
    timestep, period = plan.robot.facts.timestep, plan.period
    ratio = period / timestep
    substeps = max(1, round(ratio))
    if abs(ratio - substeps) <= 1e-6 * substeps:
        return substeps
    state = plan.task.robot
    message = f"a control period of {period * 1e3:g} ms is not a whole number of timesteps of "
    message += f"{timestep * 1e3:g} ms"
    steps = "1 timestep" if substeps == 1 else f"{substeps} timesteps"
    help = f"{substeps * timestep * 1e3:g} ms would be {steps}"
    place = ("PhysicsState", state, "control")
    sink.add([plan.task.report(UNEVEN_CONTROL_PERIOD, message, *place, help=help)])
    return substeps
