"""Goals that are drawn anew when they are reached: whether they are before anything moves."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import REACHED_AT_ONCE
from ksim_schema.task import Task
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.command.pose import Pose
from ksim_schema.vocabulary.pose import PLACES


def goals(task: Task) -> Iterator[Diagnostic]:
    """Warn of goals of which each is reached wherever in their box the robot is.

    Two places of a box are no farther apart than its corners, so that is what ``within`` must be
    smaller than.
    """
    for name, part in task.of(Command).items():
        if not isinstance(part, Pose) or part.within is None or part.within_angle is not None:
            continue  # 'within' is given with a redraw alone
        diagonal = math.hypot(*(part.box.place(axis).width for axis in PLACES))
        if 0.0 < diagonal <= part.within:
            message = f"goals are drawn in a box whose corners are {diagonal:.3g} m apart, and one "
            message += f"is reached within {part.within:.4g} m: at any place of the box each is "
            message += "reached, and drawn anew at every tick"
            help = "check the unit of 'within'; a few cm are usual"
            yield task.report(REACHED_AT_ONCE, message, "Command", name, "within", help=help)
