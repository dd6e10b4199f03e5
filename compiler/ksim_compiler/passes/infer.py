"""Infer: shapes and units of every value, from the robot to the inputs of the networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from math import prod
from typing import Any, cast

from ksim_compiler.checks.observed import observed
from ksim_compiler.plan import Column, Plan, Shape
from ksim_schema.checks.reach import surroundings
from ksim_schema.diagnostics import Diagnostic, Sink
from ksim_schema.diagnostics.codes.values import NO_SUCH_DRAW, WRONG_NOISE_UNIT
from ksim_schema.graph import Edge, Graph, Node
from ksim_schema.robot import RobotFacts
from ksim_schema.task import Task
from ksim_schema.units import NUMBER, Dimension, Measured
from ksim_schema.units.formula import FormulaError
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.actor_critic import Actor, ValueCritic
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.each import ByPattern
from ksim_schema.vocabulary.metric import Metric
from ksim_schema.vocabulary.noise import Noise
from ksim_schema.vocabulary.objects import JUDGES
from ksim_schema.vocabulary.observation import Observation
from ksim_schema.vocabulary.observation.signal import SensorValue, WiredObservation
from ksim_schema.vocabulary.randomizer import Randomizer
from ksim_schema.vocabulary.sensortypes import SENSOR_DIMENSIONS


def infer(plan: Plan, sink: Sink) -> Plan:
    """Give each node its shape and unit, and each network its columns."""
    task, graph, facts = plan.task, plan.graph, plan.robot.facts
    shapes: dict[Node, Shape] = {}
    units: dict[Node, tuple[Dimension, ...]] = {}
    for name, action in task.of(Action).items():
        shapes[Node("Action", name)] = (action.size(facts),)
        for what, chain, wanted in action.errors(facts):
            sink.add(_chain_units(task, ("Action", name), what, chain, wanted, "target"))
    for name, command in task.of(Command).items():
        shapes[Node("Command", name)] = (command.size(facts),)
    for edge in (e for e in graph.edges if e.hom == "reveal"):
        draws = task.of(Randomizer)[edge.src.name].drawn(facts)
        shapes[edge.src] = (max(sum(draw.count for draw in draws), 1),)
        if not draws:
            message = f"what {edge.src.name!r} draws stands nowhere in the model by itself"
            sink.add([task.report(NO_SUCH_DRAW, message, *edge.path)])
    for name, part in task.of(Observation).items():
        node = Node("Observation", name)
        shape = part.shape(facts)
        if isinstance(part, WiredObservation):
            sources = [edge.src for edge in graph.into(node, part.source)]
            shape = (sum(shapes[source][0] for source in sources),)
        units[node] = part.dimensions(facts)
        shapes[node] = (part.history * prod(shape),) if part.history > 1 else shape
        sink.add(_noise_units(task, name, part, units[node], facts))
    for object in JUDGES:
        for name in task.of(object):
            shapes[Node(object, name)] = ()
    for name, metric in task.of(Metric).items():
        with suppress(FormulaError):  # which is reported where formulas are read
            units[Node("Metric", name)] = (metric.dimension(facts, surroundings(task, facts)),)
    policy = _columns(graph, shapes, "Policy", ("read", "obey"))
    critic = _columns(graph, shapes, "Critic", ("judge", "weigh"))
    for name in task.of(Actor):
        size = sum(shapes[e.tgt][0] for e in graph.edges if e.hom == "act")
        shapes[Node("Policy", name)] = (size,)
    for name in task.of(ValueCritic):
        shapes[Node("Critic", name)] = ()
    plan = replace(plan, shapes=shapes, units=units, policy_input=policy, critic_input=critic)
    sink.add(observed(plan))
    return plan


def _columns(
    graph: Graph, shapes: dict[Node, Shape], object: str, homs: tuple[str, ...]
) -> tuple[Column, ...]:
    """The input of a network: its observations in order, then its commands."""
    columns: list[Column] = []
    start = 0
    for node in (n for n in graph.nodes if n.object == object):
        for edge in _in_order(graph.into(node, *homs), homs):
            noisy = edge.hom == "read" or edge.port == "judge.noisy"
            stop = start + prod(shapes[edge.src])
            columns.append(Column(edge.src, noisy, start, stop))
            start = stop
    return tuple(columns)


def _in_order(edges: Iterable[Edge], homs: tuple[str, ...]) -> list[Edge]:
    return sorted(edges, key=lambda e: (homs.index(e.hom), e.port, e.place))


def _noise_units(
    task: Task,
    name: str,
    part: Observation,
    dimensions: tuple[Dimension, ...],
    facts: RobotFacts,
) -> Iterator[Diagnostic]:
    """Noise, bias and clip are in the unit of the observation; what turns it is an angle."""
    at = ("Observation", name)
    if isinstance(part, SensorValue) and facts.sensor(part.sensor).type not in SENSOR_DIMENSIONS:
        dimensions = _as_written(part, dimensions)
        yield from _chain_units(task, at, "noise", part.noise, dimensions)
        yield from _chain_units(task, at, "bias", part.bias, dimensions)
    else:
        yield from _chain_units(task, at, "noise", part.noise, part.noise_dimensions(facts))
        yield from _chain_units(task, at, "bias", part.bias, part.bias_dimensions(facts))
    for pattern, clip in _each(part.clip):
        several = len(dimensions) > 1  # a bare number is then in the unit of each
        for index, limit in enumerate(clip):
            if several and isinstance(limit, Measured) and limit.dimension == NUMBER:
                continue
            yield from _unit(task, limit, dimensions, (*at, "clip", *pattern, index), "clip")


def _as_written(part: Observation, dimensions: tuple[Dimension, ...]) -> tuple[Dimension, ...]:
    """The unit of a joint's sensor, or none where its errors and limits are plain SI numbers."""
    sizes = [size for e in (*part.noise, *part.bias) for _, size in _each(e.size)]
    ends = [end for _, clip in _each(part.clip) for end in clip]
    given = [value.dimension for value in (*sizes, *ends) if isinstance(value, Measured)]
    return (NUMBER,) if given and all(unit == NUMBER for unit in given) else dimensions


