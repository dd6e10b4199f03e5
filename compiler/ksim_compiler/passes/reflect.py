"""Reflect: what the networks' inputs and output turn into in a mirror, if training uses that."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ksim_compiler.plan import Column, Plan, Reflection
from ksim_schema.checks.proportions import place
from ksim_schema.custom.api import Custom
from ksim_schema.diagnostics import Diagnostic, Sink
from ksim_schema.diagnostics.codes.custom import FAILING_COMPONENT
from ksim_schema.diagnostics.codes.values import (
    IDLE_MIRROR,
    NO_COUNTERPART,
    NO_MIRROR_IMAGE,
    UNKNOWN_MIRROR,
    UNMIRRORED_MEMORY,
    UNMIRRORED_VALUE,
)
from ksim_schema.graph import Node
from ksim_schema.robot.mirror import Mirror, Signed, joined
from ksim_schema.vocabulary import Named, annotated_fields
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.command.clips import Motion
from ksim_schema.vocabulary.observation import Observation
from ksim_schema.vocabulary.observation.motion import MotionAnchorError, MotionBodies
from ksim_schema.vocabulary.observation.signal import WiredObservation


def reflect(plan: Plan, sink: Sink) -> Plan:
    """Find the mirror image of all that the networks read and give."""
    name = plan.task.robot
    uses = plan.task.mirror_uses()
    needs = [*uses, *_mirrored_clips(plan)]
    mirror = plan.robot.mirror
    if mirror is None:
        if not needs:
            return plan
        message = f"{'.'.join(needs[0])} needs to know the robot's left and right"
        help = f"write 'mirror: {{left: _left, right: _right}}' in PhysicsState.{name}"
        sink.add([plan.task.report(UNKNOWN_MIRROR, message, *needs[0], help=help)])
        return plan
    sink.add(_joints(plan, mirror, name))
    if sink.failed or not uses:
        return plan
    sink.add(_memories(plan))
    sink.add(_idle(plan))
    sink.add(_parts(plan, mirror))
    if sink.failed:
        return plan
    actions = [_image(plan, Node("Action", name), mirror) or () for name in plan.actions()]
    reflection = Reflection(
        _inputs(plan, plan.policy_input, mirror),
        _inputs(plan, plan.critic_input, mirror),
        joined(actions),
    )
    return replace(plan, reflection=reflection)


def _mirrored_clips(plan: Plan) -> Iterator[tuple[str, ...]]:
    """The fields that have clips followed in their mirror images."""
    for name, part in plan.parts(Command).items():
        if isinstance(part, Motion) and part.mirror:
            yield "Command", name, "mirror"


def _joints(plan: Plan, mirror: Mirror, state: str) -> Iterator[Diagnostic]:
    """Each joint has a counterpart, and is its mirror image."""
    joints = {joint.name: joint for joint in plan.robot.facts.motion_joints if joint.name}
    others = {name: mirror.counterpart(name) for name in joints}
    place = ("PhysicsState", state, "mirror")
    if all(name == other for name, other in others.items()):
        message = "no joint's name holds what the mirror's left and right say"
        help = "joints: " + ", ".join(joints)
        yield plan.task.report(NO_COUNTERPART, message, *place, help=help)
        return
    alone = [name for name, other in others.items() if other not in joints]
    for name in alone:
        message = f"joint {name!r} has no counterpart: there is no joint {others[name]!r}"
        help = "name both sides alike, or write more of the names into left and right"
        yield plan.task.report(NO_COUNTERPART, message, *place, help=help)
    for name, other in others.items():
        if alone or name > other or mirror.sign(joints[name], joints[other]) is not None:
            continue
        message = f"joints {name!r} and {other!r} are not mirror images of each other"
        if name == other:
            message = f"joint {name!r} is not its own mirror image"
        help = "in the home pose, compare their axes, positions, limits and home angles"
        yield plan.task.report(NO_MIRROR_IMAGE, message, *place, help=help)


def _memories(plan: Plan) -> Iterator[Diagnostic]:
    """A network's memory of what it saw has no mirror image."""
    section = plan.task.learner.section
    for (object, name), network in plan.task.networks().items():
        if network.recurrent and plan.task.learner.mirrored:
            message = f"{object}.{name} is recurrent: its memory has no mirror image"
            help = f"remove {section}'s mirror, or use a network of kind mlp"
            yield plan.task.report(UNMIRRORED_MEMORY, message, section, "mirror", help=help)


def _idle(plan: Plan) -> Iterator[Diagnostic]:
    """Mirror images teach a symmetric network nothing: it answers to them as to the samples."""
    task = plan.task
    if task.learner.mirrored and all(network.mirrored for network in task.networks().values()):
        section = task.learner.section
        message = f"{section}.mirror changes nothing: the networks are symmetric, so that a sample"
        message += " and its mirror image teach them the same"
        yield task.report(IDLE_MIRROR, message, section, "mirror", help=f"remove {section}.mirror")


