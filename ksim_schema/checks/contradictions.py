"""Laws of what is asked and wanted against what ends an episode and what joints allow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from ksim_schema.checks.asked import Asked, asked, size
from ksim_schema.checks.proportions import at_field, beside, longest, place
from ksim_schema.checks.ranges import Ranges, bounds_of, display, shown, shown_range
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import (
    ASKED_AND_ENDED,
    ASKED_BEYOND_LIMITS,
    FORESTALLED,
    WANTED_NEVER,
)
from ksim_schema.diagnostics.codes.typed import CONSTANT_REWARD, TERMINATION_NEVER_COMES
from ksim_schema.robot import RobotFacts
from ksim_schema.task import Task
from ksim_schema.units.interval import EVERYTHING, Interval
from ksim_schema.vocabulary.base import OfBody
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.command.velocity import LinearVelocity, PlanarVelocity
from ksim_schema.vocabulary.effects import Statement, dimension_of
from ksim_schema.vocabulary.reward.joints import AvoidLimits, PairwiseSymmetry
from ksim_schema.vocabulary.termination import (
    FarFromOrigin,
    Formula,
    JointOutside,
    MinHeight,
    Termination,
)

Table = Mapping[str, Ranges]
_CLOSE = 0.01
"""Share of a range by which another may be beyond it without a word."""
_TURNS = math.tau
"""rad: a hinge that turns farther to both sides is a wheel."""
_SOFT = 0.1
"""Share of its range by which a joint is pushed beyond its soft limits at most."""


def contradictions(task: Task, robot: RobotFacts, table: Table) -> Iterator[Diagnostic]:
    """What of a task contradicts itself or its robot, by intervals."""
    yield from _asked(task, robot, table)
    yield from _wanted(task, robot, table)
    yield from _endless(task, robot)
    yield from _forestalled(task, table)


def _beyond(what: Interval, allowed: Interval) -> bool:
    """Whether some of an interval is clearly outside of another."""
    width = min(allowed.width, max(size(what), size(allowed) if allowed.bounded else 0.0))
    slack = _CLOSE * (width if math.isfinite(width) else 0.0) + 1e-6
    return what.low < allowed.low - slack or what.high > allowed.high + slack


def _asked(task: Task, robot: RobotFacts, table: Table) -> Iterator[Diagnostic]:
    reported: set[tuple[object, ...]] = set()
    for one in asked(task, robot):
        limits = bounds_of(one.quantity, robot)
        if one.quantity.startswith("joint.") and _beyond(one.within, limits):
            if one.at not in reported:
                reported.add(one.at)
                yield _beyond_limits(task, robot, one, limits)
            continue
        for end, within in _ends(one, table):
            if end.object == "Termination" and _beyond(one.within, within):
                key = (*one.at, end.part)
                if key in reported:
                    continue
                reported.add(key)
                yield _fails(task, robot, one, end, within)


_ABOUT = {"forward": "speed", "left": "speed", "speed": "speed", "turn": "spin"}
"""What is asked -> what a termination is about that ends it where it is too large."""


def _ends(one: Asked, table: Table) -> Iterator[tuple[Statement, Interval]]:
    """The statements that end an episode by a quantity that is asked, with where it goes on."""
    head, _, last = one.quantity.rpartition(".")
    for quantity in dict.fromkeys((one.quantity, f"{head}.{_ABOUT.get(last, last)}")):
        if quantity in table:
            home = table[quantity].home
            for end in table[quantity].says("ends"):
                at_home = home is not None and not end.within.contains(home)
                if not at_home:  # else the end itself is told of
                    yield end, end.within


def _fails(
    task: Task, robot: RobotFacts, one: Asked, end: Statement, within: Interval
) -> Diagnostic:
    unit = dimension_of(end.quantity, robot)
    what = display(one.quantity, robot)
    message = f"{one.command!r} asks for {what} of {shown_range(one.within, unit)}, and "
    message += f"{end.part!r} allows {shown_range(within, unit)} of {display(end.quantity, robot)}"
    help = f"ask for less, or let {end.part!r} allow more"
    problem = task.report(ASKED_AND_ENDED, message, *place(task, *one.at), help=help)
    return beside(problem, task, "ends the episode", *end.place)


def _beyond_limits(task: Task, robot: RobotFacts, one: Asked, limits: Interval) -> Diagnostic:
    unit = dimension_of(one.quantity, robot)
    joint = one.quantity.removeprefix("joint.")
    message = f"{one.command!r} asks joint {joint!r} for {shown_range(one.within, unit)}, and its "
    message += f"limits are {shown_range(limits, unit)}"
    help = "narrow the range ('around' says what it is measured from), or leave it out: then it is "
    help += "that of the limits"
    return task.report(ASKED_BEYOND_LIMITS, message, *place(task, *one.at), help=help)


def _wanted(task: Task, robot: RobotFacts, table: Table) -> Iterator[Diagnostic]:
    """Targets at which no episode can be."""
    reported: set[tuple[str | int, ...]] = set()
    for quantity, ranges in table.items():
        for said in ranges.says("wants"):
            if said.command or said.place in reported or not math.isfinite(said.within.middle):
                continue
            unit = ranges.dimension
            limits = ranges.bounds if quantity.startswith("joint.") else EVERYTHING
            if not _meet(said.within, limits) and not _at_home(said, ranges):
                reported.add(said.place)
                joint = quantity.removeprefix("joint.")
                message = (
                    f"{said.part!r} wants joint {joint!r} at {shown_range(said.within, unit)}, "
                )
                message += f"and its limits are {shown_range(limits, unit)}"
                help = "give a target within the limits"
                at = place(task, *said.place[:2], "around") if said.place[-1] == "joints" else ()
                at = at if len(at) == 3 else said.place
                yield task.report(WANTED_NEVER, message, *at, help=help)
                continue
            for end in ranges.says("ends"):
                if _meet(said.within, end.within) or _at_home(said, ranges):
                    continue
                reported.add(said.place)
                what = display(quantity, robot)
                message = f"{said.part!r} wants {what} at {shown_range(said.within, unit)}, and "
                message += f"{end.part!r} ends the episode where it is not "
                message += shown_range(end.within, unit)
                help = f"change the target, or what {end.part!r} allows"
                problem = task.report(WANTED_NEVER, message, *said.place, help=help)
                yield beside(problem, task, "ends the episode", *end.place)
                break
    for name, part in task.of("Reward").items():
        if isinstance(part, PairwiseSymmetry):
            yield from _zeros(task, robot, name, part)
        if isinstance(part, AvoidLimits):
            yield from _limits(task, robot, name, part)


def _meet(what: Interval, allowed: Interval) -> bool:
    slack = _CLOSE * allowed.width if allowed.bounded else 1e-6
    return Interval(allowed.low - slack, allowed.high + slack).intersect(what) is not None


def _at_home(said: Statement, ranges: Ranges) -> bool:
    """Whether the home pose is wanted; that it is outside is said of the pose."""
    home = ranges.home
    return home is not None and said.within.contains(home)


def _zeros(
    task: Task, robot: RobotFacts, name: str, part: PairwiseSymmetry
) -> Iterator[Diagnostic]:
    for side, zero in (("left", part.left_zero), ("right", part.right_zero)):
        for joint in robot.match_joints((getattr(part, side),)):
            if joint.limits and not _meet(Interval.exactly(zero), Interval(*joint.limits)):
                unit = joint.dimension
                message = f"the zero of joint {joint.name!r}, {shown(zero, unit)}, is outside of "
                message += f"its limits, {shown_range(Interval(*joint.limits), unit)}"
                help = f"give 'left_zero' and 'right_zero', such as {shown(joint.home[0], unit)} "
                help += "as in the home pose"
                at = place(task, "Reward", name, f"{side}_zero")
                at = at if len(at) == 3 else ("Reward", name, side)
                yield task.report(WANTED_NEVER, message, *at, help=help)


def _limits(task: Task, robot: RobotFacts, name: str, part: AvoidLimits) -> Iterator[Diagnostic]:
    joints = robot.match_joints(part.joints)
    if joints and all(joint.limits is None for joint in joints):
        message = "none of these joints has limits in the model, so this is always 0"
        help = "select joints with limits"
        yield at_field(task, CONSTANT_REWARD, message, "Reward", name, "joints", help=help)
    elif part.factor > 0.25:
        message = f"the limits are widened by {part.factor:.0%} of the range, where no joint gets"
        help = "a 'factor' below 0 narrows them, such as -0.05"
        yield task.report(CONSTANT_REWARD, message, "Reward", name, "factor", help=help)
    elif part.factor <= -0.5:
        message = f"the limits are moved inwards by {-part.factor:.0%} of the range each, so that "
        message += "nothing is left between them"
        help = "give a share of the range above -0.5, such as -0.05"
        yield task.report(WANTED_NEVER, message, "Reward", name, "factor", help=help)


def _endless(task: Task, robot: RobotFacts) -> Iterator[Diagnostic]:
    """Terminations that nothing the robot can do fulfils."""
    flat = robot.surfaces and all(s.type == "plane" for s in robot.surfaces)
    level = [s for s in robot.surfaces if s.name in robot.ground and s.axes[2][2] > 1.0 - 1e-6]
    ground = max((s.position[2] for s in level), default=None)  # walls are planes too
    for name, part in task.of(Termination).items():
        at = ("Termination", name)
        body = (part.body if isinstance(part, OfBody) else None) or robot.root
        match part:
            case MinHeight() if flat and ground is not None and part.height <= ground:
                if not robot.geoms_of(body):
                    continue  # it touches nothing, and may be lowered into the ground
                message = f"the ground is at {ground:.4g} m, and no body gets below it: a height "
                message += f"of {part.height:.4g} m never ends an episode"
                help = "give the height below which it has fallen"
                yield task.report(TERMINATION_NEVER_COMES, message, *at, "height", help=help)
            case Formula() if flat and ground is not None:
                yield from _below_ground(task, robot, name, part, ground)
            case JointOutside():
                yield from _joints(task, robot, name, part)
            case FarFromOrigin():
                yield from _edge(task, robot, name, part)
                yield from _outrun(task, name, part)
            case _:
                pass


def _below_ground(
    task: Task, robot: RobotFacts, name: str, part: Formula, ground: float
) -> Iterator[Diagnostic]:
    """Conditions of a formula that ask the base below the ground; things may fall off its edge."""
    for effect in part.effects_on(robot):
        on = effect.fixed
        asked = effect.quantity == f"body.{robot.root}.height" and robot.geoms_of(robot.root)
        if asked and on is not None and math.isinf(on.high) and on.low < ground:
            message = f"the ground is at {ground:.4g} m, and no body gets below it: a height of "
            message += f"{on.low:.4g} m never ends an episode"
            help = "give the height below which it has fallen"
            at = ("Termination", name, "expression")
            yield task.report(TERMINATION_NEVER_COMES, message, *at, help=help)


def _joints(task: Task, robot: RobotFacts, name: str, part: JointOutside) -> Iterator[Diagnostic]:
    allowed = Interval(*part.range)
    joints = robot.match_joints(part.joints)
    if joints and all(j.type == "hinge" and j.limits is None for j in joints):
        if min(-part.range[0], part.range[1]) > _TURNS and max(map(abs, part.range)) <= 720.0:
            turns = min(-part.range[0], part.range[1]) / math.tau
            message = f"{joints[0].name!r} would have to turn {turns:.2g} times about itself"
            low, high = part.range
            help = f"if degrees are meant, write [{low:.4g} deg, {high:.4g} deg]"
            at = ("Termination", name, "range")
            yield task.report(TERMINATION_NEVER_COMES, message, *at, help=help)
        return
    if not joints or any(joint.limits is None for joint in joints):
        return
    bounds = [Interval(*joint.limits) for joint in joints if joint.limits]
    soft = [Interval(b.low - _SOFT * b.width, b.high + _SOFT * b.width) for b in bounds]
    if all(allowed.contains(one) for one in soft):
        unit = joints[0].dimension
        which = f"joint {joints[0].name!r}" if len(joints) == 1 else "the joints"
        widest = bounds[0]
        for one in bounds:
            widest = widest.hull(one)
        message = f"the limits hold {which} within {shown_range(widest, unit)}, so it is never "
        message = message if len(joints) == 1 else message.replace("it is", "they are")
        message += f"outside of {shown_range(allowed, unit)}"
        help = "give a range within the limits, or take this out"
        at = ("Termination", name, "range")
        yield task.report(TERMINATION_NEVER_COMES, message, *at, help=help)


def _edge(task: Task, robot: RobotFacts, name: str, part: FarFromOrigin) -> Iterator[Diagnostic]:
    """Farther than the edge of a field of heights, with nothing around it."""
    ground = [s for s in robot.surfaces if s.name in robot.ground]
    fields = [s for s in ground if s.type == "hfield"]
    if not fields or len(fields) < len(ground):
        return
    corner = max(math.hypot(*s.position[:2]) + math.hypot(*s.size[:2]) for s in fields)
    if part.distance > corner:
        message = f"the terrain ends at {corner:.4g} m from the origin, in its corners, and this "
        message += f"only at {part.distance:.4g} m"
        help = f"give less than {min(fields[0].size[:2]):.4g} m, or a larger terrain"
        at = ("Termination", name, "distance")
        yield task.report(TERMINATION_NEVER_COMES, message, *at, help=help)


_FARTHER = 1.5
"""Times the distance that ends an episode that obeying one draw of a command must lead."""


def _outrun(task: Task, name: str, part: FarFromOrigin) -> Iterator[Diagnostic]:
    """Commands of a velocity that lead away farther than an episode allows, if they are obeyed."""
    limit = longest(task)[0]
    for command, told in task.of(Command).items():
        if isinstance(told, PlanarVelocity):
            field, speed = "forward", max(map(abs, told.forward))
        elif isinstance(told, LinearVelocity):
            field, speed = "speed", max(map(abs, told.speed))
        else:
            continue
        lasts = min(limit, told.resample[0] if told.resample else limit)
        speed *= max(map(abs, told.scale.extremes))
        if math.isfinite(lasts) and speed * lasts > _FARTHER * part.distance:
            message = f"{command!r} asks for up to {speed:.3g} m/s for {lasts:.3g} s, which leads "
            message += f"{speed * lasts:.3g} m away, and this ends the episode at "
            message += f"{part.distance:.3g} m: to obey is to fail"
            help = "let it go farther, or ask for less"
            at = ("Termination", name, "distance")
            problem = task.report(ASKED_AND_ENDED, message, *at, help=help)
            yield beside(problem, task, "asks for it", "Command", command, field)


def _forestalled(task: Task, table: Table) -> Iterator[Diagnostic]:
    """Terminations of which another one is always as early."""
    said: dict[str, list[Statement]] = {}
    for ranges in table.values():
        for end in ranges.says("ends"):
            said.setdefault(end.part, []).append(end)
    for name, mine in said.items():
        if task.of(Termination)[name].kind_name == "illegal_contact":
            continue
        for other, theirs in said.items():
            if other == name or task.of(Termination)[other].kind_name == "illegal_contact":
                continue
            inside = {s.quantity: s for s in theirs}
            if not all(
                s.quantity in inside
                and s.within.contains(inside[s.quantity].within)
                and s.within != inside[s.quantity].within
                for s in mine
            ):
                continue
            message = f"{other!r} ends the episode before {name!r} can"
            help = "take one of them out, or change its limit"
            problem = task.report(FORESTALLED, message, *mine[0].place, help=help)
            yield beside(problem, task, "ends it earlier", *theirs[0].place)
            break