def _each(value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """A value, or each that stands with a pattern, and the pattern."""
    if isinstance(value, ByPattern):
        yield from (((pattern,), v) for pattern, v in cast("ByPattern[Any]", value).entries)
    elif value is not None:
        yield (), value


def _chain_units(
    task: Task,
    at: tuple[str, str],
    what: str,
    chain: Iterable[Noise],
    dimensions: tuple[Dimension, ...],
    of: str = "observation",
) -> Iterator[Diagnostic]:
    """A chain of noises, the field ``what`` of a part, is in the unit of what it disturbs."""
    listed = isinstance(task.document.data[at[0]][at[1]].get(what), tuple)
    for index, error in enumerate(chain):
        place = (*at, what, *((index,) if listed else ()))
        wanted = (NUMBER,) if error.mode == "multiplicative" else dimensions
        for field, value in ((error.form, error.size), ("mean", error.mean)):
            inner = (*place, field) if (*place, field) in task.document.values else place
            for pattern, number in _each(value):
                yield from _unit(task, number, wanted, (*inner, *pattern), what, of)


def _unit(
    task: Task,
    value: float | None,
    dimensions: tuple[Dimension, ...],
    place: tuple[str | int, ...],
    what: str,
    of: str = "observation",
) -> Iterator[Diagnostic]:
    if not isinstance(value, Measured) or not value or set(dimensions) == {value.dimension}:
        return
    names = " and ".join(d.phrase for d in dimensions)
    if value.dimension == NUMBER:
        message, help = f"the {what} has no unit", f"write '{float(value):g} {dimensions[0]}'"
    else:
        message = f"the {what} is {value.dimension.phrase}"
        help = f"give it in '{dimensions[0]}'" if str(dimensions[0]) else "give a plain number"
    message += f", but the {of} is {names}"
    if len(dimensions) > 1:
        help = "select hinges and slides apart"
    yield task.report(WRONG_NOISE_UNIT, message, *place, help=help)
