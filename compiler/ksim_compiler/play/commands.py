"""Commands that are held at a value instead of being drawn by the task."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ksim_compiler.plan import Plan
from ksim_schema.custom.api import Custom
from ksim_schema.vocabulary.command import Command, Drawn
from ksim_schema.vocabulary.command.motion import BaseHeight
from ksim_schema.vocabulary.command.pose import Pose
from ksim_schema.vocabulary.command.vector import FloatVector, IntegerVector
from ksim_schema.vocabulary.command.velocity import AngularVelocity, LinearVelocity
from ksim_schema.vocabulary.pose import PLACES


class CommandError(Exception):
    """A command that cannot be held; the message says what can."""


ParameterPath = tuple[str | int, ...]
"""Where the range of an element is among its command's parameters."""
CHANCES = ("stand_still", "backward", "zero")
"""Probabilities with which a draw differs from what its range says."""


@dataclass(frozen=True)
class Dial:
    """An element of a command that can be held.

    Attributes:
        command, label: its name.
        index: its place among the numbers that are drawn.
        low, high: the task's range, in SI units.
    """

    command: str
    label: str
    index: int
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.command}.{self.label}"


def dials(plan: Plan, params: Any) -> Iterator[Dial]:
    """The elements that can be held, with the ranges that the parameters give them."""
    for name, command in plan.parts(Command).items():
        labels = command.labels(plan.robot.facts)
        for label, path in _paths(plan, command).items():
            ends = np.concatenate(
                [np.ravel(x) for x in jax.tree.leaves(_value_at(params, name, path))]
            )
            yield Dial(name, label, labels.index(label), float(ends.min()), float(ends.max()))


def held(params: Any, plan: Plan, name: str, label: str, value: float) -> Any:
    """Parameters with which a command's element always has one value, in SI units.

    Raises:
        CommandError: there is no such command or element; the message says what there is.
    """
    commands = plan.parts(Command)
    if name not in commands:
        raise CommandError(
            f"there is no command {name!r}; commands: {', '.join(commands) or 'none'}"
        )
    paths = _paths(plan, commands[name])
    if not paths:
        kind = commands[name].kind_name
        raise CommandError(f"{name!r} ({kind}) draws or moves by a rule of its own: it is not held")
    if label not in paths:
        raise CommandError(f"{name!r} has no {label!r}; it has: {', '.join(paths)}")
    command = commands[name]
    if isinstance(command, AngularVelocity) and command.either_way:
        raise CommandError(f"{name!r} turns either way; add --set Command.{name}.either_way=false")
    numbers = dict(params["Command"][name])
    for chance in CHANCES:
        if chance in numbers:
            numbers[chance] = jnp.zeros_like(numbers[chance])
    if "scale" in numbers:
        numbers["scale"] = jax.tree.map(jnp.ones_like, numbers["scale"])
    numbers = _with_value(numbers, paths[label], value)
    return {**params, "Command": {**params["Command"], name: numbers}}


def _paths(plan: Plan, command: Any) -> dict[str, ParameterPath]:
    """Element -> where its range is, for those whose range is of it alone."""
    if not isinstance(command, Drawn) or isinstance(command, (IntegerVector, Custom)):
        return {}
    labels = command.labels(plan.robot.facts)
    if isinstance(command, Pose):  # its angles are not elements, but make some
        fixed = PLACES if command.box.radius is None else ("z",)
        given = (axis for axis in fixed if getattr(command.box, axis) is not None)
        return {axis: ("box", axis) for axis in given}
    if isinstance(command, FloatVector):
        return {label: ("ranges", index) for index, label in enumerate(labels)}
    if isinstance(command, BaseHeight):
        return dict.fromkeys(labels, ("range",))
    if isinstance(command, LinearVelocity):  # its direction is drawn about ahead
        return {"speed": ("speed",)}
    return {label: (label,) for label in labels}


def _value_at(params: Any, name: str, path: ParameterPath) -> Any:
    value = params["Command"][name]
    for step in path:
        value = value[step]
    return value


def _with_value(tree: Any, path: ParameterPath, value: float) -> Any:
    """A copy of nested dictionaries and tuples with a value in all leaves at a place."""
    if not path:
        return jax.tree.map(lambda leaf: jnp.full_like(leaf, value), tree)
    step, rest = path[0], path[1:]
    inner = _with_value(tree[step], rest, value)
    if isinstance(tree, tuple):
        return tuple(inner if i == step else old for i, old in enumerate(tree))
    return {**tree, step: inner}
