"""What laws about a task ask of it: its clock, its episodes and its run; and notes beside."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ksim_schema.diagnostics import Code, Diagnostic, Related
from ksim_schema.source import Path_
from ksim_schema.source.plain import is_list, is_mapping
from ksim_schema.task import Task
from ksim_schema.vocabulary import Model
from ksim_schema.vocabulary.scale import Scale
from ksim_schema.vocabulary.state import Robot
from ksim_schema.vocabulary.termination import Termination


def beside(problem: Diagnostic, task: Task, note: str, *path: str | int) -> Diagnostic:
    """The diagnostic with another place that it is about."""
    place = Related(task.span(*path), note)
    return replace(problem, related=(*problem.related, place))


def written(task: Task, *path: str | int) -> bool:
    """Whether the author wrote something at a path of mappings."""
    value: Any = task.document.data
    for step in path:
        if not is_mapping(value) or step not in value:
            return False
        value = value[step]
    return True


def place(task: Task, *path: str | int) -> Path_:
    """The longest beginning of a path that stands in the source: a default has no place."""
    while path and not written(task, *path):
        path = path[:-1]
    return path


def at_field(
    task: Task, code: Code, message: str, object: str, name: str, field: str, *, help: str = ""
) -> Diagnostic:
    """A diagnostic about a field of a part; about the part's key where the field is a default."""
    given = written(task, object, name, field)
    report = task.report if given else task.report_key
    return report(code, message, object, name, *((field,) if given else ()), help=help)


def home_place(task: Task) -> Path_:
    """What gives the home pose: the field, or the model where it is the model's own."""
    state = ("PhysicsState", task.robot)
    return (*state, "home" if written(task, *state, "home") else "model")


def period(task: Task) -> float | None:
    """The control period, s."""
    return next((float(robot.control) for robot in task.of(Robot).values()), None)


def time_limit(task: Task) -> tuple[float, str] | None:
    """After how long, s, each episode of the task ends, and by which termination."""
    limits = [(t.time_limit(), name) for name, t in task.of(Termination).items()]
    return min(((limit, name) for limit, name in limits if limit is not None), default=None)


def longest(task: Task) -> tuple[float, Path_]:
    """The longest episode of the training, s, and what says so; infinite and () without a limit."""
    limit = time_limit(task)
    cut = task.learner.episode
    if cut is not None and (limit is None or cut < limit[0]):
        return float(cut), (task.learner.section, "episode")
    return (limit[0], ("Termination", limit[1], "after")) if limit else (math.inf, ())


def run_ticks(task: Task) -> float | None:
    """Control ticks of one environment in a run; None where the task does not say."""
    return None if task.learner.steps is None else task.learner.steps / task.learner.envs


def scales(model: Model) -> Iterator[tuple[Path_, Scale]]:
    """The scales in a part, with their paths in it."""
    for name, info in type(model).model_fields.items():
        value: Any = getattr(model, name)
        listed = is_list(value)
        for index, member in enumerate(value if is_list(value) else (value,)):
            at: Path_ = (info.alias or name, index) if listed else (info.alias or name,)
            if isinstance(member, Scale):
                yield at, member
            elif isinstance(member, Model):
                yield from ((((*at, *path)), scale) for path, scale in scales(member))


def seconds(value: float) -> str:
    """A time as people read it."""
    return f"{value * 1e3:.4g} ms" if value < 0.1 else f"{value:.4g} s"
