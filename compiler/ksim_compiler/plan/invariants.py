"""What must hold of a plan after each pass. A breach is the compiler's mistake, not a task's."""

from __future__ import annotations

from math import isfinite

from ksim_compiler.plan.plan import Column, Plan
from ksim_schema.graph import cycle_without_delay, ill_typed, unused
from ksim_schema.vocabulary import Named, annotated_fields
from ksim_schema.vocabulary.objects import OBJECT


class CompilerError(Exception):
    """The compiler broke one of its own laws."""


def _law(holds: bool, text: str) -> None:
    if not holds:
        raise CompilerError(text)


def resolved(plan: Plan) -> None:
    """Every exact name is one of the robot's; the control period is a number of timesteps."""
    facts = plan.robot.facts
    for object, name, part in plan.task:
        for path, named, value in annotated_fields(part, Named):
            texts = value if isinstance(value, tuple) else () if value is None else (value,)
            known = facts.names(named.what)
            good = all(text in known for text in texts) or named.pattern
            _law(good, f"{object}.{name}.{'.'.join(path)} is not resolved")
    period = plan.substeps * facts.timestep
    _law(abs(period - plan.period) < 1e-6, "the control period is not a whole number of timesteps")


def inferred(plan: Plan) -> None:
    """Every node that has a value has a shape, and the columns of a network join up."""
    for node in plan.graph.nodes:
        if OBJECT[node.object].valued or node.object == "Policy":
            _law(node in plan.shapes, f"{node} has no shape")
            _law(all(n > 0 for n in plan.shapes[node]), f"{node} has the shape {plan.shapes[node]}")
    for columns in (plan.policy_input, plan.critic_input):
        _join_up(columns)


def _join_up(columns: tuple[Column, ...]) -> None:
    start = 0
    for column in columns:
        _law(column.start == start and column.stop > start, f"column {column} does not join up")
        start = column.stop


def reflected(plan: Plan) -> None:
    """A mirror image has all elements of what it is of, and that of the image is the value."""
    if plan.reflection is None:
        return
    sizes = [c[-1].stop if c else 0 for c in (plan.policy_input, plan.critic_input)]
    for image, size in zip(plan.reflection, (*sizes, plan.action_size), strict=True):
        _law(len(image) == size, f"a mirror image has {len(image)} elements instead of {size}")
        twice = [(image[i][0], sign * image[i][1]) for i, sign in image]
        _law(twice == [(i, 1.0) for i in range(size)], "twice mirrored is something else")


def pruned(plan: Plan) -> None:
    """Nothing is left that nothing uses, and every column's source is left."""
    _law(not unused(plan.graph), "something unused is left")
    nodes = set(plan.graph.nodes)
    for column in (*plan.policy_input, *plan.critic_input):
        _law(column.source in nodes, f"{column.source} is read and was dropped")


def equipped(plan: Plan) -> None:
    """The model has the sensors and actuators that were asked for, with finite limits."""
    facts = plan.robot.facts
    for sensor in plan.sensors:
        _law(sensor.name in facts.sensors, f"sensor {sensor.name} is not in the model")
    for name in plan.controls:
        _law(name in facts.actuators, f"actuator {name} is not in the model")
    _law(len(set(plan.controls)) == len(plan.controls), "two actions tell one actuator")
    for drive in plan.drives:
        _law(drive.name in facts.actuators, f"actuator {drive.name} is not in the model")
        _law(isfinite(drive.limit), f"actuator {drive.name} has no limit")


def typed(plan: Plan) -> None:
    """What is left of the graph is well-typed, and its tick can be ordered."""
    _law(not list(ill_typed(plan.graph)), "the graph is ill-typed")
    _law(not cycle_without_delay(plan.graph), "the graph has a cycle without delay")