def _uses(plan: Plan) -> str:
    """The fields that need a mirror image, in words."""
    uses = [".".join(path) for path in plan.task.mirror_uses()]
    return " and ".join(uses)


def _parts(plan: Plan, mirror: Mirror) -> Iterator[Diagnostic]:
    nodes = [column.source for column in (*plan.policy_input, *plan.critic_input)]
    nodes += [Node("Action", name) for name in plan.actions()]
    for node in dict.fromkeys(nodes):
        part = plan.task.of(node.object)[node.name]
        if isinstance(part, Custom) and not _is_mirror(part, mirror):
            message = f"{node}: 'mirrored' gives an index and a sign for each element, as in"
            message += " ((0, 1.0), (1, -1.0)), and what is mirrored twice is as it was"
            yield Diagnostic(FAILING_COMPONENT, message, part.declared_at, str(node))
        elif (side := _one_sided(plan, node, mirror)) is not None:
            command, anchor = side
            message = f"{node} is seen from {anchor!r}, the anchor of {command!r}, which is not "
            message += "its own mirror image"
            help = f"take an anchor in the middle, or remove {_uses(plan)}"
            yield plan.task.report(UNMIRRORED_VALUE, message, node.object, node.name, help=help)
        elif _image(plan, node, mirror) is None:
            if isinstance(part, WiredObservation) and any(
                _image(plan, e.src, mirror) is None for e in plan.graph.into(node, part.source)
            ):
                continue  # told of what it is the value of
            message = f"{node} has no mirror image that is known"
            if alone := _alone(part, mirror):
                name, field, several = alone
                other = mirror.counterpart(name)
                message = f"{node} has {name!r} and not {other!r}, so it has no mirror image"
                help = f"take {other!r} in as well" if several else "name one in the middle"
                help += f", or remove {_uses(plan)}"
                at = place(plan.task, node.object, node.name, field)
                yield plan.task.report(UNMIRRORED_VALUE, message, *at, help=help)
                continue
            help = (
                f"remove {_uses(plan)}, or let the networks read something"
                " else; a component of your own says it by a method 'mirrored'"
            )
            yield plan.task.report(UNMIRRORED_VALUE, message, node.object, node.name, help=help)


def _one_sided(plan: Plan, node: Node, mirror: Mirror) -> tuple[str, str] | None:
    """Command and anchor of what is seen from a body that is not its own mirror image."""
    part = plan.task.of(node.object)[node.name]
    if not isinstance(part, MotionAnchorError | MotionBodies):
        return None
    command = plan.task.of(Command).get(part.command)
    if not isinstance(command, Motion):
        return None
    anchor = command.anchored(plan.robot.facts)
    return None if mirror.frames("body", (anchor,)) else (part.command, anchor)


def _alone(part: Any, mirror: Mirror) -> tuple[str, str, bool] | None:
    """A name that a part has without that of the other side, its field, and whether that has many.

    None where it has both sides of all.
    """
    facts = mirror.robot
    for path, named, value in annotated_fields(part, Named):
        texts = value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ()
        if not texts or path[0] in ("with", "partner"):
            continue
        names = set(facts.match(named.what, texts)) if named.pattern else set(texts)
        for name in sorted(names):
            other = mirror.counterpart(name)
            if other not in names and other in facts.names(named.what):
                return name, path[0], isinstance(value, tuple)
    return None


def _is_mirror(part: Custom, mirror: Mirror) -> bool:
    """Whether a component of the task's own file gives a mirror image, or none."""
    given: Any = part.mirrored(mirror)  # type: ignore[attr-defined]
    if given is None:
        return True
    try:
        image = [(operator.index(index), float(sign)) for index, sign in given]
        twice = [(image[i][0], sign * image[i][1]) for i, sign in image if i >= 0]
    except (TypeError, ValueError, IndexError):
        return False
    shape: Any = (
        part.shape(mirror.robot)  # type: ignore[attr-defined]
        if part.object == "Observation"
        else (part.size(mirror.robot),)  # type: ignore[attr-defined]
    )
    return twice == [(i, 1.0) for i in range(math.prod(shape))]


def _inputs(plan: Plan, columns: tuple[Column, ...], mirror: Mirror) -> Signed:
    return joined(_image(plan, column.source, mirror) or () for column in columns)


def _image(plan: Plan, node: Node, mirror: Mirror) -> Signed | None:
    """The mirror image of a node's whole value: of all of its history."""
    part = plan.task.of(node.object)[node.name]
    if isinstance(part, WiredObservation):
        images = [_image(plan, e.src, mirror) for e in plan.graph.into(node, part.source)]
        image = None if None in images else joined(i for i in images if i is not None)
    else:
        assert isinstance(part, Observation | Command | Action)
        image = part.mirrored(mirror)
    if image is None:
        return None
    return joined([image] * (part.history if isinstance(part, Observation) else 1))
