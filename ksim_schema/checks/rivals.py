"""Laws of rewards against each other, and of joints that are to be alike."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from ksim_schema.checks.proportions import at_field, beside, place
from ksim_schema.checks.ranges import Ranges, display, shown
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import RIVAL_TARGETS, UNLIKE_JOINTS
from ksim_schema.robot import Joint, RobotFacts
from ksim_schema.robot.mirror import AXIAL, VECTOR
from ksim_schema.task import Task
from ksim_schema.vocabulary.effects import Statement
from ksim_schema.vocabulary.reward import Reward
from ksim_schema.vocabulary.reward.joints import PairwiseSymmetry

_APART = 2.0
"""Sums of two kernels' scales between their targets: exp(-4) of each is left halfway."""
_ALIKE = 0.5
"""Cosine of the angle of two axes that may be mirror images of each other."""
_BESIDE = 0.01
"""m: a joint this far from the middle is of one side."""


def rivals(task: Task, robot: RobotFacts, table: Mapping[str, Ranges]) -> Iterator[Diagnostic]:
    """Kernels of one quantity with targets far apart, and pairs of joints that are no pairs."""
    reported: set[tuple[str, str]] = set()
    for ranges in table.values():
        kernels = [s for s in ranges.says("wants") if _kernel(task, s)]
        for index, second in enumerate(kernels):
            for first in kernels[:index]:
                key = (first.part, second.part)
                if key in reported or not _rival(first, second):
                    continue
                reported.add(key)
                yield _report(task, robot, ranges, first, second)
    for name, part in task.of(Reward).items():
        if isinstance(part, PairwiseSymmetry) and part.left != part.right:
            yield from _pair(task, robot, name, part)


def _kernel(task: Task, said: Statement) -> bool:
    """Whether a kernel of one value counts at all times: what a gate shuts is no rival."""
    exact = said.within.width == 0.0 and math.isfinite(said.within.low)
    reward = task.of(Reward)[said.part]
    steady = not reward.scale.is_zero and reward.when is None
    return exact and steady and bool(said.scale) and not said.penalty and not said.command


def _rival(first: Statement, second: Statement) -> bool:
    gap = abs(first.within.low - second.within.low)
    return gap > _APART * ((first.scale or 0.0) + (second.scale or 0.0))


def _report(
    task: Task, robot: RobotFacts, ranges: Ranges, first: Statement, second: Statement
) -> Diagnostic:
    unit, what = ranges.dimension, display(ranges.quantity, robot)
    message = f"{second.part!r} wants {what} at {shown(second.within.low, unit)}, and "
    message += f"{first.part!r} at {shown(first.within.low, unit)}: at one of them nothing is left "
    message += "of the other"
    help = "if they are about different things, name them; else leave one target"
    at = place(task, *second.place)
    at = at if len(at) == 3 else ("Reward", second.part, "kind")
    problem = task.report(RIVAL_TARGETS, message, *at, help=help)
    return beside(problem, task, "wants another value", "Reward", first.part)


def _pair(task: Task, robot: RobotFacts, name: str, part: PairwiseSymmetry) -> Iterator[Diagnostic]:
    """Joints of the two sides that turn about different axes, or the other way round."""
    left, right = (robot.match_joints((side,)) for side in (part.left, part.right))
    if len(left) != 1 or len(right) != 1 or not any(left[0].axis) or not any(right[0].axis):
        return
    one, other = left[0], right[0]
    if one.anchor[1] * other.anchor[1] > 0.0 and abs(one.anchor[1]) > _BESIDE:
        message = f"joints {one.name!r} and {other.name!r} are on the same side of the robot"
        help = "name a joint of the left and its counterpart on the right"
        yield task.report(UNLIKE_JOINTS, message, "Reward", name, "right", help=help)
        return
    if one.type != other.type:
        return  # told by their units
    along = _along(one, other)
    if abs(along) < _ALIKE:
        message = f"joints {one.name!r} and {other.name!r} move about different axes, so that "
        message += "they are no mirror images of each other"
        help = "name a joint of the left and its counterpart on the right"
        yield task.report(UNLIKE_JOINTS, message, "Reward", name, "right", help=help)
    elif (along < 0.0) != part.flipped and min(abs(one.anchor[1]), abs(other.anchor[1])) > _BESIDE:
        way = "opposite" if along < 0.0 else "the same"
        message = f"in a mirror {one.name!r} and {other.name!r} count in {way} "
        message += "directions" if along < 0.0 else "direction"
        message += f", and 'flipped' is {str(part.flipped).lower()}"
        help = f"write 'flipped: {str(not part.flipped).lower()}'"
        yield at_field(task, UNLIKE_JOINTS, message, "Reward", name, "flipped", help=help)


def _along(one: Joint, other: Joint) -> float:
    """The cosine of the angle of the mirror image of one joint's axis and another's axis."""
    signs = VECTOR if one.type == "slide" else AXIAL
    sizes = math.hypot(*one.axis) * math.hypot(*other.axis)
    products = (a * s * b for a, s, b in zip(one.axis, signs, other.axis, strict=True))
    return sum(products) / sizes
